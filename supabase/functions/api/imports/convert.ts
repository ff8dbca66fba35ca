/** Turns the cells of a row into the values of a record, and collects what breaks a rule. */
import type * as z from "zod";
import type { ProblemCode } from "../../_shared/problem.ts";
import { BrokenLine } from "./brokenLine.ts";
import { type DateFormat, readDate } from "./dates.ts";
import { type Field, fieldOf, labelHeaders, type RecordType } from "./fields.ts";
import { parseJson } from "./ndjson.ts";
import type { Column } from "./schema.ts";

/** What is wrong with a row. `column` is null when it is the row as a whole. */
export interface RowError {
  column: string | null;
  value: string | null;
  reason: string;
  /** The code of the problem, when it is not `validation_failed`. */
  code?: ProblemCode;
  /** The field, as long as its column is not known. */
  field?: string;
}

export type Json = unknown;
interface Address {
  type: string;
}
export interface Email extends Address {
  email: string;
}
export interface Phone extends Address {
  number: string;
}

/** A row on its way to the database. */
export interface Draft {
  number: number;
  cells: Json[];
  errors: RowError[];
  /** Column of the table → value. */
  values: Record<string, Json>;
  /** Field → text of a reference: `id`, `external_id`, `company`, `owner_email`, … */
  references: Map<string, string>;
  /** Names or ids of tags. */
  tags: (string | number)[];
}

/** The values that the configuration allows, by list. */
export type Configured = Record<string, { value: string; label: string }[]>;

class CellError extends Error {}

/** A column of the file with its field. */
interface Cell extends Column {
  index: number;
  /** Index of the column with the type of its addresses. -1 without one. */
  label: number;
  field: string;
  definition: Field;
}

/** Returns the columns that have a field, with it. */
export function mappedCells(recordType: RecordType, columns: Column[]): Cell[] {
  return columns.flatMap((column, index) => {
    const { field } = column;
    const definition = field === null ? undefined : fieldOf(recordType, field);
    if (field === null || !definition) return [];
    const labels = labelHeaders(column.column);
    const label = columns.findIndex((other) => labels.includes(other.column));
    return [{ ...column, field, index, label, definition }];
  });
}

/** Converts a row. */
export function convert(
  cells: Json[],
  number: number,
  columns: Cell[],
  configured: Configured,
): Draft {
  const draft: Draft = {
    number,
    cells,
    errors: [],
    values: {},
    references: new Map(),
    tags: [],
  };
  const [first] = cells;
  if (first instanceof BrokenLine) {
    draft.cells = [first.text];
    draft.errors.push({ column: null, value: null, reason: first.reason });
    return draft;
  }
  for (const column of columns) readCell(draft, column, cells[column.index], configured);
  return draft;
}

function readCell(draft: Draft, column: Cell, cell: Json, configured: Configured): void {
  if (isEmpty(cell)) return;
  try {
    requireStorable(cell);
    put(draft, column, typeof cell === "string" ? cleanText(cell) : cell, configured);
  } catch (error) {
    if (!(error instanceof CellError)) throw error;
    draft.errors.push({ column: column.column, value: shown(cell), reason: error.message });
  }
}

function isEmpty(cell: Json): boolean {
  return cell === null || cell === undefined || (typeof cell === "string" && cell.trim() === "");
}

/** Also the texts inside a cell of NDJSON. */
function requireStorable(cell: Json): void {
  if (typeof cell === "object" && cell !== null) Object.values(cell).forEach(requireStorable);
  if (typeof cell === "string" && (cell.includes("\0") || !cell.isWellFormed())) {
    throw new CellError("The text has characters that cannot be stored.");
  }
}

/**
 * An export puts an apostrophe in front of text that a spreadsheet would take for a formula. Files
 * that were joined have byte order marks in the middle.
 */
function cleanText(cell: string): string {
  return cell.replace(/^\ufeff+/, "").replace(/^'(?=[-=+@\t\r])/, "");
}

function shown(cell: Json): string {
  const text = typeof cell === "string" ? cell : JSON.stringify(cell);
  return text.replaceAll("\0", "").toWellFormed().slice(0, 200);
}

function put(draft: Draft, column: Cell, cell: Json, configured: Configured): void {
  const { field, definition } = column;
  const { kind } = definition;
  if (kind === "reference") draft.references.set(field, textOf(cell).trim());
  else if (kind === "names") draft.tags.push(...tagsOf(cell));
  else if (kind === "email") putEmails(draft, column, textOf(cell));
  else if (kind === "phone") putPhones(draft, column, textOf(cell));
  else if (kind === "name") putName(draft, textOf(cell));
  else draft.values[field] = checked(definition, valueOf(column, cell, configured));
}

function valueOf({ definition, date_format }: Cell, cell: Json, configured: Configured): Json {
  const { kind, list } = definition;
  if (kind === "elements") return elementsOf(cell);
  if (kind === "boolean") return booleanOf(cell);
  if (kind === "integer") return integerOf(cell);
  const text = textOf(cell);
  if (kind === "time") return timeOf(text, date_format);
  if (kind === "date") return timeOf(text, date_format).slice(0, 10);
  if (kind === "configured") return configuredOf(text.trim(), configured[list ?? ""] ?? []);
  if (kind === "url" && /^[\w-]+(\.[\w-]+)+(\/|$)/.test(text.trim())) {
    return `https://${text.trim()}`;
  }
  return text;
}

function checked(field: Field, value: Json): Json {
  const result = field.schema?.safeParse(value);
  if (!result) return value;
  if (result.success) return result.data;
  throw new CellError(messageOf(result.error));
}

function messageOf({ issues: [issue] }: z.ZodError): string {
  const { message = "The value is not valid." } = issue ?? {};
  return message;
}

function textOf(cell: Json): string {
  if (typeof cell === "string") return cell;
  if (typeof cell === "number" || typeof cell === "boolean") return String(cell);
  throw new CellError("Use a text here.");
}

function elementsOf(cell: Json): Json {
  const value = typeof cell === "string" ? parsed(cell) : cell;
  requireStorable(value);
  return value;
}

function parsed(text: string): Json {
  const value = parseJson(text);
  if (!Array.isArray(value)) throw new CellError("Use a JSON array.");
  return value;
}

const WORDS: Record<string, boolean> = {
  ...Object.fromEntries(
    ["true", "t", "yes", "y", "1", "x", "ja", "oui", "si", "sí"].map((word) => [word, true]),
  ),
  ...Object.fromEntries(["false", "f", "no", "n", "0", "nein", "non"].map((word) => [word, false])),
};

function booleanOf(cell: Json): boolean {
  if (typeof cell === "boolean") return cell;
  const word = textOf(cell).trim().toLowerCase();
  const value = Object.hasOwn(WORDS, word) ? WORDS[word] : undefined;
  if (value === undefined) throw new CellError("Use true or false.");
  return value;
}

/** `1,200`, `1 200` and `1200.00` are 1200. A fraction is refused. */
function integerOf(cell: Json): number {
  if (typeof cell === "number") return cell;
  const text = textOf(cell).trim().replace(/^[€$£]\s?|\s?[€$£]$/g, "");
  const plain = text.replace(/[\s']/g, "").replace(/,(?=\d{3}(?:[,.]|$))/g, "")
    .replace(/\.(?=\d{3}(?:\.|$))(?=.*\.)/g, "").replace(/[.,]0+$/, "");
  if (!/^[+-]?\d+$/.test(plain)) throw new CellError("Use a whole number.");
  return Number(plain);
}

function timeOf(text: string, format: DateFormat | null): string {
  const time = readDate(text, format ?? undefined);
  if (time === undefined) throw new CellError("Use a date such as 2026-12-31.");
  if (time === "ambiguous") {
    throw new CellError("The date has two meanings. Set date_format of the column.");
  }
  return time;
}

function configuredOf(text: string, known: { value: string; label: string }[]): string {
  const found = known.find(({ value }) => value === text) ??
    known.find(({ value, label }) =>
      [value, label].some((name) => name.toLowerCase() === text.toLowerCase())
    );
  if (found) return found.value;
  throw new CellError(`Use one of: ${known.map(({ value }) => value).join(", ")}.`);
}

function tagsOf(cell: Json): (string | number)[] {
  if (Array.isArray(cell)) {
    return cell.filter((item) => typeof item === "string" || typeof item === "number");
  }
  // Google Contacts: "* myContacts ::: * friends". Every contact is in the first group.
  return textOf(cell).split(/\s*(?:,|;|:::)\s*/)
    .filter((name) => !/^\* my ?contacts$/i.test(name.trim()))
    .map((name) => name.replace(/^\* /, "").trim())
    .filter((name) => name !== "");
}

/** The type that the label says, else the type of the field. Google writes `* Work` for its own types. */
function addressType({ cells }: Draft, { label, definition }: Cell): string {
  const text = String(cells[label] ?? "").replace(/^\* ?/, "").trim().toLowerCase();
  if (text === "") return definition.type ?? "Other";
  return text === "work" ? "Work" : text === "home" ? "Home" : "Other";
}

function putEmails(draft: Draft, column: Cell, text: string): void {
  const emails = listOf<Email>(draft, "email_jsonb");
  for (const part of text.split(/\s*(?:[,;]|:::)\s*/).filter((part) => part !== "")) {
    const address = part.replace(/^.*<([^<>]+)>$/, "$1").trim();
    const email = String(checked(column.definition, address)).toLowerCase();
    emails.push({ email, type: addressType(draft, column) });
  }
}

/** A comma separates numbers only when both parts are long enough to be numbers. */
function putPhones(draft: Draft, column: Cell, text: string): void {
  const parts = text.split(/\s*(?:, |;|:::)\s*/).filter((part) => part !== "");
  const isList = parts.every((part) => part.replace(/\D/g, "").length >= 5);
  const phones = listOf<Phone>(draft, "phone_jsonb");
  for (const part of isList ? parts : [text]) {
    const number = String(checked(column.definition, part));
    phones.push({ number, type: addressType(draft, column) });
  }
}

function listOf<Item>(draft: Draft, column: string): Item[] {
  const stored = draft.values[column];
  const list: Item[] = Array.isArray(stored) ? stored : [];
  draft.values[column] = list;
  return list;
}

/** The last word of a full name is the last name, unless a comma says the opposite. */
function putName(draft: Draft, text: string): void {
  const [before = "", after] = text.split(/,\s*/, 2);
  const words = text.trim().split(/\s+/);
  const [first, last] = after === undefined
    ? [words.slice(0, -1).join(" ") || words.join(" "), words.length > 1 ? words.at(-1) : undefined]
    : [after, before];
  draft.values.first_name ??= first;
  if (last !== undefined) draft.values.last_name ??= last;
}
