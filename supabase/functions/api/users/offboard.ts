/**
 * Offboarding a user. One transaction gives all records of the user to another owner, disables the user,
 * sets the role to rep and ends the sessions. Then the auth server bans the account. Repeating it does the
 * missing steps. The role is reset, so that enabling an offboarded admin does not make an admin again.
 *
 * The invitation of a user who has not joined yet is withdrawn instead. The auth user and the member are
 * deleted, and the address is free for another invitation or a sign-up.
 */
import * as z from "zod";
import type { Member, Sql } from "../../_shared/database/database.ts";
import { booleanText, idParams, idText } from "../../_shared/fields.ts";
import { saga, type SagaContext } from "../../_shared/operation.ts";
import { Problem } from "../../_shared/problem.ts";
import { deleteAuthUser } from "./authUsers.ts";
import { alignBan } from "./ban.ts";
import {
  countOwned,
  lockMembers,
  moveOwned,
  type OwnedCounts,
  requireNewOwner,
} from "./ownership.ts";
import { getUser, setUser } from "./queries.ts";
import { Offboarding, type User } from "./schema.ts";

const OffboardQuery = z.object({
  reassign_to: idText.optional().describe("Id of the new owner of the user's records."),
  dry_run: booleanText.default(false),
});
type OffboardQuery = z.output<typeof OffboardQuery>;

interface Outcome {
  answer: Offboarding;
  /** The auth user to ban or delete; null when there is none. */
  user_id: string | null;
}

export const offboardUser = saga({
  id: "users.offboard",
  method: "DELETE",
  path: "/users/:id",
  summary: "Offboard a user",
  description:
    "`reassign_to` becomes the owner of the user's records. The user is disabled and all their " +
    "sessions end. A user who has not joined yet is deleted. Repeating it succeeds.",
  access: "member",
  keys: false,
  allowed: "admin",
  dryRun: "query",
  params: idParams,
  query: OffboardQuery,
  output: Offboarding,
  problems: [
    "reassign_required",
    "unknown_reference",
    "forbidden",
    "last_admin",
    "auth_unavailable",
  ],
  run: (context, { params, query }) => runOffboarding(context, params.id, query),
});

async function runOffboarding(
  context: SagaContext,
  id: number,
  query: OffboardQuery,
): Promise<Offboarding> {
  const { answer, user_id } = await context.transaction(
    (sql, member) => offboard(sql, member, id, query),
    { dryRun: query.dry_run },
  );
  if (!query.dry_run && user_id !== null) {
    if (answer.outcome === "withdrawn") await deleteAuthUser(context.auth, user_id);
    else await alignBan(context, { id, user_id, disabled: true });
  }
  return answer;
}

async function offboard(
  sql: Sql,
  member: Member,
  id: number,
  { reassign_to, dry_run }: OffboardQuery,
): Promise<Outcome> {
  await lockMembers(sql, id, reassign_to);
  const earlier = await findWithdrawn(sql, id, dry_run);
  if (earlier) return { answer: earlier, user_id: null };
  const user = await getUser(sql, id);
  if (id === member.id) await refuseCaller(sql, member);
  if (reassign_to !== undefined) await requireNewOwner(sql, reassign_to, id);
  const reassigned = await reassign(sql, id, reassign_to);
  await setUser(sql, id, { disabled: true, role: "rep" });
  await sql`select private.end_sessions(${user.user_id}::uuid)`;
  const outcome = await withdraw(sql, user) ? "withdrawn" : "disabled";
  const reassigned_to = reassign_to ?? null;
  return { answer: { id, outcome, reassigned_to, reassigned, dry_run }, user_id: user.user_id };
}

/** Returns the answer for a user whose invitation is already withdrawn; undefined for any other user. */
async function findWithdrawn(
  sql: Sql,
  id: number,
  dry_run: boolean,
): Promise<Offboarding | undefined> {
  const rows = await sql`
    select from invitations
    where member_id = ${id} and withdrawn_at is not null
      and not exists (select from sales where sales.id = ${id})`;
  if (rows.length === 0) return undefined;
  const reassigned = await countOwned(sql, id);
  return { id, outcome: "withdrawn", reassigned_to: null, reassigned, dry_run };
}

async function refuseCaller(sql: Sql, member: Member): Promise<void> {
  const others = await sql`
    select from members where role = 'admin' and status = 'active' and id <> ${member.id} limit 1`;
  if (others.length > 0) {
    throw new Problem("forbidden", "You cannot offboard yourself. Ask another administrator.");
  }
  throw new Problem(
    "last_admin",
    "You are the last active administrator. Make another user an administrator first.",
  );
}

async function reassign(
  sql: Sql,
  id: number,
  reassign_to: number | undefined,
): Promise<OwnedCounts> {
  const owned = await countOwned(sql, id);
  if (Object.values(owned).every((count) => count === 0)) return owned;
  if (reassign_to !== undefined) return await moveOwned(sql, id, reassign_to);
  const detail = "The user owns records. Use the id of their new owner as reassign_to.";
  throw new Problem("reassign_required", detail, {
    errors: { reassign_to: "This parameter is required." },
    members: { owned },
  });
}

/** Withdraws an open invitation. Returns false when the user has joined. */
async function withdraw(sql: Sql, user: User): Promise<boolean> {
  const withdrawn = await sql`
    update invitations
    set withdrawn_at = coalesce(withdrawn_at, now()), member_id = ${user.id}
    where id = ${user.user_id} and accepted_at is null
    returning id`;
  return withdrawn.length > 0;
}
