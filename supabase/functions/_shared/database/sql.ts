/** SQL as values: the tagged template of a transaction, its fragments, and what joins them. */
import type postgres from "postgres";

/** Tagged template for parameterised SQL inside one transaction. */
export type Sql = postgres.ReservedSql;
/** A piece of SQL with its parameters. */
export type Fragment = postgres.PendingQuery<postgres.Row[]>;

/** Fragments with commas between them. */
export function commaSeparated(sql: Sql, fragments: Fragment[]): Fragment {
  return joined(sql, fragments, sql`, `);
}

/** Fragments with a separator between them; `true` when there are none. */
export function joined(sql: Sql, fragments: Fragment[], separator: Fragment): Fragment {
  const [first = sql`true`, ...rest] = fragments;
  return rest.reduce((whole, fragment) => sql`${whole}${separator}${fragment}`, first);
}

/**
 * An array as one parameter. The text travels, and Postgres casts it: the driver's own arrays work only
 * after it has asked a new connection for its array types.
 */
export function arraySql(
  sql: Sql,
  values: readonly (string | number)[],
  type: string,
): Fragment {
  const items = values.map((value) => `"${String(value).replace(/(["\\])/g, "\\$1")}"`);
  return sql`${`{${items.join(",")}}`}::text::${sql.unsafe(type)}[]`;
}
