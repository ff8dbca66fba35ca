/**
 * The words of `q` as SQL: the condition that a record holds them, and its rank.
 *
 * At most `MAXIMUM_RANKED` matches are ranked, whatever the table's size. Words that more records hold
 * say little about any of them: such a list keeps its usual order, and Postgres reads along that order
 * until the page is full. The first page decides which; the pages after it follow.
 */
import type { Fragment, Sql } from "../database/database.ts";
import { idsSql } from "./columns.ts";
import type { Condition } from "./parse.ts";

const MAXIMUM_RANKED = 500;

/** How the words of a list are looked for. */
export interface Search {
  /** Column of type tsvector. */
  column: string;
  /**
   * The name by which `private.matching_ids` and `private.search_ids` know the table. They use its
   * index, which row-level security keeps `@@` from. Without it every record is compared.
   */
  table?: string;
}

/** The records that hold the words. */
export interface Match {
  /** About the row `record`; undefined when no words are looked for. */
  condition?: Fragment;
  /** How well the row `record` fits; undefined when the list keeps its usual order. */
  rank?: Fragment;
  tooManyToRank: boolean;
}

/**
 * Finds out how to look for the words.
 * @param tooManyToRank what the first page or block has decided; undefined for the first itself.
 */
export async function matchWords(
  sql: Sql,
  words: string | undefined,
  search: Search | undefined,
  tooManyToRank?: boolean,
): Promise<Match> {
  if (words === undefined || !search) return { tooManyToRank: false };
  const { column, table } = search;
  // A subselect: worked out once per statement, not once per row.
  const query = sql`(select private.search_query(${words}))`;
  const vector = sql`record.${sql(column)}`;
  const rank = sql`coalesce(ts_rank(${vector}, ${query}), 0)`;
  if (!table) return { condition: sql`${vector} @@ ${query}`, rank, tooManyToRank: false };
  // Coalesce keeps Postgres from guessing that few rows match, and so from sorting the table.
  const unranked = { condition: sql`coalesce(${vector} @@ ${query}, false)`, tooManyToRank: true };
  if (tooManyToRank) return unranked;
  if (tooManyToRank === false) {
    const condition = sql`record.id in (select private.search_ids(${table}, ${words}))`;
    return { condition, rank, tooManyToRank };
  }
  const ids = await findIds(sql, table, words);
  if (ids === undefined) return unranked;
  return { condition: sql`record.id = any (${ids}::text::bigint[])`, rank, tooManyToRank: false };
}

/** The ids of the matches as an array literal; undefined when there are too many to rank. */
async function findIds(sql: Sql, table: string, words: string): Promise<string | undefined> {
  const [row] = await sql<{ ids: string | null }[]>`
    select private.matching_ids(${table}, ${words}, ${MAXIMUM_RANKED}::integer)::text as ids`;
  return row?.ids ?? undefined;
}

const MAXIMUM_HOLDERS = 1_000;

/**
 * Conditions that limit a list to the few records whose array holds the ids of a filter. Row-level
 * security keeps Postgres from using the index of such a column, so a function finds them through it;
 * when many records hold the ids there is no such condition, and the list reads along its order.
 */
export async function holderConditions(sql: Sql, conditions: Condition[]): Promise<Fragment[]> {
  const found: Fragment[] = [];
  for (const { column, operator, value } of conditions) {
    if (column.kind !== "ids" || (operator !== "cs" && operator !== "ov")) continue;
    const [row] = await sql<{ ids: string | null }[]>`
      select private.holder_ids(
        ${column.name}, ${idsSql(sql, value)}, ${operator === "cs"}::boolean,
        ${MAXIMUM_HOLDERS}::integer
      )::text as ids`;
    if (row && row.ids !== null) found.push(sql`record.id = any (${row.ids}::text::bigint[])`);
  }
  return found;
}
