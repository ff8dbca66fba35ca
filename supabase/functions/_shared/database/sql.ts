/** Types and helpers to build SQL: the tagged template of a transaction, fragments, arrays. */
import type postgres from "postgres";

/** The tagged template that makes parameterised statements of one transaction. */
export type Sql = postgres.ReservedSql;
/** A part of a statement with its parameters. */
export type Fragment = postgres.PendingQuery<postgres.Row[]>;

/** Joins fragments with commas. */
export function commaSeparated(sql: Sql, fragments: Fragment[]): Fragment {
  return joined(sql, fragments, sql`, `);
}

/** Joins fragments with a separator. Returns `true` when there are no fragments. */
export function joined(sql: Sql, fragments: Fragment[], separator: Fragment): Fragment {
  const [first = sql`true`, ...rest] = fragments;
  return rest.reduce((whole, fragment) => sql`${whole}${separator}${fragment}`, first);
}

/**
 * Passes an array as one parameter, cast to `type[]`. It is sent as text, since the driver's arrays
 * need a query for the array types on every new connection.
 */
export function arraySql(
  sql: Sql,
  values: readonly (string | number)[],
  type: string,
): Fragment {
  const items = values.map((value) => `"${String(value).replace(/(["\\])/g, "\\$1")}"`);
  return sql`${`{${items.join(",")}}`}::text::${sql.unsafe(type)}[]`;
}
