/**
 * Words in a list. Up to 500 matches are ranked, whatever the table's size. Words that more records
 * hold tell little about them: such a list has its usual order, and reads along it until the page is
 * full, instead of ranking most of the table for 25 rows. A large workspace estimates the number of
 * matches from its newest records. A list goes on as its first page began: the cursor is bound to the
 * choice.
 */
import { isMadeFor } from "./cursor.ts";
import type { Fragment, Sql } from "./database.ts";
import type { ListQuery } from "./listingQuery.ts";
import { wordsSql } from "./listingSql.ts";
import type { Source } from "./listingSource.ts";

const MOST_RANKED = 500;

/** How the words of a query are looked for. */
export interface Matching {
  /** Whether more records match than are worth ranking. */
  common: boolean;
  condition?: Fragment;
}

/** Chooses by the number of matches, or as the cursor says. `binding` is of a list of common words. */
export async function matchWords(
  sql: Sql,
  { words = "", cursor }: Pick<ListQuery, "words"> & { cursor?: string },
  { search }: Source,
  binding: string,
): Promise<Matching> {
  if (!words || !search) return { common: false };
  const { column, table } = search;
  const holds = sql`record.${sql(column)} @@ ${wordsSql(sql, words)}`;
  if (!table) return { common: false, condition: holds };
  // Row-level security keeps the condition from its index; coalesce keeps Postgres from guessing that
  // few rows satisfy it, and so from sorting the table.
  const common = { common: true, condition: sql`coalesce(${holds}, false)` };
  if (cursor !== undefined) {
    return isMadeFor(cursor, binding) ? common : {
      common: false,
      condition: sql`record.id in (select private.search_ids(${table}, ${words}))`,
    };
  }
  const ids = await fewMatches(sql, table, words);
  return ids ? { common: false, condition: sql`record.id = any (${ids}::text::bigint[])` } : common;
}

/** The matches as an array literal; undefined when they are more than are worth ranking. */
async function fewMatches(sql: Sql, table: string, words: string): Promise<string | undefined> {
  const [row] = await sql<{ ids: string | null }[]>`
    select private.few_matches(${table}, ${words}, ${MOST_RANKED}::integer)::text as ids`;
  return row?.ids ?? undefined;
}
