/** The ids of the records that a list's filters and words let through. */
import type { Sql } from "../database/database.ts";
import { countRows } from "./count.ts";
import { unreadable } from "./answer.ts";
import type { ListQuery } from "./parse.ts";
import { whereSql } from "./rows.ts";
import { matchWords } from "./search.ts";
import type { Source } from "./source.ts";

export type Filter = Pick<ListQuery, "conditions" | "filters" | "words">;

/** In order, at most so many; how many there are is counted when there are more. */
export async function matchingIds(
  sql: Sql,
  query: Filter,
  source: Source,
  most: number,
): Promise<{ ids: number[]; count: number }> {
  try {
    const where = whereSql(sql, query, source, await matchWords(sql, query, source, ""));
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
