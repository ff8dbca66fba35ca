/**
 * Conditions that a search adds to a list: for the words of `q`, with a rank, and for ids in
 * arrays.
 *
 * At most `MAXIMUM_RANKED` matches are ranked. With more matches the list keeps its usual order,
 * and Postgres reads records in this order until the page is full. The first page decides between
 * the two, and the following pages use the same.
 */
import type { Fragment, Sql } from "../database/database.ts";
import { idsSql } from "./columns.ts";
import type { Condition, Filter } from "./parse.ts";

const MAXIMUM_RANKED = 500;

/** How a list finds the words of `q`. Its relation is a view of `private.add_public_view`. */
export interface Search {
  /** Column of type tsvector, of the view in the schema `private`. */
  column: string;
  /**
   * Name of the table for `private.matching_ids` and `private.search_ids`. These use the column's
   * index, which row-level security prevents for `@@`. Without it, every record is compared.
   */
  table?: string;
}

/**
 * Returns the view to read a list from. With words it is the one in the schema `private`, which also
 * has the search vectors.
 */
export function sourceOf(
  { words }: Pick<Filter, "words">,
  { name, search }: { name: string; search?: Search },
): string {
  return words === undefined || !search ? name : `private.${name}`;
}

/** How the words of `q` are found. */
interface WordMatch {
  /** Condition on the row `record`. Undefined without words. */
  condition?: Fragment;
  /** Rank of the row `record`. Undefined when the list keeps its usual order. */
  rank?: Fragment;
  tooManyToRank: boolean;
}

/** The conditions for a filter's words and ids, and the rank of a record. */
interface Match extends Pick<WordMatch, "rank" | "tooManyToRank"> {
  conditions: Fragment[];
}

/**
 * Returns the conditions for a filter's words and ids. Asks the database whether many records
 * match.
 * @param tooManyToRank the decision of the first page or block. Undefined for the first itself.
 */
export async function matchFilter(
  sql: Sql,
  filter: Pick<Filter, "words" | "conditions">,
  search: Search | undefined,
  tooManyToRank?: boolean,
): Promise<Match> {
  const { condition, ...match } = await matchWords(sql, filter.words, search, tooManyToRank);
  const byIds = await idConditions(sql, filter.conditions);
  return { ...match, conditions: condition ? [condition, ...byIds] : byIds };
}

async function matchWords(
  sql: Sql,
  words: string | undefined,
  search: Search | undefined,
  tooManyToRank: boolean | undefined,
): Promise<WordMatch> {
  if (words === undefined || !search) return { tooManyToRank: false };
  const { column, table } = search;
  // As a subselect it is computed once per statement, not once per row.
  const query = sql`(select private.search_query(${words}))`;
  const vector = sql`record.${sql(column)}`;
  const rank = sql`coalesce(ts_rank(${vector}, ${query}), 0)`;
  if (!table) return { condition: sql`${vector} @@ ${query}`, rank, tooManyToRank: false };
  // Coalesce hides `@@` from the planner, which would expect few matches and sort the whole table.
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

/**
 * Returns the ids of the matches as an array literal, or undefined when there are too many to rank.
 */
async function findIds(sql: Sql, table: string, words: string): Promise<string | undefined> {
  const [row] = await sql<{ ids: string | null }[]>`
    select private.matching_ids(${table}, ${words}, ${MAXIMUM_RANKED}::integer)::text as ids`;
  return row?.ids ?? undefined;
}

const MAXIMUM_HOLDERS = 1_000;

/**
 * Returns conditions for the records whose array contains the ids of a filter. Row-level security
 * prevents the index of such a column, so a function of the database uses it instead. Returns no
 * condition for ids that more than `MAXIMUM_HOLDERS` records contain: Postgres then reads records
 * in the list's order.
 */
async function idConditions(sql: Sql, conditions: Condition[]): Promise<Fragment[]> {
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
