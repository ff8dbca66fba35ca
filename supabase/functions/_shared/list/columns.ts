/**
 * Columns of lists: their kinds, the operators of each kind, and the SQL of each operator. The
 * types of columns come from the generated `schema.ts`.
 */
import { arraySql, type Fragment, type Sql } from "../database/database.ts";

const COMPARISONS = ["eq", "neq", "gt", "gte", "lt", "lte", "in", "is"] as const;
const PATTERNS = ["like", "ilike"] as const;
const CONTAINMENTS = ["cs", "cd", "ov"] as const;

export type Operator =
  | (typeof COMPARISONS)[number]
  | (typeof PATTERNS)[number]
  | (typeof CONTAINMENTS)[number];

/** Kind of value → its operators. */
export const LIST_OPERATORS = {
  number: COMPARISONS,
  time: COMPARISONS,
  date: COMPARISONS,
  text: [...COMPARISONS, ...PATTERNS],
  long_text: COMPARISONS,
  boolean: ["eq", "neq", "is"],
  uuid: ["eq", "neq", "in", "is"],
  ids: [...CONTAINMENTS, "is"],
  elements: ["eq", "is"],
  opaque: ["is"],
} as const satisfies Record<string, readonly Operator[]>;

/** A column that a list can filter or sort by. */
export interface Column {
  name: string;
  kind: keyof typeof LIST_OPERATORS;
  /** Postgres type to cast a filter's value to. */
  type: string;
  operators: readonly Operator[];
  sortable: boolean;
  /** Whether a filter's value has a valid form. Checked before Postgres gets it. */
  accepts(text: string): boolean;
}

/** A table or view of `schema.ts`. */
export interface Relation {
  name: string;
  /** Column → Postgres type. */
  columns: Readonly<Record<string, string>>;
}

/** Returns the columns of a table or view by name, without columns whose type has no operators. */
export function columnsOf({ columns }: Relation): Record<string, Column> {
  const known: Record<string, Column> = {};
  for (const [name, type] of Object.entries(columns)) {
    const column = columnOf(name, type);
    if (column) known[name] = column;
  }
  return known;
}

const INTEGER = (text: string) => /^-?\d{1,18}$/.test(text);
const NUMBER = (text: string) => /^-?\d{1,30}(\.\d{1,30})?$/.test(text);
const ANY_TEXT = (text: string) => !text.includes("\0");
const UUID = (text: string) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
const BOOLEAN = (text: string) => text === "true" || text === "false";
const INTEGERS = (text: string) => /^\{?(\d{1,18}(,\d{1,18})*)?\}?$/.test(text);
const DATE = (text: string) => isDate(/^(\d{4})-(\d{2})-(\d{2})$/.exec(text));
const TIME = (text: string) => {
  const [date, time] = text.split(/[T ]/, 2);
  return DATE(date ?? "") && (time === undefined || CLOCK.test(time)) && text.length <= 32;
};
/** A time of day with an offset in the range of Postgres. */
const CLOCK = /^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,6})?)?(Z|[+-](0\d|1[0-5])(:?[0-5]\d)?)?$/;

/** Whether the date exists. Postgres refuses the year 0 and dates such as 30 February. */
function isDate(match: RegExpExecArray | null): boolean {
  if (!match) return false;
  const [year = 0, month = 0, day = 0] = match.slice(1).map(Number);
  // `Date.UTC` reads years below 100 as 19xx. The calendar repeats after 400 years.
  const date = new Date(Date.UTC(2000 + year % 400, month - 1, day));
  return year > 0 && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}

/**
 * Returns a filter's value with the `+` of an offset, which an unescaped URL turns into a space.
 */
export function normalizeValue(column: Column, text: string): string {
  return column.type === "timestamptz"
    ? text.replace(/(?<=:\d{2}[:.\d]*) (?=\d{2}(:?\d{2})?$)/, "+")
    : text;
}

/** Integers are compared as bigint, so that a value out of the column's range is no error. */
const TYPES: Record<string, Pick<Column, "kind" | "type" | "accepts">> = {
  bigint: { kind: "number", type: "bigint", accepts: INTEGER },
  integer: { kind: "number", type: "bigint", accepts: INTEGER },
  smallint: { kind: "number", type: "bigint", accepts: INTEGER },
  numeric: { kind: "number", type: "numeric", accepts: NUMBER },
  boolean: { kind: "boolean", type: "boolean", accepts: BOOLEAN },
  uuid: { kind: "uuid", type: "uuid", accepts: UUID },
  date: { kind: "date", type: "date", accepts: DATE },
  "timestamp with time zone": { kind: "time", type: "timestamptz", accepts: TIME },
  text: { kind: "text", type: "text", accepts: ANY_TEXT },
  citext: { kind: "text", type: "extensions.citext", accepts: ANY_TEXT },
  "bigint[]": { kind: "ids", type: "bigint[]", accepts: INTEGERS },
  jsonb: { kind: "elements", type: "jsonb", accepts: ANY_TEXT },
  json: { kind: "opaque", type: "json", accepts: ANY_TEXT },
};

/** Returns a column of a type, as Postgres names it, or undefined for a type without operators. */
export function columnOf(name: string, type: string): Column | undefined {
  const known = TYPES[type];
  const orderable = !["jsonb", "json", "bigint[]"].includes(type);
  return known &&
    { name, sortable: orderable, operators: LIST_OPERATORS[known.kind], ...known };
}

/**
 * Returns the columns of these fields. A `jsonb` column has operators beside `is` only when it is
 * named in `elements`.
 * Long text has no patterns: to compare it with one can take seconds.
 */
export function filterableColumns(
  columns: Record<string, Column>,
  fields: string[],
  elements: string[],
  longText: string[],
): Record<string, Column> {
  const shown = Object.values(columns).filter(({ name }) => fields.includes(name));
  return Object.fromEntries(shown.map((column) => {
    const isOpaque = column.type === "jsonb" && !elements.includes(column.name);
    if (isOpaque) return [column.name, ofKind(column, "opaque")];
    return [column.name, longText.includes(column.name) ? ofKind(column, "long_text") : column];
  }));
}

function ofKind(column: Column, kind: Column["kind"]): Column {
  return { ...column, kind, operators: LIST_OPERATORS[kind] };
}

/** Returns the condition that a column of the row `record` matches a value by an operator. */
export function comparisonSql(
  sql: Sql,
  column: Column,
  operator: Operator,
  value: string,
): Fragment {
  const left = sql`record.${sql(column.name)}`;
  const type = sql.unsafe(column.type);
  switch (operator) {
    case "is":
      return isSql(sql, left, value);
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
      return sql`${left} = any (${arraySql(sql, parseList(value), column.type)})`;
    case "like":
      return sql`${left} like ${likePattern(value)}`;
    case "ilike":
      return sql`${left} ilike ${likePattern(value)}`;
    case "cs":
      return sql`${left} @> ${idsSql(sql, value)}`;
    case "cd":
      return sql`${left} <@ ${idsSql(sql, value)}`;
    case "ov":
      return sql`${left} && ${idsSql(sql, value)}`;
  }
}

function isSql(sql: Sql, left: Fragment, value: string): Fragment {
  if (value === "null") return sql`${left} is null`;
  if (value === "not.null") return sql`${left} is not null`;
  return value === "true" ? sql`${left} is true` : sql`${left} is false`;
}

/**
 * `*` matches any characters, as in PostgREST: `%` would need escaping in URLs. Postgres refuses a
 * pattern that ends with an escape character, so a backslash at the end is escaped.
 */
function likePattern(value: string): string {
  const endsInEscape = /(^|[^\\])(\\\\)*\\$/.test(value);
  return value.replaceAll("*", "%") + (endsInEscape ? "\\" : "");
}

/** Returns the ids of a filter, `1,2` or `{1,2}`, as an array. */
export function idsSql(sql: Sql, value: string): Fragment {
  return arraySql(sql, value.match(/\d+/g) ?? [], "bigint");
}

/** Returns the values of a list: `a,b`, `(a,b)` or `"a,b",c`. A quoted value may contain commas. */
export function parseList(text: string): string[] {
  const inner = text.replace(/^\((.*)\)$/s, "$1");
  const items = inner.match(/"(?:[^"\\]|\\.)*"|[^,]+/gs) ?? [];
  return items.map((item) =>
    item.startsWith('"') ? item.slice(1, -1).replace(/\\(.)/g, "$1") : item.trim()
  );
}
