/** One page of a list: its schema, its JSON, its cursor and its total. */
import * as z from "zod";
import { encodeCursor } from "./cursor.ts";
import type { Fragment, Sql } from "../database/database.ts";
import type { Count } from "./parse.ts";
import { JsonText, Reply } from "../reply.ts";
import type { Rows } from "./select.ts";

/** The schema of a page. Lazy: schemas are what a cold start spends most of its time on. */
export function pageSchema(record: () => z.ZodType): z.ZodType {
  return z.lazy(() =>
    z.object({
      data: z.array(record()),
      next_cursor: z.string().nullable(),
      total: z.int().optional(),
      total_at_least: z.int().optional()
        .describe("Instead of `total`, when `count=estimated` stopped counting here."),
    })
  );
}

/**
 * The answer that shows these rows, each a record as JSON, with commas between them.
 * @param offset how many records come before them.
 * @param counted the result of `countRows`, when the query asks for a total.
 * @param binding what the cursor of the next page is bound to.
 */
export function pageReply(
  rows: Rows,
  offset: number,
  counted: Counted | undefined,
  binding: string,
): Reply {
  const end = offset + rows.count;
  const next = rows.hasMore && rows.last
    ? JSON.stringify(encodeCursor({ key: rows.last, offset: end }, binding))
    : "null";
  const member = counted
    ? `,"${counted.isComplete ? "total" : "total_at_least"}":${counted.rows}`
    : "";
  const total = counted?.isComplete ? counted.rows : "*";
  const range = rows.count === 0 ? "*" : `${offset}-${end - 1}`;
  return new Reply(new JsonText(`{"data":[${rows.text}],"next_cursor":${next}${member}}`), {
    headers: { "Content-Range": `${range}/${total}` },
  });
}

/** The number of rows that satisfy conditions. */
export interface Counted {
  rows: number;
  /** False when counting stopped at `rows`. */
  isComplete: boolean;
}

/** `count=estimated` stops here: the planner's own estimate would tell of other workspaces' rows. */
const MAXIMUM_ESTIMATED = 10_000;

/** Counts the rows that satisfy the conditions: all of them, or up to 10,000. */
export async function countRows(
  sql: Sql,
  count: Count,
  relation: string,
  where: Fragment,
): Promise<Counted> {
  const limit = count === "exact" ? sql`` : sql`limit ${MAXIMUM_ESTIMATED + 1}`;
  const [row] = await sql<{ rows: number }[]>`
    select count(*)::float8 as rows
    from (select from ${sql(relation)} as record where ${where} ${limit}) as counted`;
  const rows = row?.rows ?? 0;
  const isComplete = count === "exact" || rows <= MAXIMUM_ESTIMATED;
  return { rows: isComplete ? rows : MAXIMUM_ESTIMATED, isComplete };
}
