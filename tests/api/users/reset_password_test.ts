import { assertEquals } from "@std/assert";
import { createWorkspace, freshEmail, mailsTo, refuseMail, test } from "../../support/workspace.ts";

function grace() {
  return { email: freshEmail(), first_name: "Grace", last_name: "Hopper" };
}

test("users.resend_invite mails again, and answers 409 once they have joined", async () => {
  const { admin, addMember } = await createWorkspace();
  const input = grace();
  const { body } = await admin.api.post("/users", input);
  await refuseMail(input.email);
  const refused = await admin.api.post(`/users/${body.id}/resend_invite`);
  assertEquals([refused.status, refused.body.code], [502, "mail_failed"]);
  const sent = await admin.api.post(`/users/${body.id}/resend_invite`);
  assertEquals([sent.status, sent.body.status], [202, "invited"]);
  assertEquals((await mailsTo(input.email)).length, 2);
  const joined = await addMember("rep");
  const active = await admin.api.post(`/users/${joined.id}/resend_invite`);
  assertEquals([active.status, active.body.code], [409, "member_active"]);
});

test("users.reset_password mails oneself, an admin anybody, nobody else", async () => {
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
