/**
 * What the operations on users ask of the auth server. Every call may be repeated: what is done
 * already counts as done.
 * Source: https://supabase.com/docs/reference/javascript/auth-admin-api
 */
import { Problem, type ProblemCode } from "../../_shared/problem.ts";
import type { Settings } from "../../_shared/settings.ts";
import { type AuthAdmin, authProblem } from "../../_shared/supabaseAdmin.ts";
import type { NewUser } from "./schema.ts";

/** What a call that mails can answer. */
export const MAIL_PROBLEMS: readonly ProblemCode[] = [
  "mail_failed",
  "auth_rate_limited",
  "auth_unavailable",
];

/** Ten years, as Go writes it: Supabase Auth knows no ban without an end. */
const BAN_DURATION = "87600h";

/**
 * Makes the auth user under the invitation's id, by which the database finds the invitation.
 * @throws Problem `user_exists_elsewhere` when the address belongs to another user.
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
    "This address belongs to a user of another workspace. Invite them under another address.",
    { errors: { email: "This address is taken." }, cause: error },
  );
}

/** Mails a link to join; to those who have confirmed their address by other ways, one to a password. */
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

/** Bans the user, or lifts the ban. */
export async function setBanned(auth: AuthAdmin, userId: string, banned: boolean): Promise<void> {
  const admin = await auth.admin();
  const { error } = await admin.updateUserById(userId, {
    ban_duration: banned ? BAN_DURATION : "none",
  });
  if (error && error.code !== "user_not_found") throw authProblem(error);
}

/** Changes the address; the database follows by a trigger. Throws `email_taken`. */
export async function changeEmail(auth: AuthAdmin, userId: string, email: string): Promise<void> {
  const { error } = await (await auth.admin()).updateUserById(userId, { email });
  if (error) throw authProblem(error);
}

/** Deletes the user; the member goes along. */
export async function deleteAuthUser(auth: AuthAdmin, userId: string): Promise<void> {
  const { error } = await (await auth.admin()).deleteUser(userId);
  if (error && error.code !== "user_not_found") throw authProblem(error);
}
