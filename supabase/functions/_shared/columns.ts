/**
 * What may be filtered and sorted: read off the generated schema (`schema.ts`), which is read off the
 * migrated database, so that nobody keeps a list.
 */
import { getTableColumns, getViewSelectedFields, type SQL } from "drizzle-orm";
import { type AnyPgColumn, PgTable, PgView } from "drizzle-orm/pg-core";

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

/** The columns of a table or view by name; `search` vectors are not among them. */
export function columnsOf(relation: PgTable | PgView): Record<string, Column> {
  const fields: Record<string, unknown> = relation instanceof PgTable
    ? getTableColumns(relation)
    : getViewSelectedFields(relation) as Record<string, AnyPgColumn | SQL>;
  const columns: Record<string, Column> = {};
  for (const [name, field] of Object.entries(fields)) {
    const column = columnOf(name, (field as AnyPgColumn).getSQLType());
    if (column) columns[name] = column;
  }
  return columns;
}

const INTEGER = (text: string) => /^-?\d{1,18}$/.test(text);
const NUMBER = (text: string) => /^-?\d{1,30}(\.\d{1,30})?$/.test(text);
const ANY_TEXT = (text: string) => !text.includes("\0");
const UUID = (text: string) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
const BOOLEAN = (text: string) => text === "true" || text === "false";
const INTEGERS = (text: string) => /^\{?(\d{1,18}(,\d{1,18})*)?\}?$/.test(text);
const DATE = (text: string) => /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text));
const TIME = (text: string) =>
  /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:?\d{2})?)?$/.test(text) &&
  !Number.isNaN(Date.parse(text));

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
};

function columnOf(name: string, sqlType: string): Column | undefined {
  const type = sqlType.replace(/\(.*\)$/, "").replace(/^extensions\./, "");
  const known = TYPES[type];
  const orderable = !["jsonb", "bigint[]"].includes(type);
  return known && { name, sortable: orderable, ...known };
}
