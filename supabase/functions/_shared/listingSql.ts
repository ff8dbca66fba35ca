/** The conditions of a list as SQL, their values as parameters. */
import type { Fragment, Sql } from "./database.ts";
import { type Condition, parseList } from "./listingQuery.ts";

/** The condition about the row `record`; `elementKey` finds elements of a json array by value. */
export function conditionSql(sql: Sql, condition: Condition, elementKey?: string): Fragment {
  const { column, operator, value } = condition;
  const left = sql`record.${sql(column.name)}`;
  const type = sql.unsafe(column.type);
  if (operator === "is") return isSql(sql, left, value);
  if (column.type === "jsonb") return elementSql(sql, column.name, value, elementKey);
  switch (operator) {
    case "eq":
      return sql`${left} = ${value}::text::${type}`;
    case "neq":
      return sql`${left} is distinct from ${value}::text::${type}`;
    case "gt":
      return sql`${left} > ${value}::text::${type}`;
    case "gte":
      return sql`${left} >= ${value}::text::${type}`;
    case "lt":
      return sql`${left} < ${value}::text::${type}`;
    case "lte":
      return sql`${left} <= ${value}::text::${type}`;
    case "in":
      return sql`${left} = any (${arrayLiteral(parseList(value))}::text::${type}[])`;
    case "like":
      return sql`${left} like ${pattern(value)}`;
    case "ilike":
      return sql`${left} ilike ${pattern(value)}`;
    case "cs":
      return sql`${left} @> ${arraySql(sql, value, column.type)}`;
    case "cd":
      return sql`${left} <@ ${arraySql(sql, value, column.type)}`;
    case "ov":
      return sql`${left} && ${arraySql(sql, value, column.type)}`;
  }
}

function isSql(sql: Sql, left: Fragment, value: string): Fragment {
  if (value === "null") return sql`${left} is null`;
  if (value === "not.null") return sql`${left} is not null`;
  return value === "true" ? sql`${left} is true` : sql`${left} is false`;
}

/**
 * Contacts alone have elements to filter by. E-mails are stored in lower case; other values are compared
 * as they are.
 */
function elementSql(sql: Sql, column: string, value: string, key = "value"): Fragment {
  const wanted = JSON.stringify([{ [key]: key === "email" ? value.trim().toLowerCase() : value }]);
  return sql`
    record.id = any (array(select private.contacts_with(${column}, ${wanted}::text::jsonb)))`;
}

/**
 * `*` stands for any characters, as in PostgREST, where `%` needs escaping in URLs. A backslash at the
 * end, which Postgres would refuse for escaping nothing, stands for itself.
 */
function pattern(value: string): string {
  const escapesNothing = /(^|[^\\])(\\\\)*\\$/.test(value);
  return value.replaceAll("*", "%") + (escapesNothing ? "\\" : "");
}

/** A filter's value, `1,2` or `{1,2}`, as an array of this type. */
export function arraySql(sql: Sql, value: string, type: string): Fragment {
  return sql`${`{${value.replace(/^\{|\}$/g, "")}}`}::text::${sql.unsafe(type)}`;
}

function arrayLiteral(items: string[]): string {
  return `{${items.map((item) => `"${item.replace(/(["\\])/g, "\\$1")}"`).join(",")}}`;
}

/** Words as a query of full-text search; worked out once per statement, not once per row. */
export function wordsSql(sql: Sql, words: string): Fragment {
  return sql`(select private.search_query(${words}))`;
}

/** Fragments with commas between them. */
export function commaSeparated(sql: Sql, fragments: Fragment[]): Fragment {
  return joined(sql, fragments, sql`, `);
}

/** Fragments with a separator between them. */
export function joined(sql: Sql, fragments: Fragment[], separator: Fragment): Fragment {
  const [first = sql`true`, ...rest] = fragments;
  return rest.reduce((whole, fragment) => sql`${whole}${separator}${fragment}`, first);
}
