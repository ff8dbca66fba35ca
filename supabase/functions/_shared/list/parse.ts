/**
 * Parses the parameters of a list from text to typed values:
 * `field=value`, `field@op=value`, `q`, `sort`, `limit`, `cursor`, `offset`, `count`, `select`,
 * `include`.
 */
import * as z from "zod";
import { type Column, normalizeValue, type Operator, parseList } from "./columns.ts";
import type { Fragment, Sql } from "../database/database.ts";
import { Problem } from "../problem.ts";
import { wordsError } from "./words.ts";

/** A comparison of one column with a value. */
export interface Condition {
  column: Column;
  operator: Operator;
  value: string;
}
/** A column of the order. */
export interface SortKey {
  column: Column;
  descending: boolean;
}
/** How a total is determined: counted to the end, or up to a bound. */
export type Count = "exact" | "estimated";

/** The parsed parameters of a request. */
export interface ListQuery {
  /** A record must match all of them. */
  conditions: Condition[];
  /** The words of `q`. */
  words?: string;
  filters: FilterValues;
  /** Empty: sorted by rank when the search ranks, else by the list's default. */
  sort: SortKey[];
  limit: number;
  cursor?: string;
  /** Number of records before the page. Undefined with a cursor. */
  offset?: number;
  count?: Count;
  select: string[];
  include: string[];
  /** Format of an export of all records. Undefined for one page. */
  format?: "csv" | "ndjson";
  /** Undefined for a page or an export. */
  feed?: FeedQuery;
}

/** The parameters of a feed. */
export interface FeedQuery {
  /** `start`, `now` or the cursor of the page before. */
  after: string;
  /** Seconds. */
  wait: number;
  isStreamed: boolean;
}

/** The parts of a query that select records. */
export type Filter = Pick<ListQuery, "conditions" | "filters" | "words">;

/** The parameters that a list accepts. */
export interface ListParameters {
  /** Columns for filters and `sort`. */
  columns: Record<string, Column>;
  /** Fields of a record in their order, for `select`. */
  fields: string[];
  /** Related records, for `include`. */
  includes: string[];
  /** Whether the list accepts `q`. */
  searchable: boolean;
  /** Header row of a CSV export. Undefined when the list accepts no `format`. */
  csv?: string[];
  /** Order of the feed. Undefined when the list has none. */
  feed?: SortKey[];
  filters: ListFilters;
}

/** A filter of one list that is more than a comparison with a column. */
interface ListFilter {
  /** Schema of the value. Its message says which values are allowed. */
  schema: z.ZodType<string>;
  description: string;
  /** Returns a condition on the row `record`. Absent when another filter uses the value. */
  condition?(sql: Sql, values: FilterValues): Fragment;
}
export type ListFilters = Record<string, ListFilter>;

/** Filter → its value in the request. */
type FilterValues = Record<string, string>;

/** Records per page without `limit`. */
export const DEFAULT_LIMIT = 25;
/** Maximum number of records per page. */
export const MAXIMUM_LIMIT = 200;

/** Postgres reads the keys of all records before an offset. */
export const MAXIMUM_OFFSET = 100_000;

const MAXIMUM_WAIT = 20;

/** Parameters that have the same schema in every list: name → schema. */
export const LIST_PARAMETERS: Readonly<Record<string, z.ZodType>> = {
  limit: z.int().min(1).max(MAXIMUM_LIMIT).default(DEFAULT_LIMIT)
    .describe("Maximum number of records on a page."),
  cursor: z.string().describe("`next_cursor` of the previous page."),
  offset: z.int().min(0).max(MAXIMUM_OFFSET)
    .describe(
      "Number of records before the page, instead of `cursor`: for page numbers. The further " +
        "away, the slower. Records that are added or deleted meanwhile shift the pages.",
    ),
  count: z.enum(["exact", "estimated"])
    .describe(
      "Adds `total`, the number of matching records. `estimated` counts up to 10,000; with more, the " +
        "page has `total_at_least` instead.",
    ),
  q: z.string()
    .describe(
      "At most six words to search for. A record matches when it contains all of them, each as a " +
        "prefix. Of a long text, the first 10,000 characters are searched. Few matches are sorted by " +
        "rank, many by the usual order.",
    ),
  after: z.string()
    .describe(
      "Makes the list a feed in the order in which records became visible: `start`, `now`, or " +
        "`next_cursor` of the previous page, which is valid as long as the records are kept.",
    ),
  wait: z.int().min(0).max(MAXIMUM_WAIT).default(0)
    .describe("Seconds that a feed waits for its next record."),
  format: z.enum(["json", "csv", "ndjson"])
    .describe("`csv` or `ndjson` exports all records as a file with one line per record."),
};

const MAXIMUM_CONDITIONS = 30;
const MAXIMUM_SEARCH_LENGTH = 1_000;
/** Characters of one value. */
const MAXIMUM_VALUE_LENGTH = 1_000;
/** Values of one list `a,b,c`. */
const MAXIMUM_VALUES = 1_000;
/** Postgres ignores its time limit while it compares a pattern. Short patterns need no time. */
const MAXIMUM_PATTERN_LENGTH = 200;
const MAXIMUM_WILDCARDS = 5;
const MAXIMUM_PATTERNS = 3;
/** Parameters that do not select records. */
const PRESENTATION = ["sort", "limit", "cursor", "offset", "count", "select", "include"];

const FEED_PARAMETERS = ["after", "wait"];

/** Unparsed parameters: name → value, or values when the name is repeated. */
export type Parameters = Record<string, string | string[]>;

/**
 * Returns the parsed parameters of a list.
 * @throws Problem `invalid_parameter` with the name of the parameter and the allowed values.
 */
export function parseListQuery(parameters: Parameters, list: ListParameters): ListQuery {
  const feed = parseFeed(parameters, list);
  const format = feed ? undefined : parseFormat(parameters, list);
  const count = single(parameters, "count");
  if (count !== undefined && count !== "exact" && count !== "estimated") {
    throw invalid("count", "Use count=exact or count=estimated.");
  }
  return {
    conditions: parseConditions(parameters, list),
    words: parseWords(single(parameters, "q")),
    filters: parseFilters(parameters, list.filters),
    sort: feed && list.feed ? list.feed : parseSort(single(parameters, "sort"), list),
    limit: parseWhole(parameters, "limit", [1, MAXIMUM_LIMIT]) ?? DEFAULT_LIMIT,
    cursor: single(parameters, "cursor"),
    offset: parseOffset(parameters),
    count,
    select: parseNames(parameters, "select", list.fields) ?? list.fields,
    include: parseNames(parameters, "include", list.includes) ?? [],
    format,
    feed,
  };
}

function parseFeed(parameters: Parameters, { feed }: ListParameters): FeedQuery | undefined {
  const after = feed && single(parameters, "after");
  if (after === undefined) {
    const [given] = feed ? ["wait", "format"].filter((name) => parameters[name]) : [];
    if (given && parameters[given] !== "json") throw invalid(given, "Use it together with after.");
    return undefined;
  }
  const [excluded] = ["sort", "cursor", "offset", "count"].filter((name) =>
    parameters[name] !== undefined
  );
  if (excluded) throw invalid(excluded, "Remove it: it cannot be combined with after.");
  const format = single(parameters, "format") ?? "json";
  if (format !== "json" && format !== "ndjson") {
    throw invalid("format", "Use ndjson or json.", ["ndjson", "json"]);
  }
  const wait = parseWhole(parameters, "wait", [0, MAXIMUM_WAIT]) ?? 0;
  return { after, wait, isStreamed: format === "ndjson" };
}

/** Returns the names of a list's parameters, without the forms `field@op`. */
export function parameterNames(list: ListParameters): string[] {
  return [
    ...["sort", "limit", "cursor", "offset", "count", "select"],
    ...(list.includes.length > 0 ? ["include"] : []),
    ...(list.searchable ? ["q"] : []),
    ...(list.csv || list.feed ? ["format"] : []),
    ...(list.feed ? FEED_PARAMETERS : []),
    ...Object.keys(list.filters),
    ...Object.keys(list.columns),
  ];
}

/** Whether the list accepts a parameter of this name, `field@op` included. */
export function isListParameter(name: string, list: ListParameters): boolean {
  if (PRESENTATION.includes(name)) return true;
  if (name === "q") return list.searchable;
  if (name === "format") return list.csv !== undefined || list.feed !== undefined;
  if (FEED_PARAMETERS.includes(name)) return list.feed !== undefined;
  return Object.hasOwn(list.filters, name) || isCondition(name, list);
}

/** Whether a parameter of this name selects records. */
export function isFilter(name: string, list: ListParameters): boolean {
  return ![...PRESENTATION, ...FEED_PARAMETERS, "format"].includes(name) &&
    isListParameter(name, list);
}

/** Whether the name is `field` or `field@op`. */
function isCondition(name: string, { columns }: ListParameters): boolean {
  const [field = "", operator, ...rest] = name.split("@");
  const column = Object.hasOwn(columns, field) ? columns[field] : undefined;
  return column !== undefined && rest.length === 0 &&
    (operator === undefined || column.operators.some((known) => known === operator));
}

function parseConditions(parameters: Parameters, list: ListParameters): Condition[] {
  const conditions = Object.entries(parameters)
    .filter(([name]) => isCondition(name, list) && !Object.hasOwn(list.filters, name))
    .flatMap(([name, given]) => [given].flat().map((value) => parseCondition(name, value, list)));
  if (conditions.length > MAXIMUM_CONDITIONS) {
    throw invalid("filter", `Use at most ${MAXIMUM_CONDITIONS} conditions.`);
  }
  if (conditions.filter(({ operator }) => isPattern(operator)).length > MAXIMUM_PATTERNS) {
    throw invalid("filter", `Use like and ilike at most ${MAXIMUM_PATTERNS} times.`);
  }
  return conditions;
}

function parseCondition(name: string, value: string, list: ListParameters): Condition {
  const [field = "", written] = name.split("@");
  const column = list.columns[field];
  if (!column) throw invalid(name, `Use one of: ${Object.keys(list.columns).join(", ")}.`);
  // The forms of PostgREST.
  if (written === undefined && /^(is\.null|not\.is\.null|is\.not\.null)$/.test(value)) {
    return { column, operator: "is", value: value === "is.null" ? "null" : "not.null" };
  }
  const operatorName = written ?? (column.type.endsWith("[]") ? "cs" : "eq");
  const operator = column.operators.find((known) => known === operatorName);
  if (!operator) throw invalid(name, "Use is.null or not.is.null.");
  const normalized = normalizeValue(column, value);
  checkValue(name, operator, normalized, column);
  return { column, operator, value: normalized };
}

function checkValue(name: string, operator: Operator, value: string, column: Column): void {
  if (operator === "is") return checkIs(name, value, column);
  const values = operator === "in" ? parseList(value) : [value];
  if (values.some((item) => item.length > MAXIMUM_VALUE_LENGTH)) {
    throw invalid(name, `Use at most ${MAXIMUM_VALUE_LENGTH} characters.`);
  }
  if (isPattern(operator)) checkPattern(name, value);
  if (values.length > MAXIMUM_VALUES) throw invalid(name, `Use at most ${MAXIMUM_VALUES} values.`);
  if (values.length > 0 && values.every(column.accepts)) return;
  throw invalid(name, `Use a value of type ${column.type}.`);
}

function isPattern(operator: Operator): boolean {
  return operator === "like" || operator === "ilike";
}

function checkPattern(name: string, pattern: string): void {
  const wildcards = pattern.match(/[*%]+/g) ?? [];
  if (pattern.length <= MAXIMUM_PATTERN_LENGTH && wildcards.length <= MAXIMUM_WILDCARDS) return;
  throw invalid(
    name,
    `Use at most ${MAXIMUM_PATTERN_LENGTH} characters and ${MAXIMUM_WILDCARDS} wildcards.`,
  );
}

function checkIs(name: string, value: string, column: Column): void {
  const boolean = column.type === "boolean" ? ["true", "false"] : [];
  const allowed = ["null", "not.null", ...boolean];
  if (!allowed.includes(value)) throw invalid(name, `Use one of: ${allowed.join(", ")}.`, allowed);
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

/** Parameters of pages are refused in exports, and `select` and `include` in CSV exports. */
function parseFormat(parameters: Parameters, { csv }: ListParameters): ListQuery["format"] {
  const format = csv && single(parameters, "format");
  if (format === undefined || format === "json") return undefined;
  if (format !== "csv" && format !== "ndjson") {
    throw invalid("format", "Use csv, ndjson or json.", ["csv", "ndjson", "json"]);
  }
  const excluded = [
    ...["limit", "cursor", "offset", "count"],
    ...(format === "csv" ? ["select", "include"] : []),
  ];
  const [given] = excluded.filter((name) => parameters[name] !== undefined);
  if (given) throw invalid(given, `Remove it: it cannot be combined with format=${format}.`);
  return format;
}

function parseWords(text: string | undefined): string | undefined {
  const words = (text ?? "").replaceAll("\0", " ").trim();
  if (words.length > MAXIMUM_SEARCH_LENGTH) {
    throw invalid("q", `Use at most ${MAXIMUM_SEARCH_LENGTH} characters.`);
  }
  const error = wordsError(words);
  if (error) throw invalid("q", error);
  return words || undefined;
}

function parseSort(text: string | undefined, list: ListParameters): SortKey[] {
  if (!text) return [];
  const sortable = Object.values(list.columns).filter((column) => column.sortable);
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

function parseOffset(parameters: Parameters): number | undefined {
  const offset = parseWhole(parameters, "offset", [0, MAXIMUM_OFFSET]);
  if (offset !== undefined && parameters.cursor !== undefined) {
    throw invalid("offset", "Remove it: it cannot be combined with cursor.");
  }
  return offset;
}

function parseWhole(
  parameters: Parameters,
  name: string,
  [least, most]: [number, number],
): number | undefined {
  const text = single(parameters, name);
  if (text === undefined) return undefined;
  const value = /^\d{1,6}$/.test(text) ? Number(text) : NaN;
  if (value >= least && value <= most) return value;
  throw invalid(name, `Use a whole number from ${least} to ${most}.`);
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
