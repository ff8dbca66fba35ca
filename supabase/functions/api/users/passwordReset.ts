/** Mailing a link to a new password: to oneself, or by an admin to anybody in the workspace. */
import type { Member, Sql } from "../../_shared/database/database.ts";
import type { SagaContext } from "../../_shared/operation.ts";
import { Problem, type ProblemCode } from "../../_shared/problem.ts";
import { MAIL_PROBLEMS } from "./authUsers.ts";
import { userDisabled } from "./invite.ts";
import { getUser } from "./queries.ts";
import type { User } from "./schema.ts";

/** What mailing a link can answer. */
export const RESET_PROBLEMS: readonly ProblemCode[] = [
  "member_pending",
  "user_disabled",
  ...MAIL_PROBLEMS,
];

/** Mails the link; without an id to the caller. Throws `member_pending`, `auth_rate_limited`. */
export async function mailPasswordReset(context: SagaContext, id?: number): Promise<User> {
  const user = await context.transaction((sql, member) => findReceiver(sql, member, id));
  await context.auth.recover(user.email);
  return user;
}

async function findReceiver(sql: Sql, member: Member, id = member.id): Promise<User> {
  const user = await getUser(sql, id);
  if (id !== member.id && member.role !== "admin") {
    throw new Problem("admin_required", "Ask an administrator to send mails to other users.");
  }
  if (user.status === "disabled") throw userDisabled(id);
  if (user.status === "active" || id === member.id) return user;
  const detail = `They have not joined yet. POST /users/${id}/resend_invite mails the invitation.`;
  throw new Problem("member_pending", detail);
}
