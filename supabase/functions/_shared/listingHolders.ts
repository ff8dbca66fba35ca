/**
 * Records by ids in an array column. Row-level security keeps Postgres from using the index of such a
 * column, so that a rare id would be looked for in every record: a function finds the records through
 * the index. When many records hold the ids, the list reads along its order and fills a page soon.
 */
import type { Sql } from "./database.ts";
import type { Condition } from "./listingQuery.ts";
import { arraySql } from "./listingSql.ts";

const MOST_HOLDERS = 1_000;

/**
 * Returns the ids of the records whose array holds the ids of a condition, as an array literal;
 * undefined when they are many, or when the condition is of another kind.
 */
export async function fewHolders(
  sql: Sql,
  { column, operator, value }: Condition,
): Promise<string | undefined> {
  if (column.type !== "bigint[]" || (operator !== "cs" && operator !== "ov")) return undefined;
  const [row] = await sql<{ ids: string | null }[]>`
    select private.few_with_ids(
      ${column.name}, ${arraySql(sql, value, column.type)}, ${operator === "cs"}::boolean,
      ${MOST_HOLDERS}::integer
    )::text as ids`;
  return row?.ids ?? undefined;
}
