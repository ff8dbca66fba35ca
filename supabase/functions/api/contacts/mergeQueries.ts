/** SQL of a merge: locking the contacts, moving all that refers to the losers, and noting it. */
import { arraySql, type Sql } from "../../_shared/database/database.ts";
import { invariant } from "../../_shared/problem.ts";
import { notTheOwner, setColumns } from "../../_shared/records/records.ts";
import type { StoredContact } from "./mergedValues.ts";

/** Rows that moved to the winner, by table. */
interface Moved {
  tasks: number;
  contact_notes: number;
  deals: number;
}

export interface Merge {
  merge_id: string;
  moved: Moved;
}

/** Locked in the order of their ids, so that two merges never wait for each other in a circle. */
export async function lockContacts(sql: Sql, ids: number[]): Promise<StoredContact[]> {
  const rows = await sql<{ contact: StoredContact }[]>`
    select to_jsonb(contacts) - 'search' as contact
    from contacts
    where id = any (${arraySql(sql, ids, "bigint")})
    order by id
    for update`;
  return rows.map(({ contact }) => contact);
}

/** The merge that has brought these contacts together already; undefined without one. */
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
 * Moves what refers to the losers, gives the winner its values, and deletes the losers.
 * @throws Problem `forbidden` when row level security keeps one of the losers.
 */
export async function moveAll(
  sql: Sql,
  winnerId: number,
  loserIds: number[],
  values: object,
): Promise<Moved> {
  const moving = moveReferences(sql, winnerId, loserIds);
  const filling = setColumns(sql, "contacts", winnerId, values);
  const naming = sql`select set_config('portico.merged_into', ${String(winnerId)}, true)`;
  const deleting = sql`
    delete from contacts where id = any (${arraySql(sql, loserIds, "bigint")}) returning id`;
  // One round trip for all, in this very order: statements are sent as they are executed, and one
  // that is only awaited would be sent after those that are executed behind it.
  for (const statement of [moving, filling, naming, deleting]) statement.execute();
  const [moved, , , deleted] = await Promise.all([moving, filling, naming, deleting]);
  if (deleted.length < loserIds.length) throw notTheOwner("contact");
  return invariant(moved[0], "A merge moved nothing that can be counted");
}

/** In a deal the winner takes the place of the first of its contacts that take part in the merge. */
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

/** Notes the merge, so that its repetition is answered alike; returns its id. */
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
  return invariant(row?.merge_id, "A merge got no id");
}
