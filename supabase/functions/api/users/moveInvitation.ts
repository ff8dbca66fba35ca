/**
 * Moving an invitation to another address, in three steps:
 * 1. The database stores the new address with the invitation. From then on it refuses the first sign-in, so
 *    the link in the old mailbox is dead.
 * 2. The auth server changes the address of the user. A trigger then copies it to the member.
 * 3. The auth server mails the link to the new address.
 *
 * Nobody else may change the address of a user who has joined: it would be taken without a proof.
 */
import type { Sql } from "../../_shared/database/database.ts";
import type { SagaContext } from "../../_shared/operation.ts";
import { Problem } from "../../_shared/problem.ts";
import { moveAuthUser } from "./authUsers.ts";
import { completeInvitation } from "./invite.ts";
import { lockUser } from "./queries.ts";
import type { User } from "./schema.ts";

/**
 * Does the first two steps. Returns false when the user has this address already.
 * @throws Problem `email_confirmation_required` when the user has joined; `email_taken`,
 *   `address_unavailable`, `auth_unavailable`.
 */
export async function moveInvitation(
  { auth, transaction }: SagaContext,
  id: number,
  email: string,
): Promise<boolean> {
  const user = await transaction((sql, member) => startMove(sql, id, email, member.id === id));
  if (!user) return false;
  try {
    await moveAuthUser(auth, user.user_id, email);
  } catch (error) {
    // Without an answer the auth server may have changed the address: the same request goes on.
    if (error instanceof Problem && error.code === "address_unavailable") {
      await transaction((sql) => storeAddress(sql, user, user.email));
    }
    throw error;
  }
  return true;
}

/** Does the last step. Throws `Problem` one of `MAIL_PROBLEMS`. */
export async function finishMove(context: SagaContext, user: User): Promise<User> {
  // The link of a disabled user would be refused. An admin can send it after enabling the user.
  if (!user.disabled) await context.auth.recover(user.email);
  return await context.transaction((sql) => completeInvitation(sql, user.user_id));
}

/** Returns the user whose invitation is to be moved; undefined when nothing is to be done. */
async function startMove(
  sql: Sql,
  id: number,
  email: string,
  oneself: boolean,
): Promise<User | undefined> {
  const user = await lockUser(sql, id);
  const [invitation] = await sql<{ moving: boolean }[]>`
    select completed_at is null or email <> ${user.email} as moving
    from invitations
    where id = ${user.user_id} and accepted_at is null
    for update`;
  if (user.email === email && !invitation?.moving) return undefined;
  if (!invitation) throw confirmationRequired(oneself);
  const taken = await sql`
    select from members where email = ${email} and id <> ${id}
    union all
    select from invitations
    where email = ${email} and id <> ${user.user_id} and accepted_at is null and withdrawn_at is null`;
  if (taken.length > 0) {
    throw new Problem("email_taken", "Another member has this address. Use another address.", {
      errors: { email: "Another member has this address." },
    });
  }
  await storeAddress(sql, user, email);
  return user;
}

async function storeAddress(sql: Sql, { user_id }: User, email: string): Promise<void> {
  await sql`
    update invitations
    set email = ${email}, completed_at = null
    where id = ${user_id} and accepted_at is null`;
}

function confirmationRequired(oneself: boolean): Problem {
  const how =
    "PUT /auth/v1/user (auth.updateUser in supabase-js), which mails links to both addresses.";
  const detail = oneself
    ? `Change your own address by ${how}`
    : `This user has joined, so only they can change the address: signed in, by ${how}`;
  return new Problem("email_confirmation_required", detail, { errors: { email: detail } });
}
