/** SQL of a merge: locks the contacts, moves the references to the losers, and records the merge. */
import { arraySql, type Sql } from "../../_shared/database/database.ts";
import { invariant } from "../../_shared/problem.ts";
import { notTheOwner, setColumns } from "../../_shared/records/records.ts";
import type { StoredContact } from "./mergedValues.ts";

/** Number of rows that moved to the winner, by table. */
interface Moved {
  tasks: number;
  contact_notes: number;
  deals: number;
}

export interface Merge {
  merge_id: string;
  moved: Moved;
}

/** A contact that is locked until the end of the transaction. */
export interface LockedContact extends StoredContact {
  /** Whether the caller may merge it. */
  permitted: boolean;
}

/**
 * Locks the contacts and returns those that exist.
 * The order of the ids keeps two merges from a deadlock.
 */
export async function lockContacts(sql: Sql, ids: number[]): Promise<LockedContact[]> {
  const rows = await sql<{ contact: StoredContact; permitted: boolean }[]>`
    select to_jsonb(contacts) - 'search' as contact, private.may_manage(sales_id) as permitted
    from contacts
    where id = any (${arraySql(sql, ids, "bigint")})
    order by id
    for update`;
  return rows.map(({ contact, permitted }) => ({ ...contact, permitted }));
}

/** Returns the earlier merge of the losers into the winner; undefined when there is none. */
export async function findMerge(
  sql: Sql,
  winnerId: number,
  loserIds: number[],
): Promise<Merge | undefined> {
  const [row] = await sql<{ merge: Merge | null }[]>`
    select private.find_contact_merge(${winnerId}, ${arraySql(sql, loserIds, "bigint")}) as merge`;
  return row?.merge ?? undefined;
}

/**
 * Moves the references to the losers, sets the winner's values, and deletes the losers.
 * @returns the number of rows that moved.
 * @throws Problem `forbidden` when row-level security does not let the caller delete a loser.
 */
export async function moveAll(
  sql: Sql,
  winnerId: number,
  loserIds: number[],
  values: object,
): Promise<Moved> {
  const move = moveReferences(sql, winnerId, loserIds);
  const setValues = setColumns(sql, "contacts", winnerId, values);
  const setMergedInto = sql`select set_config('portico.merged_into', ${String(winnerId)}, true)`;
  const deleteLosers = sql`
    delete from contacts where id = any (${arraySql(sql, loserIds, "bigint")}) returning id`;
  // `execute` sends the statements in this order, in one round trip. `await` alone may change the order.
  for (const statement of [move, setValues, setMergedInto, deleteLosers]) statement.execute();
  const [moved, , , deleted] = await Promise.all([move, setValues, setMergedInto, deleteLosers]);
  if (deleted.length < loserIds.length) throw notTheOwner("contact");
  return invariant(moved[0], "Moving the references returned no counts");
}

/** In a deal the winner takes the first place among the deal's contacts that take part in the merge. */
function moveReferences(sql: Sql, winnerId: number, loserIds: number[]) {
  const losers = arraySql(sql, loserIds, "bigint");
  return sql<Moved[]>`
    with moved_tasks as (
      update tasks set contact_id = ${winnerId}
      where contact_id = any (${losers})
      returning id
    ),
    moved_notes as (
      update contact_notes set contact_id = ${winnerId}
      where contact_id = any (${losers})
      returning id
    ),
    moved_deals as (
      update deals
      set contact_ids = (
        select array_agg(mapped.id order by mapped.position)
        from (
          select
            case
              when held.id = any (${losers}) then ${winnerId}::bigint
              else held.id
            end as id,
            min(held.position) as position
          from unnest(deals.contact_ids) with ordinality as held (id, position)
          group by 1
        ) as mapped
      )
      where contact_ids && ${losers}
      returning id
    )
    select
      (select count(*)::float8 from moved_tasks) as tasks,
      (select count(*)::float8 from moved_notes) as contact_notes,
      (select count(*)::float8 from moved_deals) as deals`;
}

/** Records the merge, so that repeating it returns the same answer. Returns the merge's id. */
export async function recordMerge(
  sql: Sql,
  winnerId: number,
  loserIds: number[],
  moved: Moved,
): Promise<string> {
  const [row] = await sql<{ merge_id: string | null }[]>`
    select private.record_contact_merge(
      ${winnerId}, ${arraySql(sql, loserIds, "bigint")}, ${JSON.stringify(moved)}::text::jsonb
    ) as merge_id`;
  return invariant(row?.merge_id, "Recording a merge returned no id");
}
