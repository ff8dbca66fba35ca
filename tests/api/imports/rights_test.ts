/** imports: whose rights they have, who may use them, and what happens when they are interrupted. */
import { assert, assertEquals } from "@std/assert";
import { assertProblem } from "../../support/answers.ts";
import { withApp } from "../../support/app.ts";
import { api, createWorkspace, sql, stack, test } from "../../support/workspace.ts";
import { makeKey } from "../api_keys/key.ts";
import { countsOf, createImport, csv, ended, importFile, runImport } from "./importing.ts";

const PERSON = csv("First name,Email", "Ada,ada@example.com");

async function continueImports(): Promise<number> {
  const { status, body } = await api(stack.secretKey).post("/jobs/continue_imports");
  assertEquals(status, 200, JSON.stringify(body));
  return body.continued;
}

test("imports cannot give another member's record to a new owner, as PATCH cannot", async () => {
  const { admin, addMember } = await createWorkspace();
  const rep = await addMember("rep");
  await importFile(admin, { content: PERSON });
  const content = csv(
    "First name,Email,Title,Owner email",
    `,ada@example.com,Countess,${rep.email}`,
    `Alan,alan@example.com,,${admin.email}`,
    "Grace,grace@example.com,,nobody@example.com",
  );
  const done = await importFile(rep, { content, policy: "update" });
  assertEquals(countsOf(done), { created: 1, updated: 0, skipped: 0, rejected: 2 });
  const [ada, alan] = (await admin.api.get("/contacts?sort=id")).body.data;
  assertEquals([ada.title, ada.sales_id, alan.sales_id], [null, admin.id, admin.id]);
  const changed = await importFile(rep, {
    content: content.replace(rep.email, ""),
    policy: "update",
  });
  assertEquals(countsOf(changed).updated, 1);
});

test("imports are changed by their member, managers and admins; others read them", async () => {
  const { admin, addMember } = await createWorkspace();
  const rep = await addMember("rep");
  const other = await addMember("rep");
  const { id } = await createImport(rep, { content: PERSON });
  assertEquals((await other.api.get(`/imports/${id}`)).status, 200);
  assertProblem(await other.api.post(`/imports/${id}/run`, {}), 403, "forbidden");
  assertProblem(await other.api.post(`/imports/${id}/inspect`), 403, "forbidden");
  assertProblem(await other.api.patch(`/imports/${id}`, {}), 403, "forbidden");
  assertProblem(await other.api.post(`/imports/${id}/undo`, {}), 403, "forbidden");
  assertProblem(await other.api.delete(`/imports/${id}`), 403, "forbidden");
  assertEquals((await runImport(admin, id)).created_count, 1);
  // The records have the rights of the member who runs the import.
  const [ada] = (await admin.api.get("/contacts")).body.data;
  assertEquals(ada.sales_id, admin.id);
  assertEquals((await admin.api.post(`/imports/${id}/undo`, {})).body.complete, true);
  assertEquals((await admin.api.delete(`/imports/${id}`)).status, 204);
  assertProblem(await rep.api.get(`/imports/${id}`), 404, "not_found");
});

test("imports of other workspaces cannot be seen or used, nor the ids of their records", async () => {
  const [own, foreign] = await Promise.all([createWorkspace(), createWorkspace()]);
  const { id } = await createImport(foreign.admin, { content: PERSON });
  for (const path of ["", "/rejected"]) {
    assertProblem(await own.admin.api.get(`/imports/${id}${path}`), 404, "not_found");
  }
  for (const path of ["/run", "/undo", "/inspect"]) {
    assertProblem(await own.admin.api.post(`/imports/${id}${path}`, {}), 404, "not_found");
  }
  await runImport(foreign.admin, id);
  const [ada] = (await foreign.admin.api.get("/contacts")).body.data;
  const content = csv("id,First name,Email", `${ada.id},Ada,ada@example.com`);
  const done = await importFile(own.admin, {
    content,
    match_on: ["id", "email"],
    policy: "update",
  });
  assertEquals(countsOf(done), { created: 1, updated: 0, skipped: 0, rejected: 0 });
  assertEquals((await foreign.admin.api.get(`/contacts/${ada.id}`)).body, ada);
});

test("imports.run twice at the same time imports each row once", async () => {
  const { admin } = await createWorkspace();
  const rows = Array.from({ length: 3_000 }, (_, index) => `Row ${index}`);
  const { id } = await createImport(admin, { content: csv("First name", ...rows) });
  const runs = await Promise.all(
    Array.from({ length: 4 }, () => admin.api.post(`/imports/${id}/run`, {})),
  );
  for (const { status } of runs) assert(status === 202 || status === 409);
  const done = await ended(admin, id);
  assertEquals([done.state, done.created_count], ["completed", 3_000]);
  assertEquals((await admin.api.get("/contacts?count=exact&limit=1")).body.total, 3_000);
});

/** Puts an import into the state of a process that ended in the middle. */
async function interrupt(id: string, state: string): Promise<void> {
  await sql`update public.imports set state = ${state}, due_at = now() where id = ${id}`;
}

test("jobs.continue_imports continues an interrupted import as its member", async () => {
  const { admin, addMember } = await createWorkspace();
  const rep = await addMember("rep");
  const { id } = await createImport(rep, { content: PERSON });
  await interrupt(id, "running");
  while ((await rep.api.get(`/imports/${id}`)).body.state === "running") await continueImports();
  const done = await ended(admin, id);
  assertEquals([done.state, done.created_count], ["completed", 1]);
  const [ada] = (await admin.api.get("/contacts")).body.data;
  assertEquals(ada.sales_id, rep.id);
  const [change] = (await admin.api.get(`/changes?import_id=${id}`)).body.data;
  assertEquals([change.member_id, change.operation], [rep.id, "jobs.continue_imports"]);
});

test("jobs.continue_imports ends the import of a disabled member", async () => {
  const { admin, addMember } = await createWorkspace();
  const rep = await addMember("rep");
  const { id } = await createImport(rep, { content: PERSON });
  await sql`update public.sales set disabled = true where id = ${rep.id}`;
  await interrupt(id, "running");
  while ((await admin.api.get(`/imports/${id}`)).body.state === "running") await continueImports();
  assertEquals((await ended(admin, id)).state, "failed");
  assertEquals((await admin.api.get("/contacts")).body.data, []);
});

test("jobs.continue_imports ends the imports of API keys that have expired or were revoked", async () => {
  const workspace = await createWorkspace();
  const { admin } = workspace;
  const [expired, revoked, active] = [
    await makeKey(workspace),
    await makeKey(workspace),
    await makeKey(workspace),
  ];
  const ids: string[] = [];
  for (const key of [expired, revoked, active]) {
    const { body } = await key.api.post("/imports", { record_type: "contacts", content: PERSON });
    ids.push(body.id);
  }
  await sql`update public.api_keys set expires_at = now() where id = ${expired.id}`;
  await admin.api.delete(`/api_keys/${revoked.id}`);
  await Promise.all(ids.map((id) => interrupt(id, "running")));
  const states: string[] = [];
  for (const id of ids) {
    while ((await admin.api.get(`/imports/${id}`)).body.state === "running") {
      await continueImports();
    }
    states.push((await admin.api.get(`/imports/${id}`)).body.state);
  }
  assertEquals(states, ["failed", "failed", "completed"]);
  assertEquals((await admin.api.get("/contacts?count=exact")).body.total, 1);
});

test("jobs.continue_imports continues other imports when the storage fails for one", async () => {
  const [first, second] = await Promise.all([createWorkspace(), createWorkspace()]);
  const uploaded = await createImport(first.admin, {});
  const put = await fetch(uploaded.upload.upload_url, { method: "PUT", body: PERSON });
  assertEquals(put.status, 200, await put.text());
  await first.admin.api.post(`/imports/${uploaded.id}/inspect`);
  const { id } = await createImport(second.admin, { content: PERSON });
  await sql`
    update public.imports
    set state = 'running', due_at = (case id when ${id} then '2000-01-02' else '2000-01-01' end)::timestamptz
    where id in (${id}, ${uploaded.id})`;
  await withApp({ supabaseUrl: "http://127.0.0.1:9" }, async ({ send }) => {
    const headers = { apikey: stack.secretKey };
    await send("/api/jobs/continue_imports", { method: "POST", headers });
  });
  const { state } = (await second.admin.api.get(`/imports/${id}`)).body;
  assertEquals(state, "completed");
});

test("imports.cancel ends a run, and the next run continues it", async () => {
  const { admin } = await createWorkspace();
  const { id } = await createImport(admin, { content: PERSON });
  assertEquals((await admin.api.post(`/imports/${id}/cancel`)).body.state, "ready");
  await sql`
    update public.imports set state = 'running', due_at = now() + interval '1 hour'
    where id = ${id}`;
  assertProblem(await admin.api.delete(`/imports/${id}`), 409, "import_running");
  assertEquals((await admin.api.post(`/imports/${id}/cancel`)).body.state, "cancelled");
  assertEquals((await runImport(admin, id)).created_count, 1);
});

test("imports.cancel answers 409 to an undo", async () => {
  const { admin } = await createWorkspace();
  const { id } = await createImport(admin, { content: PERSON });
  await sql`
    update public.imports set state = 'undoing', due_at = now() + interval '1 hour'
    where id = ${id}`;
  assertProblem(await admin.api.post(`/imports/${id}/cancel`), 409, "import_running");
});

test("imports.update, undo and a dry run answer 409 while the import runs", async () => {
  const { admin } = await createWorkspace();
  const { id } = await createImport(admin, { content: PERSON });
  await sql`
    update public.imports set state = 'running', due_at = now() + interval '1 hour'
    where id = ${id}`;
  assertProblem(await admin.api.patch(`/imports/${id}`, {}), 409, "import_running");
  const dry = await admin.api.post(`/imports/${id}/run`, { dry_run: true });
  assertProblem(dry, 409, "import_running");
  assertProblem(await admin.api.post(`/imports/${id}/undo`, {}), 409, "import_running");
});
