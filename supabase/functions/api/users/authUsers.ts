/**
 * The calls to the auth server that the operations on users make. Repeating a call succeeds.
 * Source: https://supabase.com/docs/reference/javascript/auth-admin-api
 */
import { Problem, type ProblemCode } from "../../_shared/problem.ts";
import { type AuthAdmin, authProblem } from "../../_shared/supabaseAdmin.ts";
import type { NewUser } from "./schema.ts";

/** The problems of a call that sends a mail. */
export const MAIL_PROBLEMS: readonly ProblemCode[] = [
  "mail_failed",
  "auth_rate_limited",
  "auth_unavailable",
];

/** Ten years as a duration of Go. Supabase Auth has no ban without an end. */
const BAN_DURATION = "87600h";

/**
 * Creates the auth user with the invitation's id. The database finds the invitation by it. The user counts
 * as confirmed, because Supabase Auth may open a session for whoever signs up with the address of an
 * unconfirmed user. Nobody knows the password, so only a mailed link signs the user in. `invited` makes the
 * mail read as an invitation until then.
 * @throws Problem `address_unavailable` when the address belongs to another user; `auth_unavailable`.
 */
export async function createAuthUser(auth: AuthAdmin, id: string, user: NewUser): Promise<void> {
  const { email, first_name, last_name } = user;
  const admin = await auth.admin();
  const user_metadata = { first_name, last_name, invited: true };
  const { error } = await admin.createUser({ id, email, email_confirm: true, user_metadata });
  if (!error) return;
  if (error.code !== "email_exists") throw authProblem(error);
  const { data: earlier, error: unknown } = await admin.getUserById(id);
  if (unknown && unknown.code !== "user_not_found") throw authProblem(unknown);
  if (earlier.user?.email !== email) throw addressUnavailable(error);
}

/** Does not say why: other workspaces' users are nobody's business here. */
function addressUnavailable(cause: unknown): Problem {
  const detail = "This address cannot be used for a new user. Ask the user for another one.";
  return new Problem("address_unavailable", detail, { errors: { email: detail }, cause });
}

/** Bans the user, or removes the ban. Throws `Problem` `auth_unavailable`. */
export async function setBanned(auth: AuthAdmin, userId: string, banned: boolean): Promise<void> {
  const admin = await auth.admin();
  const { error } = await admin.updateUserById(userId, {
    ban_duration: banned ? BAN_DURATION : "none",
  });
  if (error && error.code !== "user_not_found") throw authProblem(error);
}

/**
 * Changes the address of a user who has not joined yet. The new password makes the auth server forget the
 * links that it mailed before. A trigger of the database copies the address to the member.
 * @throws Problem `address_unavailable` when the address belongs to another user; `auth_unavailable`.
 */
export async function moveAuthUser(auth: AuthAdmin, userId: string, email: string): Promise<void> {
  // Characters of all kinds, because projects may require them.
  const password = `${crypto.randomUUID()}-Aa1!`;
  const { error } = await (await auth.admin()).updateUserById(userId, { email, password });
  if (error?.code === "email_exists") throw addressUnavailable(error);
  if (error) throw authProblem(error);
}

/** Deletes the auth user, and with it the member. Throws `Problem` `auth_unavailable`. */
export async function deleteAuthUser(auth: AuthAdmin, userId: string): Promise<void> {
  const { error } = await (await auth.admin()).deleteUser(userId);
  if (error && error.code !== "user_not_found") throw authProblem(error);
}
