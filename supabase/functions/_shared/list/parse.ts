/**
 * The parameters of a list, from text to typed conditions:
 * `field=value`, `field@op=value`, `q`, `sort`, `limit`, `cursor`, `count`, `select`, `include`.
 */
import { type Column, normalized, type Operator } from "./columns.ts";
import type { FilterValues, ListFilters } from "./filters.ts";
import { Problem } from "../problem.ts";

export interface Condition {
  column: Column;
  operator: Operator;
  value: string;
}
export interface SortKey {
  column: Column;
  descending: boolean;
}
export interface ListQuery {
  conditions: Condition[];
  words?: string;
  /** Values of the list's own filters. */
  filters: FilterValues;
  /** Empty = by rank when there are words, else the list's default. */
  sort: SortKey[];
  limit: number;
  cursor?: string;
  count?: "exact" | "estimated";
  select: string[];
  include: string[];
  /** All records as a file. */
  format?: "csv" | "ndjson";
}

/** What a list offers; the names in it are what error messages name. */
export interface Offer {
  columns: Record<string, Column>;
  /** Columns of a record, in order. */
  fields: string[];
  includes: string[];
  searchable: boolean;
  /** Headers of an export as CSV; undefined = the list cannot be exported. */
  csv?: string[];
  filters: ListFilters;
}

export const DEFAULT_LIMIT = 25;
export const MAXIMUM_LIMIT = 200;
const MAXIMUM_CONDITIONS = 30;
const MAXIMUM_SEARCH_LENGTH = 1_000;
const RESERVED = ["sort", "limit", "cursor", "count", "select", "include"];

export type Parameters = Record<string, string | string[]>;

/**
 * Parses the parameters of a list.
 * @throws Problem `invalid_parameter` naming the parameter and what is allowed.
 */
export function parseListQuery(parameters: Parameters, offer: Offer): ListQuery {
  const format = parseFormat(parameters, offer);
  const count = single(parameters, "count");
  if (count !== undefined && count !== "exact" && count !== "estimated") {
    throw invalid("count", "Use count=exact or count=estimated.");
  }
  return {
    conditions: parseConditions(parameters, offer),
    words: parseWords(single(parameters, "q")),
    filters: parseFilters(parameters, offer.filters),
    sort: parseSort(single(parameters, "sort"), offer),
    limit: parseLimit(single(parameters, "limit")),
    cursor: single(parameters, "cursor"),
    count,
    select: parseNames(parameters, "select", offer.fields) ?? offer.fields,
    include: parseNames(parameters, "include", offer.includes) ?? [],
    format,
  };
}

/** Whether a parameter's name is one that the list knows. */
export function isListParameter(name: string, offer: Offer): boolean {
  if (RESERVED.includes(name)) return true;
  if (name === "q") return offer.searchable;
  if (name === "format") return offer.csv !== undefined;
  if (Object.hasOwn(offer.filters, name)) return true;
  const [field = "", operator, ...rest] = name.split("@");
  const column = offer.columns[field];
  return column !== undefined && rest.length === 0 && Object.hasOwn(offer.columns, field) &&
    (operator === undefined || column.operators.some((known) => known === operator));
}

/** Whether a parameter chooses records, and says nothing about how they are shown. */
export function isFilter(name: string, offer: Offer): boolean {
  return !RESERVED.includes(name) && name !== "format" && isListParameter(name, offer);
}

function parseConditions(parameters: Parameters, offer: Offer): Condition[] {
  const conditions: Condition[] = [];
  for (const [name, given] of Object.entries(parameters)) {
    const other = RESERVED.includes(name) || name === "q" || name === "format" ||
      Object.hasOwn(offer.filters, name);
    if (other || !isListParameter(name, offer)) continue;
    for (const value of [given].flat()) conditions.push(parseCondition(name, value, offer));
  }
  if (conditions.length > MAXIMUM_CONDITIONS) {
    throw invalid("filter", `Use at most ${MAXIMUM_CONDITIONS} conditions.`);
  }
  return conditions;
}

function parseCondition(name: string, value: string, offer: Offer): Condition {
  const [field = "", written] = name.split("@");
  const column = offer.columns[field];
  if (!column) throw invalid(name, `Use one of: ${Object.keys(offer.columns).join(", ")}.`);
  // PostgREST writes `field=is.null`; both dialects mean the same here.
  if (written === undefined && /^(is\.null|not\.is\.null|is\.not\.null)$/.test(value)) {
    return { column, operator: "is", value: value === "is.null" ? "null" : "not.null" };
  }
  const wanted = written ?? (column.type.endsWith("[]") ? "cs" : "eq");
  const operator = column.operators.find((known) => known === wanted);
  if (!operator) throw invalid(name, "Use is.null or not.is.null.");
  const readable = normalized(column, value);
  checkValue(name, operator, readable, column);
  return { column, operator, value: readable };
}

function checkValue(name: string, operator: Operator, value: string, column: Column): void {
  if (operator === "is") return checkIs(name, value, column);
  const values = operator === "in" ? parseList(value) : [value];
  if (values.length > 0 && values.length <= 1_000 && values.every(column.accepts)) return;
  throw invalid(name, `Use a value of type ${column.type}.`);
}

function checkIs(name: string, value: string, column: Column): void {
  const boolean = column.type === "boolean" ? ["true", "false"] : [];
  const allowed = ["null", "not.null", ...boolean];
  if (!allowed.includes(value)) throw invalid(name, `Use one of: ${allowed.join(", ")}.`, allowed);
}

/** `a,b`, `(a,b)` or `"a,b",c`: quotes keep a comma inside a value. */
export function parseList(text: string): string[] {
  const inner = text.replace(/^\((.*)\)$/s, "$1");
  const items = inner.match(/"(?:[^"\\]|\\.)*"|[^,]+/gs) ?? [];
  return items.map((item) =>
    item.startsWith('"') ? item.slice(1, -1).replace(/\\(.)/g, "$1") : item.trim()
  );
}

function parseFilters(parameters: Parameters, filters: ListFilters): FilterValues {
  const values: FilterValues = {};
  for (const [name, { schema }] of Object.entries(filters)) {
    const text = single(parameters, name);
    if (text === undefined) continue;
    const { data, error } = schema.safeParse(text);
    if (data === undefined) throw invalid(name, error?.issues[0]?.message ?? "Correct it.");
    values[name] = data;
  }
  return values;
}

/** An export has all records, and as CSV fixed columns. */
function parseFormat(parameters: Parameters, { csv }: Offer): ListQuery["format"] {
  const format = csv && single(parameters, "format");
  if (format === undefined || format === "json") return undefined;
  if (format !== "csv" && format !== "ndjson") {
    throw invalid("format", "Use csv, ndjson or json.", ["csv", "ndjson", "json"]);
  }
  const excluded = ["limit", "cursor", "count", ...(format === "csv" ? ["select", "include"] : [])];
  const [given] = excluded.filter((name) => parameters[name] !== undefined);
  if (given) throw invalid(given, `Leave it out: format=${format} does not go with it.`);
  return format;
}

function parseWords(text: string | undefined): string | undefined {
  const words = (text ?? "").replaceAll("\0", " ").trim();
  if (words.length <= MAXIMUM_SEARCH_LENGTH) return words || undefined;
  throw invalid("q", `Use at most ${MAXIMUM_SEARCH_LENGTH} characters.`);
}

function parseSort(text: string | undefined, offer: Offer): SortKey[] {
  if (!text) return [];
  const sortable = Object.values(offer.columns).filter((column) => column.sortable);
  const keys = text.split(",").map((item) => {
    const name = item.trim().replace(/^-/, "");
    const column = sortable.find((candidate) => candidate.name === name);
    if (column) return { column, descending: item.trim().startsWith("-") };
    const allowed = sortable.map(({ name }) => name);
    throw invalid("sort", `Use one of: ${allowed.join(", ")}.`, allowed);
  });
  if (keys.length > 5) throw invalid("sort", "Use at most 5 columns.");
  return keys.filter((key, index) => keys.findIndex((k) => k.column === key.column) === index);
}

function parseLimit(text: string | undefined): number {
  if (text === undefined) return DEFAULT_LIMIT;
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= MAXIMUM_LIMIT) return limit;
  throw invalid("limit", `Use a whole number from 1 to ${MAXIMUM_LIMIT}.`);
}

function parseNames(parameters: Parameters, name: string, allowed: string[]): string[] | undefined {
  const text = single(parameters, name);
  if (text === undefined) return undefined;
  const names = [...new Set(text.split(",").map((item) => item.trim()).filter((item) => item))];
  const unknown = names.filter((item) => !allowed.includes(item));
  if (names.length > 0 && unknown.length === 0) return names;
  throw invalid(name, `Use one or more of: ${allowed.join(", ")}.`, allowed);
}

function single(parameters: Parameters, name: string): string | undefined {
  const given = parameters[name];
  if (Array.isArray(given)) throw invalid(name, "Give it once.");
  return given;
}

function invalid(name: string, detail: string, allowed?: string[]): Problem {
  return new Problem("invalid_parameter", `Correct ${name}. ${detail}`, {
    errors: { [name]: detail },
    ...(allowed && { members: { allowed } }),
  });
}
