/**
 * Values of sample rows, made from the columns of a table. The tests insert them, and the generator of
 * the pgTAP tests writes them.
 */
import type { Row } from "../support/database.ts";

export interface Column {
  name: string;
  type: string;
  /** Not nullable, and without a default. */
  required: boolean;
  /** The table that a foreign key of this column refers to. */
  parent: string | null;
}

/** Rows of one member: table → row. */
export type SampleRows = Record<string, Row>;

/** Column → value, for a row of the audit log that the view `merges` shows. */
const CHOSEN: Row = { action: "merged", after: { merged_into: 1 } };

/** Values for a new row: the required columns, and its parents among the given rows. */
export function sampleValues(
  { columns }: { columns: Column[] },
  rows: SampleRows,
  unique?: string,
): Row {
  // The database gives ids, also that of a key, which is its member's.
  const filled = columns.filter(({ name, required, parent }) =>
    (required || parent) && !(name === "id" && parent)
  );
  const chosen = columns.filter(({ name }) => name in CHOSEN);
  return {
    ...Object.fromEntries(filled.map((column) => [column.name, sampleValue(column, rows, unique)])),
    ...Object.fromEntries(chosen.map(({ name }) => [name, CHOSEN[name]])),
  };
}

/** A value for a column: the parent's id, or a value of its type that contains `unique`. */
export function sampleValue(
  { name, type, parent }: Column,
  rows: SampleRows,
  unique: string = crypto.randomUUID(),
): unknown {
  if (parent) return rows[parent]?.id ?? null;
  const samples: Record<string, unknown> = {
    text: `sample ${unique}`,
    "extensions.citext": `${unique}@example.test`,
    citext: `${unique}@example.test`,
    uuid: unique,
    bigint: 1,
    integer: 1,
    smallint: 1,
    numeric: 1,
    boolean: false,
    jsonb: {},
    json: {},
    "bigint[]": [1],
    "jsonb[]": [{}],
    tsvector: "sample",
    date: "2026-01-01",
    "timestamp with time zone": "2026-01-01T00:00:00Z",
  };
  if (!(type in samples)) {
    throw new Error(`No sample for ${name} ${type}: add one in tests/database/sampleValues.ts.`);
  }
  return samples[type];
}

/** The row of a view that shows a row of a table; a `<table>_summary` shows the row of its table. */
const VIEW_ROWS: Record<string, (rows: SampleRows) => Row> = {
  activity: ({ audit_log }) => ({ id: audit_log?.id }),
  merges: ({ audit_log }) => ({ id: audit_log?.id }),
  members: ({ sales }) => ({ id: sales?.id }),
  activity_log: ({ contact_notes }) => ({ id: `contactNote.${contact_notes?.id}.created` }),
  init_state: () => ({}),
};

/** The values by which a view shows one of the rows. */
export function viewRow(view: string, rows: SampleRows): Row {
  const row = VIEW_ROWS[view];
  if (row) return row(rows);
  const [, table] = /^(\w+)_summary$/.exec(view) ?? [];
  if (!table) throw new Error(`VIEW_ROWS in tests/database/sampleValues.ts lacks ${view}.`);
  return { id: rows[table]?.id };
}

/** Tables with one row per workspace. The row is deleted before another one is inserted. */
export const SINGLETONS = ["configuration"];
