/**
 * Inviting: the invitation is written first, under a new uuid; then the auth user is made with that
 * id, which makes the member; then the mail goes out. A failure on the way is undone as far as the
 * auth server answers, and what is left is found and finished by the same request sent again.
 */
import type { Member, Sql } from "../../_shared/database/database.ts";
import type { SagaContext } from "../../_shared/operation.ts";
import { invariant, Problem, type ProblemCode } from "../../_shared/problem.ts";
import {
  createAuthUser,
  deleteAuthUser,
  MAIL_PROBLEMS,
  mailInvitation,
  setBanned,
} from "./authUsers.ts";
import { getUser, setUser } from "./queries.ts";
import type { NewUser, User } from "./schema.ts";

/** Longer than the calls of one request to the auth server may take together. */
const CLAIM = "30 seconds";

/** What inviting can answer. */
export const INVITE_PROBLEMS: readonly ProblemCode[] = [
  "member_exists",
  "user_exists_elsewhere",
  "email_taken",
  "request_in_flight",
  ...MAIL_PROBLEMS,
];

/** Invites somebody; throws `member_exists`, `user_exists_elsewhere`, `mail_failed`. */
export async function inviteUser(context: SagaContext, user: NewUser): Promise<User> {
  const { auth, settings, transaction } = context;
  const id = await transaction((sql, member) => writeInvitation(sql, member, user));
  let created = false;
  try {
    await createAuthUser(auth, id, user);
    created = true;
    // Their link would be refused: they get the mail when it is sent again after enabling.
    if (user.disabled) await setBanned(auth, id, true);
    else await mailInvitation(auth, settings, user.email);
  } catch (error) {
    await takeBack(context, id, created, error).catch(() => {});
    throw error;
  }
  return await transaction((sql) => completeInvitation(sql, id));
}

/** Sends the mail once more to somebody who has not signed in yet. */
export async function resendInvitation(context: SagaContext, id: number): Promise<User> {
  const { auth, settings, transaction } = context;
  const user = await transaction((sql) => getUser(sql, id));
  if (user.status === "disabled") throw userDisabled(id);
  if (user.status === "active") {
    const detail =
      `They have joined already. POST /users/${id}/password_reset mails a new password.`;
    throw new Problem("member_active", detail);
  }
  await mailInvitation(auth, settings, user.email);
  return await transaction((sql) => completeInvitation(sql, user.user_id));
}

/** 409 for what only members who are let in can be sent. */
export function userDisabled(id: number): Problem {
  return new Problem(
    "user_disabled",
    `The user is disabled. Enable them first: POST /users/${id}/restore.`,
  );
}

/** The id of the invitation that this request, and for the time being no other, works on. */
async function writeInvitation(sql: Sql, member: Member, user: NewUser): Promise<string> {
  const pending = await requireFreeAddress(sql, user.email);
  const { email, first_name = null, last_name = null, role, disabled } = user;
  const [invitation] = await sql<{ id: string }[]>`
    insert into invitations (
      id, workspace_id, email, first_name, last_name, role, disabled, invited_by, claimed_until
    )
    values (
      ${crypto.randomUUID()}, ${member.workspace_id}, ${email}, ${first_name}, ${last_name},
      ${role}, ${disabled}, ${member.id}, now() + ${CLAIM}::text::interval
    )
    on conflict (workspace_id, email) where accepted_at is null and withdrawn_at is null
    do update set
      first_name = excluded.first_name,
      last_name = excluded.last_name,
      role = excluded.role,
      disabled = excluded.disabled,
      invited_by = excluded.invited_by,
      claimed_until = excluded.claimed_until
    where invitations.completed_at is null
      and coalesce(invitations.claimed_until, '-infinity') < now()
    returning id`;
  if (!invitation) {
    const detail = "Somebody is inviting this address right now. Look at GET /users in a moment.";
    throw new Problem("request_in_flight", detail, { headers: { "Retry-After": "5" } });
  }
  if (pending !== undefined) {
    const names = { ...(first_name && { first_name }), ...(last_name && { last_name }) };
    await setUser(sql, pending, { ...names, role, disabled });
  }
  return invitation.id;
}

/** Throws `member_exists`; returns the id of a member whose invitation broke off half-way. */
async function requireFreeAddress(sql: Sql, email: string): Promise<number | undefined> {
  // Its user was deleted in the auth server: nothing is left to be invited to.
  await sql`
    delete from invitations
    where email = ${email} and accepted_at is null and withdrawn_at is null
      and completed_at is not null
      and not exists (select from sales where sales.user_id = invitations.id)`;
  const [member] = await sql<{ id: number; status: User["status"]; broken_off: boolean }[]>`
    select members.id::float8 as id, members.status, exists (
      select from invitations
      where invitations.id = members.user_id
        and accepted_at is null and withdrawn_at is null and completed_at is null
    ) as broken_off
    from members
    where members.email = ${email}`;
  if (member && !member.broken_off) throw memberExists(member);
  return member?.id;
}

function memberExists({ id, status }: { id: number; status: User["status"] }): Problem {
  const details = {
    active: "A member with this address exists. Change them with PATCH /users/{id}.",
    invited: `This address is invited already. POST /users/${id}/resend_invite mails it again.`,
    disabled: `A disabled member has this address. POST /users/${id}/restore lets them in again.`,
  };
  return new Problem("member_exists", details[status], {
    errors: { email: "A member has this address." },
    members: { member: { id, status } },
  });
}

/** Undoes user and invitation, or, when the auth server is away, lets the next request have them. */
async function takeBack(
  context: SagaContext,
  id: string,
  created: boolean,
  error: unknown,
): Promise<void> {
  const away = error instanceof Problem && error.code === "auth_unavailable";
  const undone = !away &&
    (!created || await deleteAuthUser(context.auth, id).then(() => true, () => false));
  await context.transaction((sql) =>
    undone
      ? sql`delete from invitations where id = ${id} and accepted_at is null`
      : sql`update invitations set claimed_until = null where id = ${id}`
  );
}

async function completeInvitation(sql: Sql, userId: string): Promise<User> {
  await sql`
    update invitations
    set completed_at = now(), claimed_until = null
    where id = ${userId}`;
  const [member] = await sql<{ id: number }[]>`
    select id::float8 as id from members where user_id = ${userId}`;
  return await getUser(sql, invariant(member, "An invited user has no member").id);
}
