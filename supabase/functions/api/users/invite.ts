/**
 * Inviting a user, in three steps:
 * 1. The database stores the invitation under a new uuid.
 * 2. The auth server creates the auth user with that id. A trigger then creates the member.
 * 3. The auth server mails a link to choose a password. Following it is the first sign-in, which accepts
 *    the invitation.
 *
 * When a step fails, the steps before it are undone. When that fails too, the same request sent again
 * finishes the invitation.
 */
import type { Member, Sql } from "../../_shared/database/database.ts";
import { idParams } from "../../_shared/fields.ts";
import { saga, type SagaContext } from "../../_shared/operation.ts";
import { invariant, Problem, type ProblemCode } from "../../_shared/problem.ts";
import { createAuthUser, deleteAuthUser, MAIL_PROBLEMS, setBanned } from "./authUsers.ts";
import { getUser, setUser } from "./queries.ts";
import { type NewUser, User, UserInput } from "./schema.ts";

/** How long a request has an invitation to itself: longer than its calls to the auth server can take. */
const CLAIM_DURATION = "30 seconds";

/** The problems of inviting. */
export const INVITE_PROBLEMS: readonly ProblemCode[] = [
  "member_exists",
  "address_unavailable",
  "request_in_flight",
  ...MAIL_PROBLEMS,
];

export const inviteUser = saga({
  id: "users.invite",
  method: "POST",
  path: "/users",
  summary: "Invite a user",
  description: "Mails a link to join the workspace. After a failure, send the same request again.",
  access: "member",
  keys: false,
  allowed: "admin",
  body: UserInput,
  example: { email: "grace@example.com", first_name: "Grace", last_name: "Hopper", role: "rep" },
  output: User,
  status: 201,
  location: ({ id }) => `users/${id}`,
  problems: INVITE_PROBLEMS,
  run: (context, { body }) => invite(context, body),
});

export const resendInvitation = saga({
  id: "users.resend_invite",
  method: "POST",
  path: "/users/:id/resend_invite",
  summary: "Mail an invitation again",
  access: "member",
  keys: false,
  allowed: "admin",
  params: idParams,
  output: User,
  status: 202,
  problems: ["member_active", "user_disabled", ...MAIL_PROBLEMS],
  run: (context, { params }) => resend(context, params.id),
});

/** Invites a user and returns the member. Throws one of `INVITE_PROBLEMS`. */
export async function invite(context: SagaContext, user: NewUser): Promise<User> {
  const { auth, transaction } = context;
  const id = await transaction((sql, member) => writeInvitation(sql, member, user));
  let created = false;
  try {
    await createAuthUser(auth, id, user);
    created = true;
    // The link of a disabled user would be refused. An admin can send it after enabling the user.
    if (user.disabled) await setBanned(auth, id, true);
    else await auth.recover(user.email);
  } catch (error) {
    await undo(context, id, created, error).catch(() => {});
    throw error;
  }
  return await transaction((sql) => completeInvitation(sql, id), { repeatable: true });
}

/**
 * Mails the link to join again.
 * @throws Problem `not_found`, `user_disabled`, `member_active`, or one of `MAIL_PROBLEMS`.
 */
async function resend(context: SagaContext, id: number): Promise<User> {
  const { auth, transaction } = context;
  const user = await transaction((sql) => getUser(sql, id));
  if (user.status === "disabled") throw userDisabled(id);
  if (user.status === "active") {
    const detail =
      `The user has already joined. POST /users/${id}/password_reset mails a link to a new password.`;
    throw new Problem("member_active", detail);
  }
  await auth.recover(user.email);
  return await transaction((sql) => completeInvitation(sql, user.user_id), { repeatable: true });
}

/** Returns the problem `user_disabled`: the auth server would refuse the link in the mail. */
export function userDisabled(id: number): Problem {
  return new Problem(
    "user_disabled",
    `The user is disabled. Enable the user first: POST /users/${id}/restore.`,
  );
}

/**
 * Stores the invitation, or takes over one that was not finished, and returns its id. No other request can
 * take it over for `CLAIM_DURATION`.
 * @throws Problem `member_exists`, `request_in_flight`.
 */
async function writeInvitation(sql: Sql, member: Member, user: NewUser): Promise<string> {
  const pending = await requireFreeAddress(sql, user.email);
  const { email, first_name = null, last_name = null, role, disabled } = user;
  const [invitation] = await sql<{ id: string }[]>`
    insert into invitations (
      id, workspace_id, email, first_name, last_name, role, disabled, invited_by, claimed_until
    )
    values (
      ${crypto.randomUUID()}, ${member.workspace_id}, ${email}, ${first_name}, ${last_name},
      ${role}, ${disabled}, ${member.id}, now() + ${CLAIM_DURATION}::text::interval
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
    const detail = "Another request is inviting this address. Read GET /users after a few seconds.";
    throw new Problem("request_in_flight", detail, { headers: { "Retry-After": "5" } });
  }
  if (pending !== undefined) {
    const names = { ...(first_name && { first_name }), ...(last_name && { last_name }) };
    await setUser(sql, pending, { ...names, role, disabled });
  }
  return invitation.id;
}

/**
 * Returns the id of the member of an unfinished invitation; undefined when the address is free.
 * @throws Problem `member_exists`.
 */
async function requireFreeAddress(sql: Sql, email: string): Promise<number | undefined> {
  // The auth server has deleted the users of these invitations.
  await sql`
    delete from invitations
    where email = ${email} and accepted_at is null and withdrawn_at is null
      and completed_at is not null
      and not exists (select from sales where sales.user_id = invitations.id)`;
  const [member] = await sql<{ id: number; status: User["status"]; unfinished: boolean }[]>`
    select members.id::float8 as id, members.status, exists (
      select from invitations
      where invitations.id = members.user_id
        and accepted_at is null and withdrawn_at is null and completed_at is null
    ) as unfinished
    from members
    where members.email = ${email}`;
  if (member && !member.unfinished) throw memberExists(member);
  return member?.id;
}

function memberExists({ id, status }: { id: number; status: User["status"] }): Problem {
  const details = {
    active: "An active member has this address. PATCH /users/{id} changes a member.",
    invited:
      `An invited member has this address. POST /users/${id}/resend_invite mails the link again.`,
    disabled: `A disabled member has this address. POST /users/${id}/restore enables the member.`,
  };
  return new Problem("member_exists", details[status], {
    errors: { email: "A member has this address." },
    members: { member: { id, status } },
  });
}

/**
 * Deletes the auth user and the invitation. When the auth server does not answer, it ends the claim instead,
 * so that the next request can take the invitation over.
 */
async function undo(
  context: SagaContext,
  id: string,
  created: boolean,
  error: unknown,
): Promise<void> {
  const unavailable = error instanceof Problem && error.code === "auth_unavailable";
  const deleted = !unavailable &&
    (!created || await deleteAuthUser(context.auth, id).then(() => true, () => false));
  await context.transaction((sql) =>
    deleted
      ? sql`delete from invitations where id = ${id} and accepted_at is null`
      : sql`update invitations set claimed_until = null where id = ${id}`
  );
}

/** Marks an invitation as mailed, and returns the member. */
export async function completeInvitation(sql: Sql, userId: string): Promise<User> {
  await sql`
    update invitations
    set completed_at = now(), claimed_until = null
    where id = ${userId}`;
  const [member] = await sql<{ id: number }[]>`
    select id::float8 as id from members where user_id = ${userId}`;
  return await getUser(sql, invariant(member, "An invited user has no member").id);
}
