/** The ids of the records that a list's filters and words let through. */
import type { Sql } from "./database.ts";
import { countRows } from "./listingCount.ts";
import { unreadable } from "./listingAnswer.ts";
import type { ListQuery } from "./listingQuery.ts";
import { whereSql } from "./listingRows.ts";
import { matchWords } from "./listingSearch.ts";
import type { Source } from "./listingSource.ts";

export type Filter = Pick<ListQuery, "conditions" | "filters" | "words">;

/** In order, at most so many; how many there are is counted when there are more. */
export async function matchingIds(
  sql: Sql,
  query: Filter,
  source: Source,
  most: number,
): Promise<{ ids: number[]; count: number }> {
  try {
    const { where } = await whereSql(sql, query, source, await matchWords(sql, query, source, ""));
    const rows = await sql<{ id: number }[]>`
      select record.id::float8 as id
      from ${sql(source.name)} as record
      where ${where}
      order by record.id
      limit ${most + 1}`;
    const ids = rows.map(({ id }) => id);
    if (ids.length <= most) return { ids, count: ids.length };
    return { ids: [], count: await countRows(sql, "exact", source.name, where) };
  } catch (error) {
    throw unreadable(error, {});
  }
}
