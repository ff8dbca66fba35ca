/** Mailing a link to a new password: to the caller, or by an admin to any user of the workspace. */
import type { Member, Sql } from "../../_shared/database/database.ts";
import { idParams } from "../../_shared/fields.ts";
import { saga, type SagaContext } from "../../_shared/operation.ts";
import { Problem, type ProblemCode } from "../../_shared/problem.ts";
import { MAIL_PROBLEMS } from "./authUsers.ts";
import { userDisabled } from "./invite.ts";
import { getUser } from "./queries.ts";
import { User } from "./schema.ts";

/** The problems of mailing a link to a new password. */
export const RESET_PROBLEMS: readonly ProblemCode[] = [
  "member_pending",
  "user_disabled",
  ...MAIL_PROBLEMS,
];

export const resetPassword = saga({
  id: "users.reset_password",
  method: "POST",
  path: "/users/:id/password_reset",
  summary: "Mail a link to a new password",
  access: "member",
  keys: false,
  allowed: "self",
  params: idParams,
  output: User,
  status: 202,
  problems: RESET_PROBLEMS,
  run: (context, { params }) => mailPasswordReset(context, params.id),
});

/**
 * Mails the link and returns the user. Without an id the user is the caller.
 * @throws Problem `not_found`, `admin_required`, or one of `RESET_PROBLEMS`.
 */
export async function mailPasswordReset(context: SagaContext, id?: number): Promise<User> {
  const user = await context.transaction((sql, member) => findRecipient(sql, member, id));
  await context.auth.recover(user.email);
  return user;
}

async function findRecipient(sql: Sql, member: Member, id = member.id): Promise<User> {
  const user = await getUser(sql, id);
  if (id !== member.id && member.role !== "admin") {
    throw new Problem("admin_required", "Ask an administrator to mail the link to other users.");
  }
  if (user.status === "disabled") throw userDisabled(id);
  if (user.status === "active" || id === member.id) return user;
  const detail =
    `The user has not joined yet. POST /users/${id}/resend_invite mails the invitation again.`;
  throw new Problem("member_pending", detail);
}
