/** Answers one page of a list: conditions, order and position of a query, asked and put together. */
import { decodeCursor, invalidCursor } from "./cursor.ts";
import type { Sql } from "./database.ts";
import { databaseProblem } from "./databaseProblem.ts";
import { countRows } from "./listingCount.ts";
import { orderKeys } from "./listingOrder.ts";
import type { ListQuery } from "./listingQuery.ts";
import { pageOf } from "./listingPage.ts";
import { jsonSql, selectRows, whereSql } from "./listingRows.ts";
import { matchWords } from "./listingSearch.ts";
import type { Source } from "./listingSource.ts";
import type { Reply } from "./operation.ts";
import { Problem } from "./problem.ts";

/** Answers one page. */
export async function answerPage(sql: Sql, query: ListQuery, source: Source): Promise<Reply> {
  const matching = await matchWords(sql, query, source, bindingOf(query, source, true));
  const ranked = query.words !== undefined && !matching.common && source.search?.column;
  const keys = orderKeys(sql, query, ranked || undefined, source.columns, source.defaultSort);
  const binding = bindingOf(query, source, matching.common);
  const from = query.cursor === undefined
    ? { key: [], offset: 0 }
    : decodeCursor(query.cursor, binding, keys.length);
  try {
    const { where } = await whereSql(sql, query, source, matching);
    const selection = { where, keys, after: from.key, limit: query.limit + 1 };
    const [rows, total] = await Promise.all([
      selectRows(sql, source, selection, sql`${jsonSql(sql, query, source)}::text`),
      query.count && countRows(sql, query.count, source.name, where),
    ]);
    return pageOf(rows, query, from.offset, total, binding);
  } catch (error) {
    throw unreadable(error, query);
  }
}

/** What Postgres refuses to read of a list's parameters is the request's fault, not a record's. */
export function unreadable(error: unknown, query: Pick<ListQuery, "cursor">): unknown {
  const problem = databaseProblem(error);
  if (!(problem instanceof Problem) || problem.code !== "invalid_value") return error;
  return query.cursor === undefined
    ? new Problem("invalid_parameter", "A filter's value is out of range. Correct it.", {
      cause: error,
    })
    : invalidCursor(error);
}

/** What a cursor is bound to: it leads on in the same list alone. */
function bindingOf(query: ListQuery, source: Source, common: boolean): string {
  const conditions = query.conditions.map((
    { column, operator, value },
  ) => [column.name, operator, value]);
  const sort = query.sort.map(({ column, descending }) => [column.name, descending]);
  return JSON.stringify([source.name, conditions, query.words, query.filters, sort, common]);
}
