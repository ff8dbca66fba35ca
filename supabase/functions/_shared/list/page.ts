/** One page of a list: its schema, its JSON, its cursor and its total. */
import * as z from "zod";
import { encodeCursor } from "./cursor.ts";
import type { Fragment, Sql } from "../database/database.ts";
import type { Count, ListQuery } from "./parse.ts";
import { JsonText, Reply } from "../reply.ts";
import type { Rows } from "./select.ts";

/** Returns the schema of a page. It is made on first use, since schemas slow a cold start. */
export function pageSchema(record: () => z.ZodType): z.ZodType {
  return z.lazy(() =>
    z.object({
      data: z.array(record()),
      next_cursor: z.string().nullable(),
      total: z.int().optional(),
    })
  );
}

/**
 * Returns the answer with these rows, whose text is JSON records separated by commas.
 * @param offset number of records before the page.
 * @param counted result of `countRows` when the query asks for a total.
 * @param binding see `encodeCursor`.
 */
export function pageReply(
  rows: Rows,
  query: ListQuery,
  offset: number,
  counted: number | undefined,
  binding: string,
): Reply {
  const end = offset + rows.count;
  const total = counted !== undefined && query.count === "estimated"
    ? correctEstimate(counted, end, rows.hasMore)
    : counted;
  const range = rows.count === 0 ? "*" : `${offset}-${end - 1}`;
  return new Reply(pageJson(rows, offset, binding, total), {
    headers: { "Content-Range": `${range}/${total ?? "*"}` },
  });
}

/** Returns a page as JSON, with the cursor of the next page, and with `total` when it is given. */
export function pageJson(rows: Rows, offset: number, binding: string, total?: number): JsonText {
  const next = rows.hasMore && rows.last
    ? JSON.stringify(encodeCursor({ key: rows.last, offset: offset + rows.count }, binding))
    : "null";
  const member = total === undefined ? "" : `,"total":${total}`;
  return new JsonText(`{"data":[${rows.text}],"next_cursor":${next}${member}}`);
}

/** Returns at least the number of records seen so far. On the last page this number is exact. */
function correctEstimate(estimated: number, shown: number, hasMore: boolean): number {
  return hasMore ? Math.max(estimated, shown + 1) : shown;
}

/** Returns the number of rows that match the conditions: counted, or estimated by the planner. */
export async function countRows(
  sql: Sql,
  count: Count,
  relation: string,
  where: Fragment,
): Promise<number> {
  if (count === "exact") {
    const [row] = await sql<{ total: number }[]>`
      select count(*)::float8 as total from ${sql(relation)} as record where ${where}`;
    return row?.total ?? 0;
  }
  const [row] = await sql<{ "QUERY PLAN": { Plan: { "Plan Rows": number } }[] }[]>`
    explain (format json) select 1 from ${sql(relation)} as record where ${where}`;
  const estimated = row?.["QUERY PLAN"][0]?.Plan["Plan Rows"];
  if (estimated === undefined) throw new Error("The query plan has no number of rows");
  return estimated;
}
