/** Small helpers for SQL. */
import type { Fragment, Sql } from "../database/database.ts";

/** Fragments with commas between them. */
export function commaSeparated(sql: Sql, fragments: Fragment[]): Fragment {
  return joined(sql, fragments, sql`, `);
}

/** Fragments with a separator between them. */
export function joined(sql: Sql, fragments: Fragment[], separator: Fragment): Fragment {
  const [first = sql`true`, ...rest] = fragments;
  return rest.reduce((whole, fragment) => sql`${whole}${separator}${fragment}`, first);
}
