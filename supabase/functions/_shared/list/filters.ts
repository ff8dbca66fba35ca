/** Filters of a list's own: parameters that stand for more than a comparison with one column. */
import type * as z from "zod";
import type { Fragment, Sql } from "../database/database.ts";

export interface ListFilter {
  /** Schema of the value, whose message says what is allowed. */
  schema: z.ZodType<string>;
  description: string;
  /** The condition about the row `record`; absent when the parameter only qualifies another one. */
  condition?(sql: Sql, values: FilterValues): Fragment;
}
export type ListFilters = Record<string, ListFilter>;

/** Parameter → its value; those that the request has. */
export type FilterValues = Record<string, string>;

/** The conditions that a request's values stand for. */
export function filterConditions(
  sql: Sql,
  values: FilterValues,
  filters: ListFilters = {},
): Fragment[] {
  return Object.keys(values).flatMap((name) => filters[name]?.condition?.(sql, values) ?? []);
}
