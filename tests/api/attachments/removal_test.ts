/** jobs.remove_attachments: removes files that no note refers to any more, and no others. */
import { assert, assertEquals, assertGreaterOrEqual } from "@std/assert";
import { only } from "../../support/exactly.ts";
import { assertProblem } from "../../support/answers.ts";
import { withApp } from "../../support/app.ts";
import { askForUpload, bytesOf, put, upload } from "../../support/files.ts";
import { insertRow } from "../../support/records.ts";
import {
  type Answer,
  api,
  createWorkspace,
  sql,
  stack,
  test,
  type TestMember,
  type Workspace,
} from "../../support/workspace.ts";

async function runJob(): Promise<Answer> {
  return await api().post("/jobs/remove_attachments", undefined, { apikey: stack.secretKey });
}

async function exists(path: string): Promise<boolean> {
  const rows = await sql`select from storage.objects where name = ${path}`;
  return rows.length > 0;
}

async function queued(path: string): Promise<number> {
  const rows = await sql`select from private.attachment_removals where path = ${path}`;
  return rows.length;
}

/** Moves the queued removals into the past, beyond the grace time. */
async function makeDue(workspace: Workspace): Promise<void> {
  await sql`
    update private.attachment_removals set remove_after = now() - interval '1 second'
    where workspace_id = ${workspace.id}`;
}

async function noteWith(
  member: TestMember,
  contact_id: number,
  ...paths: string[]
): Promise<number> {
  const attachments = paths.map((path) => ({ path }));
  const { status, body } = await member.api.post("/contact_notes", { contact_id, attachments });
  assertEquals(status, 201, JSON.stringify(body));
  return body.id;
}

/** Deletes a record from the trash for good, as the job of the trash does. */
async function emptyTrash(workspace: Workspace): Promise<void> {
  await sql`delete from private.trash where workspace_id = ${workspace.id}`;
}

test("jobs.remove_attachments answers 401 without the secret key", async () => {
  const { admin } = await createWorkspace();
  assertProblem(await api().post("/jobs/remove_attachments"), 401, "secret_key_missing");
  assertProblem(await admin.api.post("/jobs/remove_attachments"), 401, "secret_key_invalid");
});

test("jobs.remove_attachments removes a deleted note's file after the grace time and the trash", async () => {
  const workspace = await createWorkspace();
  const { admin } = workspace;
  const path = await upload(admin);
  const note = await noteWith(admin, await insertRow(workspace, "contacts"), path);
  assertEquals(await queued(path), 0);
  assertEquals((await admin.api.delete(`/contact_notes/${note}`)).status, 204);
  const { days } = only(
    await sql<{ days: number }[]>`
    select extract(day from remove_after - now())::int as days
    from private.attachment_removals where path = ${path}`,
  );
  assertGreaterOrEqual(days, 29);
  assertEquals((await runJob()).status, 200);
  assert(await exists(path), "before the grace time has run out");
  await makeDue(workspace);
  await runJob();
  assert(await exists(path), "while the note is in the trash");
  assertEquals(await queued(path), 1);
  await emptyTrash(workspace);
  await makeDue(workspace);
  const { status, body } = await runJob();
  assertEquals([status, body.complete], [200, true]);
  assert(!await exists(path));
  assertEquals(await queued(path), 0);
  assertEquals((await runJob()).status, 200);
});

test("jobs.remove_attachments keeps a file until the last note that refers to it is deleted", async () => {
  const workspace = await createWorkspace();
  const { admin } = workspace;
  const path = await upload(admin);
  const contact = await insertRow(workspace, "contacts");
  const [first, second] = [
    await noteWith(admin, contact, path),
    await noteWith(admin, contact, path),
  ];
  await admin.api.delete(`/contact_notes/${first}`);
  await emptyTrash(workspace);
  await makeDue(workspace);
  await runJob();
  assert(await exists(path));
  assertEquals(await queued(path), 0);
  await admin.api.delete(`/contact_notes/${second}`);
  await emptyTrash(workspace);
  await makeDue(workspace);
  await runJob();
  assert(!await exists(path));
});

test("jobs.remove_attachments keeps the file of a restored note", async () => {
  const workspace = await createWorkspace();
  const { admin } = workspace;
  const path = await upload(admin);
  const contact = await insertRow(workspace, "contacts");
  const note = await noteWith(admin, contact, path);
  assertEquals((await admin.api.delete(`/contacts/${contact}`)).status, 204);
  assertEquals(await queued(path), 1);
  assertEquals((await admin.api.post(`/contacts/${contact}/restore`)).status, 200);
  assertEquals(await queued(path), 0);
  await makeDue(workspace);
  await runJob();
  assert(await exists(path));
  const { body } = await admin.api.get(`/contact_notes/${note}`);
  assertEquals(body.attachments[0].path, path);
});

test("jobs.remove_attachments removes the files that an update takes out of a note, and keeps the others", async () => {
  const workspace = await createWorkspace();
  const { admin } = workspace;
  const [kept, dropped] = [await upload(admin), await upload(admin)];
  const contact = await insertRow(workspace, "contacts");
  const note = await noteWith(admin, contact, kept, dropped);
  await admin.api.patch(`/contact_notes/${note}`, { text: "Only the words" });
  assertEquals([await queued(kept), await queued(dropped)], [0, 0]);
  await admin.api.patch(`/contact_notes/${note}`, { attachments: [{ path: kept, src: null }] });
  assertEquals([await queued(kept), await queued(dropped)], [0, 1]);
  await makeDue(workspace);
  await runJob();
  assertEquals([await exists(kept), await exists(dropped)], [true, false]);
});

test("jobs.remove_attachments removes an upload that no note refers to", async () => {
  const workspace = await createWorkspace();
  const path = await upload(workspace.admin);
  assertEquals(await queued(path), 1);
  await runJob();
  assert(await exists(path));
  await makeDue(workspace);
  await runJob();
  assert(!await exists(path));
});

test("jobs.remove_attachments keeps a file when a note of another workspace names its path", async () => {
  const [own, foreign] = await Promise.all([createWorkspace(), createWorkspace()]);
  const path = await upload(own.admin);
  await noteWith(own.admin, await insertRow(own, "contacts"), path);
  const contact_id = await insertRow(foreign, "contacts");
  const note = await insertRow(foreign, "contact_notes", { contact_id, attachments: [{ path }] });
  assertEquals((await foreign.admin.api.delete(`/contact_notes/${note}`)).status, 204);
  assertEquals(await queued(path), 0);
});

test("jobs.remove_attachments removes files of Atomic CRM's bucket only for the workspace that owns them", async () => {
  const [own, foreign] = await Promise.all([createWorkspace(), createWorkspace()]);
  const paths = { note: `${Math.random()}.txt`, logo: `${Math.random()}.txt` };
  for (const path of Object.values(paths)) await uploadAsAtomic(own.admin, path);
  const attachments = Object.values(paths).map((path) => ({
    path,
    src: `${stack.apiUrl}/storage/v1/object/public/attachments/${path}`,
  }));
  await insertRow(own, "companies", { name: "Acme", logo: { path: paths.logo, src: "x" } });
  for (const workspace of [foreign, own]) {
    const contact_id = await insertRow(workspace, "contacts");
    const note = await insertRow(workspace, "contact_notes", { contact_id, attachments });
    await workspace.admin.api.delete(`/contact_notes/${note}`);
    await emptyTrash(workspace);
    await makeDue(workspace);
    await runJob();
    assertEquals(await exists(paths.logo), true);
    assertEquals(await exists(paths.note), workspace === foreign);
  }
});

test("jobs.remove_attachments answers 503 when the storage is down, and removes the files later", async () => {
  const workspace = await createWorkspace();
  const path = await upload(workspace.admin);
  await makeDue(workspace);
  await withApp({ supabaseUrl: "http://127.0.0.1:9" }, async ({ send }) => {
    const headers = { apikey: stack.secretKey };
    const answer = await send("/api/jobs/remove_attachments", { method: "POST", headers });
    // The run of another test may hold the lock of the row.
    if (answer.status !== 200) assertProblem(answer, 503, "storage_unavailable");
  });
  await runJob();
  assert(!await exists(path));
});

test("jobs.remove_attachments may run twice at the same time", async () => {
  const workspace = await createWorkspace();
  const { admin } = workspace;
  const uploads = await Promise.all(Array.from({ length: 8 }, () => upload(admin)));
  await makeDue(workspace);
  // Each run keeps a connection while the storage works, and the function has two.
  const answers = await Promise.all([runJob(), runJob()]);
  assertEquals(answers.map(({ status }) => status), [200, 200]);
  assertEquals((await Promise.all(uploads.map(exists))).filter((left) => left), []);
});

test("jobs.remove_attachments or a note that takes the file up at the same time wins, and no note refers to a removed file", async () => {
  const workspace = await createWorkspace();
  const { admin } = workspace;
  const contact_id = await insertRow(workspace, "contacts");
  for (const _ of Array(6)) {
    const path = await upload(admin);
    await makeDue(workspace);
    const [note] = await Promise.all([
      admin.api.post("/contact_notes", { contact_id, attachments: [{ path }] }),
      runJob(),
    ]);
    if (note.status !== 201) assertProblem(note, 422, "attachment_not_uploaded");
    assertEquals(await exists(path), note.status === 201);
  }
});

test("attachments.create answers 503 when the storage is down", async () => {
  const { admin } = await createWorkspace();
  await withApp({ supabaseUrl: "http://127.0.0.1:9" }, async ({ send }) => {
    const answer = await send("/api/attachments", {
      method: "POST",
      headers: { Authorization: `Bearer ${admin.token}`, "Content-Type": "application/json" },
      body: JSON.stringify({ file_name: "a.txt", content_type: "text/plain", size: 1 }),
    });
    assertProblem(answer, 503, "storage_unavailable");
    assertEquals(answer.headers.get("Retry-After"), "5");
  });
});

test("attachments.create answers addresses at which clients reach the storage", async () => {
  const { admin } = await createWorkspace();
  await withApp({ publicUrl: "https://crm.example.com" }, async ({ send }) => {
    const { body } = await send("/api/attachments", {
      method: "POST",
      headers: { Authorization: `Bearer ${admin.token}`, "Content-Type": "application/json" },
      body: JSON.stringify({ file_name: "a.txt", content_type: "text/plain", size: 1 }),
    });
    const start = `https://crm.example.com/storage/v1/object/upload/sign/portico-attachments/`;
    assert(body.upload_url.startsWith(start), body.upload_url);
  });
  const { upload_url } = await askForUpload(admin.api, "a.txt", "text/plain");
  assertEquals((await put(upload_url, bytesOf("a"), "text/plain")).status, 200);
});

async function uploadAsAtomic(member: TestMember, path: string): Promise<void> {
  const data = new FormData();
  data.append("file", new Blob(["hello"], { type: "text/plain" }), path);
  const headers = { apikey: stack.publishableKey, Authorization: `Bearer ${member.token}` };
  const address = `${stack.apiUrl}/storage/v1/object/attachments/${path}`;
  const response = await fetch(address, { method: "POST", headers, body: data });
  assertEquals(response.status, 200, await response.text());
}
