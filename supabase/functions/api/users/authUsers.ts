/**
 * The calls to the auth server that the operations on users make. Repeating a call succeeds.
 * Source: https://supabase.com/docs/reference/javascript/auth-admin-api
 */
import { Problem, type ProblemCode } from "../../_shared/problem.ts";
import type { Settings } from "../../_shared/settings.ts";
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
 * Creates the auth user with the invitation's id. The database finds the invitation by it.
 * @throws Problem `user_exists_elsewhere` when the address belongs to another user; `auth_unavailable`.
 */
export async function createAuthUser(auth: AuthAdmin, id: string, user: NewUser): Promise<void> {
  const { email, password, first_name, last_name } = user;
  const admin = await auth.admin();
  const user_metadata = { first_name, last_name };
  const { error } = await admin.createUser({ id, email, password, user_metadata });
  if (!error) return;
  if (error.code !== "email_exists") throw authProblem(error);
  const { data: earlier } = await admin.getUserById(id);
  if (earlier.user?.email === email) return;
  throw new Problem(
    "user_exists_elsewhere",
    "This address belongs to a user of another workspace. Use another address.",
    { errors: { email: "A user of another workspace has this address." }, cause: error },
  );
}

/**
 * Mails a link to join. A user who has already confirmed the address gets a link to a new password.
 * @throws Problem one of `MAIL_PROBLEMS`.
 */
export async function mailInvitation(
  auth: AuthAdmin,
  settings: Settings,
  email: string,
): Promise<void> {
  const admin = await auth.admin();
  const { error } = await admin.inviteUserByEmail(email, { redirectTo: settings.siteUrl });
  if (error?.code === "email_exists") return await auth.recover(email);
  if (error) throw authProblem(error);
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
 * Changes the address. A trigger of the database copies it to the member.
 * @throws Problem `email_taken`, `auth_unavailable`.
 */
export async function changeEmail(auth: AuthAdmin, userId: string, email: string): Promise<void> {
  const { error } = await (await auth.admin()).updateUserById(userId, { email });
  if (error) throw authProblem(error);
}

/** Deletes the auth user, and with it the member. Throws `Problem` `auth_unavailable`. */
export async function deleteAuthUser(auth: AuthAdmin, userId: string): Promise<void> {
  const { error } = await (await auth.admin()).deleteUser(userId);
  if (error && error.code !== "user_not_found") throw authProblem(error);
}
