/**
 * Offboarding: all records of a user get another owner and the user is disabled, in one transaction
 * that also ends the sessions; then the account is banned. Repeating it does what is left to do.
 *
 * Somebody who has not joined yet is withdrawn instead: the auth user is deleted, the member goes
 * along, and the address is free for another invitation or a sign-up of its own. Offboarding takes
 * the role away, so that nobody becomes an admin again by being enabled.
 */
import * as z from "zod";
import type { Member, Sql } from "../../_shared/database/database.ts";
import { booleanText, idParams } from "../../_shared/fields.ts";
import type { SagaContext } from "../../_shared/operation.ts";
import { invariant, Problem } from "../../_shared/problem.ts";
import { deleteAuthUser, setBanned } from "./authUsers.ts";
import { getUser, setUser } from "./queries.ts";
import type { Offboarding, User } from "./schema.ts";

export const OffboardQuery = z.object({
  reassign_to: idParams.shape.id.optional().describe("The user who gets the records."),
  dry_run: booleanText.default(false),
});
type OffboardQuery = z.output<typeof OffboardQuery>;
type Counts = Offboarding["reassigned"];

/** What the transaction leaves to do; `user_id` is null when nothing is. */
interface Outcome {
  answer: Offboarding;
  user_id: string | null;
}

/** Offboards a user; throws `reassign_required`, `unknown_reference`, `last_admin`, `forbidden`. */
export async function offboardUser(
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
    else await setBanned(context.auth, user_id, true);
  }
  return answer;
}

async function offboard(
  sql: Sql,
  member: Member,
  id: number,
  { reassign_to, dry_run }: OffboardQuery,
): Promise<Outcome> {
  await sql`
    select from sales where id in (${id}, ${reassign_to ?? id}) order by id for update`;
  const earlier = await findWithdrawn(sql, id, dry_run);
  if (earlier) return { answer: earlier, user_id: null };
  const user = await getUser(sql, id);
  if (id === member.id) await refuseOneself(sql, member);
  if (reassign_to !== undefined) await requireNewOwner(sql, reassign_to, id);
  const reassigned = await reassign(sql, id, reassign_to);
  await setUser(sql, id, { disabled: true, role: "rep" });
  await sql`select private.end_sessions(${user.user_id}::uuid)`;
  const outcome = await withdraw(sql, user) ? "withdrawn" : "disabled";
  const reassigned_to = reassign_to ?? null;
  return { answer: { id, outcome, reassigned_to, reassigned, dry_run }, user_id: user.user_id };
}

/** The answer for somebody whose invitation was withdrawn, and whose member is gone with it. */
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
  return { id, outcome: "withdrawn", reassigned_to: null, reassigned: NOTHING, dry_run };
}

const NOTHING: Counts = {
  companies: 0,
  contacts: 0,
  contact_notes: 0,
  deals: 0,
  deal_notes: 0,
  tasks: 0,
};

async function refuseOneself(sql: Sql, member: Member): Promise<void> {
  const others = await sql`
    select from sales where role = 'admin' and not disabled and id <> ${member.id} limit 1`;
  if (others.length > 0) {
    throw new Problem("forbidden", "Nobody offboards themselves. Ask another administrator.");
  }
  throw new Problem("last_admin", "You are the last active administrator. Make another one first.");
}

async function requireNewOwner(sql: Sql, reassign_to: number, id: number): Promise<void> {
  const owners = await sql`
    select from sales where id = ${reassign_to} and id <> ${id} and not disabled`;
  if (owners.length > 0) return;
  const detail = "Name another active user of your workspace in reassign_to.";
  throw new Problem("unknown_reference", detail, { errors: { reassign_to: detail } });
}

async function reassign(sql: Sql, id: number, reassign_to: number | undefined): Promise<Counts> {
  const owned = await countOwned(sql, id);
  if (Object.values(owned).every((count) => count === 0)) return NOTHING;
  if (reassign_to !== undefined) return await moveOwned(sql, id, reassign_to);
  const detail = "The user owns records. Name in reassign_to the id of the user who gets them.";
  throw new Problem("reassign_required", detail, {
    errors: { reassign_to: "This parameter is required." },
    members: { owned },
  });
}

async function countOwned(sql: Sql, id: number): Promise<Counts> {
  const [counts] = await sql<Counts[]>`
    select
      (select count(*)::int from companies where sales_id = ${id}) as companies,
      (select count(*)::int from contacts where sales_id = ${id}) as contacts,
      (select count(*)::int from contact_notes where sales_id = ${id}) as contact_notes,
      (select count(*)::int from deals where sales_id = ${id}) as deals,
      (select count(*)::int from deal_notes where sales_id = ${id}) as deal_notes,
      (select count(*)::int from tasks where sales_id = ${id}) as tasks`;
  return invariant(counts, "A count returned no row");
}

async function moveOwned(sql: Sql, id: number, owner: number): Promise<Counts> {
  const [counts] = await sql<Counts[]>`
    with
      moved_companies as (
        update companies set sales_id = ${owner} where sales_id = ${id} returning 1
      ),
      moved_contacts as (
        update contacts set sales_id = ${owner} where sales_id = ${id} returning 1
      ),
      moved_contact_notes as (
        update contact_notes set sales_id = ${owner} where sales_id = ${id} returning 1
      ),
      moved_deals as (
        update deals set sales_id = ${owner} where sales_id = ${id} returning 1
      ),
      moved_deal_notes as (
        update deal_notes set sales_id = ${owner} where sales_id = ${id} returning 1
      ),
      moved_tasks as (
        update tasks set sales_id = ${owner} where sales_id = ${id} returning 1
      )
    select
      (select count(*)::int from moved_companies) as companies,
      (select count(*)::int from moved_contacts) as contacts,
      (select count(*)::int from moved_contact_notes) as contact_notes,
      (select count(*)::int from moved_deals) as deals,
      (select count(*)::int from moved_deal_notes) as deal_notes,
      (select count(*)::int from moved_tasks) as tasks`;
  return invariant(counts, "A count returned no row");
}

/** Takes an open invitation back; false when the user has joined. */
async function withdraw(sql: Sql, user: User): Promise<boolean> {
  const withdrawn = await sql`
    update invitations
    set withdrawn_at = coalesce(withdrawn_at, now()), member_id = ${user.id}
    where id = ${user.user_id} and accepted_at is null
    returning id`;
  return withdrawn.length > 0;
}
