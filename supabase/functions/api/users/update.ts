/**
 * Changing a user. The database checks the permission and changes the user, then the auth server changes the
 * account. When a step fails, the same request sent again does the missing steps. Until then a user who is
 * being disabled or enabled has no access.
 */
import type { Member, Sql } from "../../_shared/database/database.ts";
import { idParams } from "../../_shared/fields.ts";
import { saga, type SagaContext } from "../../_shared/operation.ts";
import { Problem, type ProblemCode } from "../../_shared/problem.ts";
import { requireMatch } from "../../_shared/records/records.ts";
import { PHOTO_REQUEST_BYTES } from "../pictures/schema.ts";
import { MAIL_PROBLEMS } from "./authUsers.ts";
import { AVATAR_PROBLEMS, withStoredAvatar } from "./avatar.ts";
import { alignBan } from "./ban.ts";
import { finishMove, moveInvitation } from "./moveInvitation.ts";
import { getUser, lockUser, setUser } from "./queries.ts";
import { User, UserPatch } from "./schema.ts";

/** Fields that only admins may change, also for themselves. */
export const ADMIN_FIELDS = ["role", "disabled"] as const;

/** The problems of changing a user. */
export const UPDATE_PROBLEMS: readonly ProblemCode[] = [
  "last_admin",
  "email_taken",
  "address_unavailable",
  "email_confirmation_required",
  ...MAIL_PROBLEMS,
  ...AVATAR_PROBLEMS,
];

export const updateUser = saga({
  id: "users.update",
  method: "PATCH",
  path: "/users/:id",
  summary: "Change a user",
  description:
    "Omitted fields keep their value. Disabling a user ends their sessions. An admin may change the `email` " +
    "of a user who has not joined yet: the invitation is mailed to the new address. Users who have joined " +
    'change their own address at the auth server, `PUT /auth/v1/user` with `{"email": …}`, which mails ' +
    "links to both addresses.",
  access: "member",
  keys: false,
  allowed: "self",
  restricted: { role: "admin", disabled: "admin" },
  ifMatch: true,
  params: idParams,
  body: UserPatch,
  maximumBytes: PHOTO_REQUEST_BYTES,
  example: { role: "manager" },
  output: User,
  problems: UPDATE_PROBLEMS,
  run: (context, { params, body, ifMatch }) => changeUser(context, params.id, body, ifMatch),
});

/**
 * Changes a user. Omitted fields keep their value.
 * @throws Problem `not_found`, `admin_required`, `precondition_failed`, or one of `UPDATE_PROBLEMS`.
 */
export async function changeUser(
  context: SagaContext,
  id: number,
  requested: UserPatch,
  ifMatch?: string[],
): Promise<User> {
  const { email, ...changes } = await withStoredAvatar(context, requested, async (sql, member) => {
    requirePermission(member, await getUser(sql, id), requested);
  });
  const apply = (version?: string[]) => (sql: Sql, member: Member) =>
    applyChanges(sql, member, id, changes, version);
  let moved = false;
  if (email !== undefined) {
    // A dry run first: the address must not change when the database refuses the request.
    await context.transaction(apply(ifMatch), { dryRun: true });
    moved = await moveInvitation(context, id, email);
  }
  // The new address has changed `updated_at`, so only the dry run checks `ifMatch`.
  const user = await context.transaction(apply(moved ? undefined : ifMatch));
  if (changes.disabled !== undefined) await alignBan(context, user);
  return moved ? await finishMove(context, user) : user;
}

async function applyChanges(
  sql: Sql,
  member: Member,
  id: number,
  changes: UserPatch,
  ifMatch: string[] | undefined,
): Promise<User> {
  const current = await lockUser(sql, id);
  requirePermission(member, current, changes);
  requireMatch(current, ifMatch);
  await setUser(sql, id, changes);
  if (changes.disabled) await sql`select private.end_sessions(${current.user_id}::uuid)`;
  return await getUser(sql, id);
}

/** Everybody may send the current values of the fields that only admins may change. */
function requirePermission(member: Member, user: User, changes: UserPatch): void {
  if (member.role === "admin") return;
  if (member.id !== user.id) {
    throw new Problem("admin_required", "Ask an administrator to change other users.");
  }
  const fields = ADMIN_FIELDS.filter((field) =>
    changes[field] !== undefined && changes[field] !== user[field]
  );
  if (fields.length === 0) return;
  throw new Problem("admin_required", `Ask an administrator to change ${fields.join(", ")}.`, {
    errors: Object.fromEntries(
      fields.map((field) => [field, "Only an administrator may change this."]),
    ),
  });
}
