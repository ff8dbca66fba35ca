/** Rotation: a new secret, while the old one works for a time. */
import { assertEquals, assertNotEquals } from "@std/assert";
import { assertProblem } from "../../support/answers.ts";
import { api, createWorkspace, sql, test } from "../../support/workspace.ts";
import { makeKey } from "./key.ts";

const HOUR_MS = 3_600_000;

test("api_keys.rotate lets both secrets work for 24 hours", async () => {
  const workspace = await createWorkspace();
  const key = await makeKey(workspace);
  const { status, body } = await workspace.admin.api.post(`/api_keys/${key.id}/rotate`);
  assertEquals(status, 200, JSON.stringify(body));
  assertNotEquals(body.secret, key.secret);
  const [present, former] = body.secrets;
  assertEquals([present.hint, present.expires_at], [body.secret.slice(0, 10), null]);
  assertEquals(former.hint, key.secret.slice(0, 10));
  const hours = (Date.parse(former.expires_at) - Date.now()) / HOUR_MS;
  assertEquals(Math.round(hours), 24);
  for (const secret of [key.secret, body.secret]) {
    assertEquals((await api(secret).get("/contacts")).status, 200);
  }
});

test("api_keys.rotate refuses the old secret after the end of the overlap", async () => {
  const workspace = await createWorkspace();
  const key = await makeKey(workspace);
  const first = await workspace.admin.api.post(`/api_keys/${key.id}/rotate`);
  const now = new Date().toISOString();
  const second = await workspace.admin.api.post(`/api_keys/${key.id}/rotate`, {
    old_expires_at: now,
  });
  for (const secret of [key.secret, first.body.secret]) {
    assertProblem(await api(secret).get("/contacts"), 401, "api_key_expired");
  }
  assertEquals((await api(second.body.secret).get("/contacts")).status, 200);
  assertEquals(second.body.secrets.length, 1);
});

test("a second rotation does not give an older secret more time", async () => {
  const workspace = await createWorkspace();
  const key = await makeKey(workspace);
  const soon = new Date(Date.now() + HOUR_MS).toISOString();
  await workspace.admin.api.post(`/api_keys/${key.id}/rotate`, { old_expires_at: soon });
  const { body } = await workspace.admin.api.post(`/api_keys/${key.id}/rotate`);
  const oldest = body.secrets.find(({ hint }: { hint: string }) => key.secret.startsWith(hint));
  assertEquals(Date.parse(oldest.expires_at), Date.parse(soon));
});

test("api_keys.rotate refuses an overlap of more than 7 days", async () => {
  const workspace = await createWorkspace();
  const key = await makeKey(workspace);
  const late = new Date(Date.now() + 7 * 24 * HOUR_MS + 60_000).toISOString();
  const answer = await workspace.admin.api.post(`/api_keys/${key.id}/rotate`, {
    old_expires_at: late,
  });
  assertProblem(answer, 422, "validation_failed");
  assertEquals(Object.keys(answer.body.errors), ["old_expires_at"]);
});

test("a rotation is in the log without a hash, and its undo is refused", async () => {
  const workspace = await createWorkspace();
  const key = await makeKey(workspace);
  const rotated = await workspace.admin.api.post(`/api_keys/${key.id}/rotate`);
  const change = rotated.headers.get("Portico-Change");
  const { body } = await workspace.admin.api.get(`/changes/${change}?include=member`);
  assertEquals(
    body.records.data.map(({ table_name, changes }: { table_name: string; changes: object }) => [
      table_name,
      Object.keys(changes),
    ]),
    [["api_keys", ["rotated_at"]]],
  );
  const undo = await workspace.admin.api.post(`/changes/${change}/undo`, {});
  assertProblem(undo, 409, "undo_conflict");
  assertEquals(undo.body.conflicts[0].reason, "account");
  assertEquals((await api(rotated.body.secret).get("/me")).status, 200);
});

test("a key that has expired works again when its end is moved", async () => {
  const workspace = await createWorkspace();
  const key = await makeKey(workspace);
  await sql`update public.api_keys set expires_at = now() - interval '1 second' where id = ${key.id}`;
  assertProblem(await key.api.get("/contacts"), 401, "api_key_expired");
  const listed = await workspace.admin.api.get("/api_keys");
  assertEquals(listed.body.data[0].status, "expired");
  const { status } = await workspace.admin.api.patch(`/api_keys/${key.id}`, { expires_at: null });
  assertEquals(status, 200);
  assertEquals((await key.api.get("/contacts")).status, 200);
});
