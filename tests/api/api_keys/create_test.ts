/** Making an API key, using it, and what others see of it. */
import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { assertProblem } from "../../support/answers.ts";
import { only } from "../../support/exactly.ts";
import { api, createWorkspace, sql, test } from "../../support/workspace.ts";
import { makeKey } from "./key.ts";

test("a key works from its creation until it is revoked", async () => {
  const workspace = await createWorkspace();
  const key = await makeKey(workspace);
  assertMatch(key.secret, /^ptc_[0-9A-Za-z]{49}$/);
  assertEquals((await key.api.get("/contacts")).status, 200);
  const byHeader = await api().get("/contacts", { "X-Api-Key": key.secret });
  assertEquals(byHeader.status, 200);
  assertEquals((await workspace.admin.api.delete(`/api_keys/${key.id}`)).status, 204);
  assertProblem(await key.api.get("/contacts"), 401, "api_key_revoked");
});

test("api_keys.create shows the secret once, and stores its hash alone", async () => {
  const workspace = await createWorkspace();
  const { id, secret, made } = await makeKey(workspace);
  assertEquals(made.body.secrets[0].hint, secret.slice(0, 10));
  const { body } = await workspace.admin.api.get(`/api_keys/${id}`);
  assertEquals("secret" in body, false);
  const { hash } = only(
    await sql<{ hash: string }[]>`
      select encode(hash, 'hex') as hash from gateway.api_key_secrets where member_id = ${id}`,
  );
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(secret));
  assertEquals(hash, new Uint8Array(digest).toHex());
});

test("api_keys.create stores no secret for a repetition of the request", async () => {
  const { admin } = await createWorkspace();
  const headers = { "Idempotency-Key": crypto.randomUUID() };
  const body = { name: "Zapier", role: "rep" };
  const first = await admin.api.post("/api_keys", body, headers);
  const second = await admin.api.post("/api_keys", body, headers);
  assertNotEquals(first.body.secret, null);
  assertEquals(second.body, { ...first.body, secret: null });
  const [stored] = await sql<{ body: string }[]>`
    select body from gateway.idempotency_keys where user_id = ${admin.user_id}`;
  assertEquals(stored?.body.includes(first.body.secret), false);
});

test("what a key makes belongs to the key, and the history names it and its maker", async () => {
  const workspace = await createWorkspace();
  const key = await makeKey(workspace);
  const made = await key.api.post("/contacts", { first_name: "Ada", last_name: "Lovelace" });
  assertEquals([made.status, made.body.sales_id], [201, key.id], JSON.stringify(made.body));
  const maker = { id: workspace.admin.id, first_name: "Ada", last_name: "Admin" };
  const member = { id: key.id, first_name: "Key", last_name: "Zapier", key_of: maker };
  const { body: owned } = await key.api.get(`/contacts/${made.body.id}?include=owner`);
  assertEquals(owned.owner, member);
  const rep = await workspace.addMember("rep");
  const { body: history } = await rep.api.get(
    `/contacts/${made.body.id}/history?include=member`,
  );
  assertEquals(history.data[0].member, member);
});

test("me.get tells a key who it is", async () => {
  const workspace = await createWorkspace();
  const key = await makeKey(workspace, { role: "manager" });
  const { status, body } = await key.api.get("/me");
  assertEquals(status, 200, JSON.stringify(body));
  assertEquals([body.id, body.kind, body.role], [key.id, "key", "manager"]);
  assertEquals(body.workspace.id, workspace.id);
});

test("api_keys.create asks for a role or scopes, and refuses what is not valid", async () => {
  const { admin } = await createWorkspace();
  const past = "2020-01-01T00:00:00Z";
  const bodies: [object, string][] = [
    [{ name: "A" }, "scopes"],
    [{ role: "rep" }, "name"],
    [{ name: "A", role: "owner" }, "role"],
    [{ name: "A", scopes: ["contacts:everything"] }, "scopes.0"],
    [{ name: "A", scopes: ["api_keys:write"] }, "scopes.0"],
    [{ name: "A", role: "rep", expires_at: past }, "expires_at"],
  ];
  for (const [body, field] of bodies) {
    const answer = await admin.api.post("/api_keys", body);
    assertProblem(answer, 422, "validation_failed");
    assertEquals(Object.keys(answer.body.errors), [field], JSON.stringify(body));
  }
});
