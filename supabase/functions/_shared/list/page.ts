/** One page of a list: its schema, and its answer, put together from the records' JSON. */
import * as z from "zod";
import { encodeCursor } from "./cursor.ts";
import { totalOf } from "./count.ts";
import type { ListQuery } from "./parse.ts";
import { JsonText, Reply } from "../reply.ts";

/** A row of a list, its record as JSON text. */
export interface Row {
  record: string;
  /** As JSON: in an array of Postgres's own the driver takes a null for a text. */
  key: (string | null)[];
}

/** The schema of a page, made when it is first asked for: schemas are what a cold start spends most of its time on. */
export function pageSchema(record: z.ZodObject): z.ZodType {
  return z.lazy(() =>
    z.object({
      data: z.array(record),
      next_cursor: z.string().nullable(),
      total: z.int().optional(),
    })
  );
}

/** The answer with the page that these rows begin; one row more than the limit says that more follow. */
export function pageOf(
  rows: Row[],
  query: ListQuery,
  offset: number,
  counted: number | undefined,
  binding: string,
): Reply {
  const shown = rows.slice(0, query.limit);
  const last = rows.length > query.limit ? shown.at(-1) : undefined;
  const next = last
    ? JSON.stringify(encodeCursor({ key: last.key, offset: offset + shown.length }, binding))
    : "null";
  const data = shown.map((row) => row.record).join(",");
  const range = shown.length === 0 ? "*" : `${offset}-${offset + shown.length - 1}`;
  const total = totalOf(query.count, counted, offset + shown.length, last === undefined);
  const member = total === undefined ? "" : `,"total":${total}`;
  return new Reply(new JsonText(`{"data":[${data}],"next_cursor":${next}${member}}`), {
    headers: { "Content-Range": `${range}/${total ?? "*"}` },
  });
}
