/** Answers one page of a list: conditions, order and position of a query, asked and put together. */
import { decodeCursor, invalidCursor } from "./cursor.ts";
import type { Sql } from "../database/database.ts";
import { databaseProblem } from "../database/problems.ts";
import { countRows } from "./count.ts";
import { orderKeys } from "./order.ts";
import type { ListQuery } from "./parse.ts";
import { pageOf } from "./page.ts";
import { jsonSql, selectRows, whereSql } from "./rows.ts";
import { matchWords } from "./search.ts";
import type { Source } from "./source.ts";
import type { Reply } from "../reply.ts";
import { Problem } from "../problem.ts";

/** Answers one page. */
export async function answerPage(sql: Sql, query: ListQuery, source: Source): Promise<Reply> {
  const matching = await matchWords(sql, query, source, bindingOf(query, source, true));
  const ranked = query.words !== undefined && !matching.common && source.search?.column;
  const keys = orderKeys(sql, query, ranked || undefined, source.columns, source.defaultSort);
  const binding = bindingOf(query, source, matching.common);
  const from = query.cursor === undefined
    ? { key: [], offset: 0 }
    : decodeCursor(query.cursor, binding, keys.length);
  const where = whereSql(sql, query, source, matching);
  const selection = { where, keys, after: from.key, limit: query.limit + 1 };
  try {
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
