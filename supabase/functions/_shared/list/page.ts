/** One page of a list: its schema, its JSON, its cursor and its total. */
import * as z from "zod";
import { encodeCursor } from "./cursor.ts";
import type { Fragment, Sql } from "../database/database.ts";
import type { Count } from "./parse.ts";
import { JsonText, Reply } from "../reply.ts";
import type { Key, Rows } from "./select.ts";

/** Returns the schema of a page. It is made on first use, since schemas slow a cold start. */
export function pageSchema(record: () => z.ZodType): z.ZodType {
  return z.lazy(() =>
    z.object({
      data: z.array(record()),
      next_cursor: z.string().nullable(),
      total: z.int().optional(),
      total_at_least: z.int().optional()
        .describe("Instead of `total`, when `count=estimated` stopped counting here."),
      has_more: z.boolean().optional()
        .describe("In a feed: whether more records are there already."),
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
  offset: number,
  counted: Counted | undefined,
  binding: string,
): Reply {
  const end = offset + rows.count;
  const range = rows.count === 0 ? "*" : `${offset}-${end - 1}`;
  return new Reply(pageJson(rows, offset, binding, counted), {
    headers: { "Content-Range": `${range}/${counted?.isComplete ? counted.rows : "*"}` },
  });
}

/** A selected row of a page. */
interface SelectedRow {
  /** The record as JSON. */
  record: string;
  key: Key;
}

/**
 * Returns a page as JSON, with the cursor of the next page.
 * @param selected at most `limit + 1` rows. The last one only shows that more follow.
 */
export function pageOf(
  selected: SelectedRow[],
  limit: number,
  offset: number,
  binding: string,
): JsonText {
  const shown = selected.slice(0, limit);
  const rows = {
    text: shown.map(({ record }) => record).join(","),
    count: shown.length,
    last: shown.at(-1)?.key,
    hasMore: selected.length > limit,
  };
  return pageJson(rows, offset, binding);
}

function pageJson(
  rows: Rows,
  offset: number,
  binding: string,
  counted?: Counted,
): JsonText {
  const next = rows.hasMore && rows.last
    ? JSON.stringify(encodeCursor({ key: rows.last, offset: offset + rows.count }, binding))
    : "null";
  const name = counted?.isComplete ? "total" : "total_at_least";
  const member = counted ? `,"${name}":${counted.rows}` : "";
  return new JsonText(`{"data":[${rows.text}],"next_cursor":${next}${member}}`);
}

/** The number of rows that match conditions. */
interface Counted {
  rows: number;
  /** False when the count stopped at `rows`. */
  isComplete: boolean;
}

/** `count=estimated` stops here. The planner's estimate would depend on the rows of other workspaces. */
const MAXIMUM_ESTIMATED = 10_000;

/** Returns the number of rows that match the conditions: all of them, or at most 10,000. */
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
