/** users.reset_password: permissions. */
import { assertEquals } from "@std/assert";
import { createWorkspace, mailsTo, test } from "../../support/workspace.ts";
import { grace } from "./grace.ts";

test("users.reset_password sends a mail for the caller, for admins to every user, and answers 403 otherwise", async () => {
  const { admin, addMember } = await createWorkspace();
  const [rep, other] = await Promise.all([addMember("rep"), addMember("rep")]);
  assertEquals((await rep.api.post(`/users/${rep.id}/password_reset`)).status, 202);
  assertEquals((await mailsTo(rep.email)).length, 1);
  const refused = await rep.api.post(`/users/${other.id}/password_reset`);
  assertEquals([refused.status, refused.body.code], [403, "admin_required"]);
  assertEquals(await mailsTo(other.email), []);
  assertEquals((await admin.api.post(`/users/${other.id}/password_reset`)).status, 202);
  assertEquals((await mailsTo(other.email)).length, 1);
  const { body: invited } = await admin.api.post("/users", grace());
  const pending = await admin.api.post(`/users/${invited.id}/password_reset`);
  assertEquals([pending.status, pending.body.code], [409, "member_pending"]);
});
