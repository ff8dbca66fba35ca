/** The member of a key: an owner of records, and not a person. */
import { assertEquals } from "@std/assert";
import { assertProblem } from "../../support/answers.ts";
import {
  answerOf,
  auth,
  createWorkspace,
  headerOf,
  mailsTo,
  sql,
  stack,
  test,
} from "../../support/workspace.ts";
import { makeKey } from "./key.ts";

test("owner pickers of Atomic CRM show a key by its name, and its row cannot be edited there", async () => {
  const workspace = await createWorkspace();
  const key = await makeKey(workspace);
  const url = `${stack.apiUrl}/rest/v1/sales?id=eq.${key.id}`;
  const headers = {
    apikey: stack.publishableKey,
    Authorization: `Bearer ${workspace.admin.token}`,
    "Content-Type": "application/json",
  };
  const { body: [row] } = await answerOf(await fetch(url, { headers }));
  assertEquals([row.first_name, row.last_name, row.kind], ["Key", "Zapier", "key"]);
  const body = JSON.stringify({ administrator: true });
  const changed = await answerOf(await fetch(url, { method: "PATCH", headers, body }));
  assertEquals([changed.status, changed.body.details], [409, "member_is_key"]);
});

test("a key follows its name and role", async () => {
  const workspace = await createWorkspace();
  const key = await makeKey(workspace);
  const { status } = await workspace.admin.api.patch(`/api_keys/${key.id}`, {
    name: "Make",
    role: "manager",
  });
  assertEquals(status, 200);
  const { body } = await key.api.get("/me");
  assertEquals([body.last_name, body.role], ["Make", "manager"]);
});

test("the operations on users know no key", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const key = await makeKey(workspace);
  const { body } = await api.get("/users");
  assertEquals(body.data.map(({ id }: { id: number }) => id), [workspace.admin.id]);
  for (
    const answer of [
      await api.get(`/users/${key.id}`),
      await api.patch(`/users/${key.id}`, { role: "admin" }),
      await api.delete(`/users/${key.id}`),
      await api.post(`/users/${key.id}/restore`),
      await api.post(`/users/${key.id}/resend_invite`),
      await api.post(`/users/${key.id}/password_reset`),
    ]
  ) assertProblem(answer, 404, "not_found");
  const [{ email } = { email: "" }] = await sql<{ email: string }[]>`
    select email from public.sales where id = ${key.id}`;
  assertEquals(await mailsTo(email), []);
  const invited = await api.post("/users", { email, first_name: "A", last_name: "B" });
  assertProblem(invited, 422, "validation_failed");
  assertEquals(Object.keys(invited.body.errors), ["email"]);
});

test("a key does not count as an admin who is left", async () => {
  const workspace = await createWorkspace();
  await makeKey(workspace, { role: "admin" });
  const answer = await workspace.admin.api.patch(`/users/${workspace.admin.id}`, { role: "rep" });
  assertProblem(answer, 409, "last_admin");
});

test("an admin's key changes no member by an undo", async () => {
  const workspace = await createWorkspace();
  const rep = await workspace.addMember("rep");
  const raised = await workspace.admin.api.patch(`/users/${rep.id}`, { role: "manager" });
  const other = await makeKey(workspace);
  const key = await makeKey(workspace, { role: "admin" });
  for (const change of [raised, other.made]) {
    const undo = await key.api.post(`/changes/${headerOf(change, "Portico-Change")}/undo`, {});
    assertProblem(undo, 403, "admin_required");
  }
});

test("a role bounds what a key may do with the records of others", async () => {
  const workspace = await createWorkspace();
  const { body } = await workspace.admin.api.post("/contacts", { last_name: "Lovelace" });
  const rep = await makeKey(workspace);
  assertProblem(await rep.api.delete(`/contacts/${body.id}`), 403, "forbidden");
  const manager = await makeKey(workspace, { role: "manager" });
  assertEquals((await manager.api.delete(`/contacts/${body.id}`)).status, 204);
});

test("the auth server makes no user with the id of a key", async () => {
  const workspace = await createWorkspace();
  const key = await makeKey(workspace);
  const { user_id: id } = (await key.api.get("/me")).body;
  for (const email of [`${crypto.randomUUID()}@example.test`, undefined]) {
    const phone = email ? undefined : "4915112345678";
    const { status } = await auth(
      "/admin/users",
      { id, email, phone, password: "x".repeat(12) },
      true,
    );
    assertEquals(status >= 400, true);
  }
  assertEquals((await sql`select from auth.users where id = ${id}`).length, 0);
});
