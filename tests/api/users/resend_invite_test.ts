/** users.resend_invite: another mail until the user has joined. */
import { assertEquals } from "@std/assert";
import { createWorkspace, mailsTo, refuseMail, test } from "../../support/workspace.ts";
import { grace } from "./grace.ts";

test("users.resend_invite sends another mail, and answers 409 when the user has joined", async () => {
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
