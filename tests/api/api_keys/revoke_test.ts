/** Revoking a key: at once, for good, and with its records kept or given away. */
import { assertEquals } from "@std/assert";
import { assertProblem } from "../../support/answers.ts";
import { withApp } from "../../support/app.ts";
import { only } from "../../support/exactly.ts";
import { createWorkspace, headerOf, sql, test } from "../../support/workspace.ts";
import { makeKey } from "./key.ts";

test("a revoked key ends at once, also where it was used a moment before", async () => {
  const workspace = await createWorkspace();
  const { id, secret } = await makeKey(workspace);
  await withApp({}, async (app) => {
    const headers = { "X-Api-Key": secret };
    const writing = { method: "POST", headers: { ...headers, "Content-Type": "application/json" } };
    const upload = {
      headers: { ...writing.headers, "Idempotency-Key": crypto.randomUUID() },
      body: JSON.stringify({ file_name: "Offer.pdf", content_type: "application/pdf", size: 1 }),
    };
    assertEquals((await app.send("/api/contacts", { headers })).status, 200);
    assertEquals((await app.send("/api/attachments", { ...writing, ...upload })).status, 201);
    await workspace.admin.api.delete(`/api_keys/${id}`);
    assertProblem(await app.send("/api/contacts", { headers }), 401, "api_key_revoked");
    const body = JSON.stringify({ last_name: "Lovelace" });
    assertProblem(await app.send("/api/contacts", { ...writing, body }), 401, "api_key_revoked");
    // A saga that was answered before.
    const again = await app.send("/api/attachments", { ...writing, ...upload });
    assertProblem(again, 401, "api_key_revoked");
  });
});

test("api_keys.delete keeps the records with the revoked key, and its name in the history", async () => {
  const workspace = await createWorkspace();
  const { admin } = workspace;
  const key = await makeKey(workspace);
  const { body: contact } = await key.api.post("/contacts", { last_name: "Lovelace" });
  assertEquals((await admin.api.delete(`/api_keys/${key.id}`)).status, 204);
  assertEquals((await admin.api.delete(`/api_keys/${key.id}`)).status, 204, "repeated");
  const { body } = await admin.api.get(`/contacts/${contact.id}?include=owner`);
  assertEquals(body.owner, { id: key.id, first_name: "Key", last_name: "Zapier" });
  assertProblem(await admin.api.get(`/api_keys/${key.id}`), 404, "not_found");
  assertEquals((await admin.api.get("/api_keys")).body.data, []);
});

test("api_keys.delete gives the records to another member", async () => {
  const workspace = await createWorkspace();
  const rep = await workspace.addMember("rep");
  const key = await makeKey(workspace);
  const { body: contact } = await key.api.post("/contacts", { last_name: "Lovelace" });
  const unknown = await workspace.admin.api.delete(`/api_keys/${key.id}?reassign_to=${key.id}`);
  assertProblem(unknown, 422, "unknown_reference");
  const revoked = await workspace.admin.api.delete(`/api_keys/${key.id}?reassign_to=${rep.id}`);
  assertEquals(revoked.status, 204);
  assertEquals((await rep.api.get(`/contacts/${contact.id}`)).body.sales_id, rep.id);
});

test("api_keys.delete gives away what the key is making at the same moment", async () => {
  const workspace = await createWorkspace();
  const { admin } = workspace;
  const key = await makeKey(workspace);
  let revoking: ReturnType<typeof admin.api.delete> | undefined;
  const contact = await sql.begin(async (tx) => {
    const own = await tx<{ pid: number }[]>`select pg_backend_pid() as pid`;
    const row = await tx<{ id: number }[]>`
      insert into public.contacts (workspace_id, last_name, sales_id)
      values (${workspace.id}, 'Lovelace', ${key.id})
      returning id::float8 as id`;
    revoking = admin.api.delete(`/api_keys/${key.id}?reassign_to=${admin.id}`);
    let isRevoked = false;
    revoking.then(() => isRevoked = true);
    while (!isRevoked && !(await waitsFor(only(own).pid)));
    return only(row).id;
  });
  assertEquals((await revoking)?.status, 204);
  assertEquals((await admin.api.get(`/contacts/${contact}`)).body.sales_id, admin.id);
});

async function waitsFor(pid: number): Promise<boolean> {
  const waiting = await sql`
    select from pg_locks where not granted and ${pid} = any (pg_blocking_pids(pid))`;
  return waiting.length > 0;
}

test("api_keys.delete answers 404 to the id of a user and of a key of another workspace", async () => {
  const [workspace, other] = [await createWorkspace(), await createWorkspace()];
  const foreign = await makeKey(other);
  for (const id of [workspace.admin.id, foreign.id]) {
    assertProblem(await workspace.admin.api.delete(`/api_keys/${id}`), 404, "not_found");
  }
  assertEquals((await foreign.api.get("/me")).status, 200);
});

test("the undo of a creation revokes the key, and no undo brings a key back", async () => {
  const workspace = await createWorkspace();
  const { admin } = workspace;
  const [undone, revoked] = [await makeKey(workspace), await makeKey(workspace)];
  const undo = await admin.api.post(
    `/changes/${headerOf(undone.made, "Portico-Change")}/undo`,
    {},
  );
  assertEquals(undo.status, 200, JSON.stringify(undo.body));
  assertProblem(await undone.api.get("/me"), 401, "api_key_revoked");
  const deletion = await admin.api.delete(`/api_keys/${revoked.id}`);
  for (const change of [undo.body.change_id, headerOf(deletion, "Portico-Change")]) {
    for (const on_conflict of ["refuse", "revert"]) {
      const again = await admin.api.post(`/changes/${change}/undo`, { on_conflict });
      assertProblem(again, 409, "undo_conflict");
      assertEquals(again.body.conflicts[0].reason, "purged");
    }
    await admin.api.post(`/changes/${change}/undo`, { on_conflict: "keep" });
  }
  for (const key of [undone, revoked]) {
    assertProblem(await key.api.get("/me"), 401, "api_key_revoked");
  }
});

test("a key lives on when its maker is disabled, and dies with its workspace", async () => {
  const workspace = await createWorkspace();
  const second = await workspace.addMember("admin");
  const made = await second.api.post("/api_keys", { name: "Zapier", role: "rep" });
  const headers = { "X-Api-Key": made.body.secret };
  await workspace.admin.api.patch(`/users/${second.id}`, { disabled: true });
  const { body } = await workspace.admin.api.get(`/api_keys/${made.body.id}`);
  assertEquals(body.created_by, second.id);
  await withApp({}, async (app) => {
    assertEquals((await app.send("/api/me", { headers })).status, 200);
    await sql`delete from public.workspaces where id = ${workspace.id}`;
    assertProblem(await app.send("/api/me", { headers }), 401, "api_key_unknown");
  });
});

test("making and revoking a key are in the log, for admins alone, without its hash", async () => {
  const workspace = await createWorkspace();
  const rep = await workspace.addMember("rep");
  const key = await makeKey(workspace);
  const { hash } = only(
    await sql<{ hash: string }[]>`
      select encode(hash, 'hex') as hash from gateway.api_key_secrets where member_id = ${key.id}`,
  );
  await workspace.admin.api.delete(`/api_keys/${key.id}`);
  const query = "/activity?table_name=api_keys&sort=id";
  const { body } = await workspace.admin.api.get(query);
  assertEquals(
    body.data.map(({ action, record_id }: { action: string; record_id: number }) => [
      action,
      record_id,
    ]),
    [["created", key.id], ["deleted", key.id]],
  );
  const rows = await sql<{ row: string }[]>`
    select to_jsonb(a)::text as row from public.audit_log a where workspace_id = ${workspace.id}`;
  assertEquals(rows.filter(({ row }) => row.includes(hash) || row.includes(key.secret)), []);
  assertEquals((await rep.api.get(query)).body.data, []);
});
