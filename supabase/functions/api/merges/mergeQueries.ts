/** SQL of a merge: locks the records, moves the references to the losers, and finds the merge. */
import { arraySql, type Sql } from "../../_shared/database/database.ts";
import { invariant } from "../../_shared/problem.ts";
import { notTheOwner, setColumns } from "../../_shared/records/records.ts";
import type { StoredRecord } from "./mergedValues.ts";

/** Number of rows that moved to the winner, by table. */
export type Moved = Record<string, number>;

export interface Merge {
  /** The change of the merge. */
  merge_id: string;
  moved: Moved;
}

/** The records to merge: their table, the name of one in messages, and the column of the owner. */
export interface MergedTable {
  table: string;
  name: string;
  owner?: string;
}

/** A record that is locked until the end of the transaction. */
export interface LockedRecord {
  record: StoredRecord;
  /** Whether the caller may merge it. */
  permitted: boolean;
}

/**
 * Locks the records and returns those that exist.
 * The order of the ids keeps two merges from a deadlock.
 */
export async function lockRecords(
  sql: Sql,
  { table, owner }: MergedTable,
  ids: number[],
): Promise<LockedRecord[]> {
  const ownerId = owner === undefined ? sql`null` : sql(owner);
  return await sql<LockedRecord[]>`
    select
      to_jsonb(locked) - 'search' as record,
      coalesce(private.may_manage(${ownerId}), false) as permitted
    from ${sql(table)} as locked
    where id = any (${arraySql(sql, ids, "bigint")})
    order by id
    for update`;
}

/** Returns the earlier merge of the losers into the winner; undefined when there is none. */
export async function findMerge(
  sql: Sql,
  { table }: MergedTable,
  winnerId: number,
  loserIds: number[],
): Promise<Merge | undefined> {
  const [row] = await sql<{ merge: Merge | null }[]>`
    select private.find_merge(
      ${table}, ${winnerId}, ${arraySql(sql, loserIds, "bigint")}
    ) as merge`;
  return row?.merge ?? undefined;
}

/**
 * Moves the references to the losers, sets the winner's values, and deletes the losers.
 * @returns the merge.
 * @throws Problem `forbidden` when row-level security does not let the caller delete a loser.
 */
export async function moveAll(
  sql: Sql,
  { table, name }: MergedTable,
  winnerId: number,
  loserIds: number[],
  values: object,
): Promise<Merge> {
  const losers = arraySql(sql, loserIds, "bigint");
  const move = sql<{ moved: Moved }[]>`
    select private.move_references(${table}, ${winnerId}, ${losers}) as moved`;
  const setValues = setColumns(sql, table, winnerId, values);
  const setMergedInto = sql`select set_config('portico.merged_into', ${String(winnerId)}, true)`;
  const deleteLosers = sql`delete from ${sql(table)} where id = any (${losers}) returning id`;
  const readChange = sql<{ merge_id: string | null }[]>`
    select nullif(current_setting('portico.recorded_change', true), '') as merge_id`;
  // `execute` sends the statements in this order, in one round trip. `await` alone may change the order.
  const statements = [move, setValues, setMergedInto, deleteLosers, readChange];
  for (const statement of statements) statement.execute();
  const [moved, , , deleted, change] = await Promise.all(
    [move, setValues, setMergedInto, deleteLosers, readChange] as const,
  );
  if (deleted.length < loserIds.length) throw notTheOwner(name);
  return {
    moved: invariant(moved[0], "Moving the references returned no counts").moved,
    merge_id: invariant(change[0]?.merge_id, "A merge recorded no change"),
  };
}
