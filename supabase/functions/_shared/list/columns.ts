/**
 * What may be filtered and sorted: read off the generated schema (`schema.ts`), which is read off the
 * migrated database, so that nobody keeps a list.
 */

export const COMPARISONS = ["eq", "neq", "gt", "gte", "lt", "lte", "in", "is"] as const;
const PATTERNS = ["like", "ilike"] as const;
const CONTAINMENTS = ["cs", "cd", "ov"] as const;

export type Operator =
  | (typeof COMPARISONS)[number]
  | (typeof PATTERNS)[number]
  | (typeof CONTAINMENTS)[number];

export interface Column {
  name: string;
  /** Postgres type to cast a filter's value to. */
  type: string;
  operators: readonly Operator[];
  sortable: boolean;
  /** What a value must look like before it is sent to Postgres. */
  accepts(text: string): boolean;
}

/** A table or view, as `schema.ts` has it. */
export interface Relation {
  name: string;
  /** Column → Postgres type. */
  columns: Readonly<Record<string, string>>;
}

/** The columns of a table or view by name; `search` vectors are not among them. */
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
/** Offsets as far as Postgres takes them. */
const CLOCK = /^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,6})?)?(Z|[+-](0\d|1[0-5])(:?[0-5]\d)?)?$/;

/** Whether there is such a day: Postgres knows no year 0, and no 30 February. */
function isDate(match: RegExpExecArray | null): boolean {
  if (!match) return false;
  const [year = 0, month = 0, day = 0] = match.slice(1).map(Number);
  // The calendar repeats itself every 400 years.
  const date = new Date(Date.UTC(2000 + year % 400, month - 1, day));
  return year > 0 && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}

/** A filter's value as it was meant: a `+` that was not escaped in a URL arrives as a space. */
export function normalized(column: Column, text: string): string {
  return column.type === "timestamptz"
    ? text.replace(/(?<=:\d{2}[:.\d]*) (?=\d{2}(:?\d{2})?$)/, "+")
    : text;
}

/** Small whole numbers compare as bigint, so that a value out of their range is no error. */
const TYPES: Record<string, Omit<Column, "name" | "sortable">> = {
  bigint: { type: "bigint", operators: COMPARISONS, accepts: INTEGER },
  integer: { type: "bigint", operators: COMPARISONS, accepts: INTEGER },
  smallint: { type: "bigint", operators: COMPARISONS, accepts: INTEGER },
  numeric: { type: "numeric", operators: COMPARISONS, accepts: NUMBER },
  boolean: { type: "boolean", operators: ["eq", "neq", "is"], accepts: BOOLEAN },
  uuid: { type: "uuid", operators: ["eq", "neq", "in", "is"], accepts: UUID },
  date: { type: "date", operators: COMPARISONS, accepts: DATE },
  "timestamp with time zone": { type: "timestamptz", operators: COMPARISONS, accepts: TIME },
  text: { type: "text", operators: [...COMPARISONS, ...PATTERNS], accepts: ANY_TEXT },
  citext: {
    type: "extensions.citext",
    operators: [...COMPARISONS, ...PATTERNS],
    accepts: ANY_TEXT,
  },
  "bigint[]": { type: "bigint[]", operators: [...CONTAINMENTS, "is"], accepts: INTEGERS },
  jsonb: { type: "jsonb", operators: ["eq", "is"], accepts: ANY_TEXT },
  json: { type: "json", operators: ["is"], accepts: ANY_TEXT },
};

function columnOf(name: string, type: string): Column | undefined {
  const known = TYPES[type];
  const orderable = !["jsonb", "json", "bigint[]"].includes(type);
  return known && { name, sortable: orderable, ...known };
}

/** The columns of these fields; json without a key to find elements by is only asked whether it is null. */
export function offeredColumns(
  columns: Record<string, Column>,
  fields: string[],
  elementKeys: Record<string, string> = {},
): Record<string, Column> {
  const offered = Object.values(columns).filter(({ name }) => fields.includes(name));
  return Object.fromEntries(offered.map((column) => {
    const opaque = column.type === "jsonb" && !Object.hasOwn(elementKeys, column.name);
    return [column.name, opaque ? { ...column, operators: ["is" as const] } : column];
  }));
}
