/** The mapping of a file's columns to fields: the first guess, its changes, and what it lacks. */
import { Problem } from "../../_shared/problem.ts";
import { dateEvidence } from "./dates.ts";
import { fieldOf, FIELDS, isCollected, meaningOf, type RecordType, REQUIRED } from "./fields.ts";
import { type Column, type ImportPatch, MAXIMUM_COLUMNS } from "./schema.ts";

const SAMPLES = 3;
const SAMPLE_LENGTH = 200;

/**
 * Maps the columns of a file by their headers.
 * @param rows the first rows, for samples and for the format of dates.
 * @throws Problem `invalid_file` for a file without columns or with too many.
 */
export function mapColumns(
  recordType: RecordType,
  headers: string[],
  rows: unknown[][],
): Column[] {
  if (headers.length > MAXIMUM_COLUMNS) {
    throw invalidFile(`The file has ${headers.length} columns. Use at most ${MAXIMUM_COLUMNS}.`);
  }
  if (headers.every((header) => header.trim() === "")) {
    throw invalidFile("The first line of the file has no headers. Name the columns there.");
  }
  const names = uniqueNames(headers);
  const fields = fieldsOf(recordType, names);
  return names.map((column, index) => {
    const values = rows.flatMap((row) => textOf(row[index]));
    return withDateFormat(recordType, {
      column,
      field: fields[index] ?? null,
      date_format: null,
      samples: values.slice(0, SAMPLES).map((value) => value.slice(0, SAMPLE_LENGTH)),
      needs: null,
    }, values);
  });
}

/** The cell's text, or nothing for an empty cell. */
function textOf(cell: unknown): string[] {
  if (cell === null || cell === undefined || cell === "") return [];
  const text = typeof cell === "string" ? cell : JSON.stringify(cell);
  return [text.replaceAll("\0", "").toWellFormed()];
}

/** `Email`, `Email` → `Email`, `Email (2)`. A column without a header is named by its number. */
function uniqueNames(headers: string[]): string[] {
  const used = new Set<string>();
  return headers.map((header, index) => {
    const clean = header.replaceAll("\0", "").toWellFormed().trim().slice(0, 900);
    const name = clean || `Column ${index + 1}`;
    let unique = name;
    for (let number = 2; used.has(unique); number++) unique = `${name} (${number})`;
    used.add(unique);
    return unique;
  });
}

/** A field has the column whose header means it most clearly. One that is collected has them all. */
function fieldsOf(recordType: RecordType, names: string[]): (string | undefined)[] {
  const found = names.map((name) => meaningOf(recordType, name));
  return found.map((meaning, index) => {
    if (!meaning) return undefined;
    const { field } = meaning;
    const definition = fieldOf(recordType, field);
    const others = found.map((other) => other?.field === field ? other.rank : Infinity);
    const clearest = others.indexOf(Math.min(...others));
    return index === clearest || definition && isCollected(definition) ? field : undefined;
  });
}

function withDateFormat(recordType: RecordType, column: Column, values: string[]): Column {
  const kind = column.field === null ? undefined : fieldOf(recordType, column.field)?.kind;
  if (kind !== "time" && kind !== "date") return { ...column, needs: null };
  if (column.date_format) return { ...column, needs: null };
  const evidence = dateEvidence(values);
  if (evidence === "ambiguous") return { ...column, needs: "date_format" };
  return { ...column, date_format: evidence === "none" ? null : evidence, needs: null };
}

/**
 * Returns the columns with changes.
 * @throws Problem `validation_failed` for a column or a field that does not exist.
 */
export function changeColumns(
  recordType: RecordType,
  columns: Column[],
  changes: ImportPatch["columns"] = [],
): Column[] {
  const errors: Record<string, string> = {};
  const byName = new Map(columns.map((column) => [column.column, column]));
  changes.forEach(({ column: name, field, date_format }, index) => {
    const column = byName.get(name);
    if (!column) errors[`columns.${index}.column`] = "The file has no column with this header.";
    else if (field && !fieldOf(recordType, field)) {
      const known = Object.keys(FIELDS[recordType]).join(", ");
      errors[`columns.${index}.field`] = `Use one of: ${known}.`;
    } else {
      const changed = { ...column, field: field === undefined ? column.field : field };
      if (date_format !== undefined) changed.date_format = date_format;
      byName.set(name, withDateFormat(recordType, changed, column.samples));
    }
  });
  const changed = [...byName.values()];
  requireOneColumn(recordType, changed, errors);
  if (Object.keys(errors).length === 0) return changed;
  const detail = "The mapping is not valid. Look at errors.";
  throw new Problem("validation_failed", detail, { errors });
}

function requireOneColumn(
  recordType: RecordType,
  columns: Column[],
  errors: Record<string, string>,
): void {
  const used = new Map<string, string>();
  for (const { column, field } of columns) {
    const definition = field === null ? undefined : fieldOf(recordType, field);
    if (field === null || !definition || isCollected(definition)) continue;
    const other = used.get(field);
    if (other !== undefined) {
      errors[`columns.${field}`] = `Two columns have this field: ${other}, ${column}.`;
    }
    used.set(field, column);
  }
}

/** Returns the fields of which one still needs a column. */
export function missingFields(recordType: RecordType, columns: Column[]): string[] {
  const mapped = columns.map(({ field }) => field);
  const missing = REQUIRED[recordType].find((fields) =>
    !fields.some((field) => mapped.includes(field))
  );
  return missing ?? [];
}

/** Whether the import can run. */
export function isComplete(recordType: RecordType, columns: Column[]): boolean {
  return missingFields(recordType, columns).length === 0 &&
    columns.every(({ needs }) => needs === null);
}

/** Returns the problem `invalid_file`. */
export function invalidFile(detail: string): Problem {
  return new Problem("invalid_file", detail);
}
