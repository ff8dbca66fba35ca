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
import { changeEmail, setBanned } from "./authUsers.ts";
import { AVATAR_PROBLEMS, withStoredAvatar } from "./avatar.ts";
import { getUser, lockUser, setUser } from "./queries.ts";
import { User, UserPatch } from "./schema.ts";

/** Fields that only admins may change, also for themselves. */
export const ADMIN_FIELDS = ["email", "role", "disabled"] as const;

/** The problems of changing a user. */
export const UPDATE_PROBLEMS: readonly ProblemCode[] = [
  "last_admin",
  "email_taken",
  "auth_unavailable",
  ...AVATAR_PROBLEMS,
];

export const updateUser = saga({
  id: "users.update",
  method: "PATCH",
  path: "/users/:id",
  summary: "Change a user",
  description:
    "Omitted fields keep their value. Disabling a user ends their sessions. A new e-mail " +
    "address needs no confirmation.",
  access: "member",
  allowed: "self",
  restricted: { email: "admin", role: "admin", disabled: "admin" },
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
  const { auth, transaction } = context;
  const changes = await withStoredAvatar(context, requested, async (sql, member) => {
    await getUser(sql, id);
    requirePermission(member, id, requested);
  });
  const { email, disabled } = changes;
  if (email !== undefined) {
    // A dry run first: the auth server must not change the address when the database refuses the request.
    const dryRun = (sql: Sql, member: Member) => applyChanges(sql, member, id, changes, ifMatch);
    await changeEmail(auth, (await transaction(dryRun, { dryRun: true })).user_id, email);
  }
  // The new address has changed `updated_at`, so only the dry run checks `ifMatch`.
  const version = email === undefined ? ifMatch : undefined;
  const user = await transaction((sql, member) => applyChanges(sql, member, id, changes, version));
  if (disabled !== undefined) await setBanned(auth, user.user_id, disabled);
  return user;
}

async function applyChanges(
  sql: Sql,
  member: Member,
  id: number,
  changes: UserPatch,
  ifMatch: string[] | undefined,
): Promise<User> {
  const current = await lockUser(sql, id);
  requirePermission(member, id, changes);
  requireMatch(current, ifMatch);
  if (changes.email !== undefined) await moveAddress(sql, current, changes.email);
  await setUser(sql, id, changes);
  if (changes.disabled) await sql`select private.end_sessions(${current.user_id}::uuid)`;
  return await getUser(sql, id);
}

function requirePermission(member: Member, id: number, changes: UserPatch): void {
  if (member.role === "admin") return;
  if (member.id !== id) {
    throw new Problem("admin_required", "Ask an administrator to change other users.");
  }
  const fields = ADMIN_FIELDS.filter((field) => changes[field] !== undefined);
  if (fields.length === 0) return;
  throw new Problem("admin_required", `Ask an administrator to change ${fields.join(", ")}.`, {
    errors: Object.fromEntries(
      fields.map((field) => [field, "Only an administrator may change this."]),
    ),
  });
}

/** Copies the new address to the open invitation of the user. Throws `Problem` `email_taken`. */
async function moveAddress(sql: Sql, user: User, email: string): Promise<void> {
  const taken = await sql`select from members where email = ${email} and id <> ${user.id}`;
  if (taken.length > 0) {
    throw new Problem("email_taken", "Another member has this address. Use another address.", {
      errors: { email: "Another member has this address." },
    });
  }
  await sql`
    update invitations set email = ${email}
    where id = ${user.user_id} and accepted_at is null`;
}
