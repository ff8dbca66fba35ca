/**
 * Lists: one definition per resource gives filters, search, sort, keyset cursors, counts, `select` and
 * `include`, all answered by one statement (two with a count) whose rows are JSON built by Postgres.
 */
import * as z from "zod";
import type { PgTable, PgView } from "drizzle-orm/pg-core";
import type { Column } from "./columns.ts";
import { columnsOf, offeredColumns } from "./columns.ts";
import type { Fragment, Sql } from "../database/database.ts";
import { type ExportBlock, exportBlock, type ExportPosition } from "./exportBlock.ts";
import {
  type Condition,
  DEFAULT_LIMIT,
  isFilter,
  isListParameter,
  type ListQuery,
  MAXIMUM_LIMIT,
  type Offer,
  type Parameters,
  parseListQuery,
  type SortKey,
} from "./parse.ts";
import type { ListFilters } from "./filters.ts";
import { type Filter, matchingIds } from "./ids.ts";
import { answerPage } from "./answer.ts";
import { pageSchema } from "./page.ts";
import { jsonSql } from "./rows.ts";
import type { CsvCell, Search, Source } from "./source.ts";
import { invariant } from "../problem.ts";
import type { Reply } from "../reply.ts";

/** Parameters that every list takes in the same form: name → schema. */
export const LIST_PARAMETERS: Readonly<Record<string, z.ZodType>> = {
  sort: z.string().describe("Columns, each with `-` for descending: `-last_seen,id`."),
  limit: z.int().min(1).max(MAXIMUM_LIMIT).default(DEFAULT_LIMIT),
  cursor: z.string().describe("`next_cursor` of the page before."),
  count: z.enum(["exact", "estimated"]),
  q: z.string()
    .describe("Words that must all occur, each as a prefix; ranked unless over 1,000 match."),
  format: z.enum(["json", "csv", "ndjson"])
    .describe("csv or ndjson: all records as a file, a line each."),
};

interface Definition<Shape extends z.ZodObject> {
  /** Table or view in `schema.ts`. */
  relation: PgTable | PgView;
  /** Its name in the database. */
  name: string;
  /** Schema of one record: what is in it gets out, nothing else. */
  record: Shape;
  /** e.g. `-last_seen`: applies when the request has no `sort`. */
  defaultSort: string;
  /** Offers `q`. */
  search?: Search;
  /** The key that a json column's elements are found by: `{ email_jsonb: "email" }`. */
  elementKeys?: Record<string, string>;
  /** Parameters of this list alone. */
  filters?: ListFilters;
  /** Name → a subselect of one JSON value, about the row `record`. */
  include?: Record<string, (sql: Sql) => Fragment>;
  /** Offers `format=csv|ndjson`: header → cell, in order. */
  csv?: Record<string, CsvCell>;
}

export interface Listing<Row = unknown> {
  /** Schema of the query: parameters as text in, a `ListQuery` out. */
  query: z.ZodType<ListQuery>;
  /** Schema of a page. */
  page: z.ZodType;
  /** Schema of a page whose records show some of their fields, as `select` asks for. */
  partialPage: z.ZodType;
  /** Whether a query asks for some of the fields. */
  isPartial(query: unknown): boolean;
  /** The names of its parameters; columns may also be asked for as `field@op`. */
  parameterNames: string[];
  offer: Offer;
  /** Columns of a record, in order. */
  fields: string[];
  /** What may be filtered and sorted by. */
  columns: Record<string, Column>;
  /** Parameters of this list alone. */
  filters: ListFilters;
  /** What it can be exported as. */
  formats: ("csv" | "ndjson")[];
  /** Names of what `include` may hold. */
  includes: string[];
  knows(parameter: string): boolean;
  /** Whether a parameter chooses records, and says nothing about how they are shown. */
  isFilter(parameter: string): boolean;
  /** Parses parameters; throws `invalid_parameter`. */
  parse(parameters: Parameters): ListQuery;
  /** The query with further conditions: column → the value that it must have. */
  narrowed(query: ListQuery, values: Record<string, string | number>): ListQuery;
  /** Answers one page. */
  answer(sql: Sql, query: ListQuery): Promise<Reply>;
  /** The next records of an export, as lines. */
  export(sql: Sql, query: ListQuery, position?: ExportPosition): Promise<ExportBlock>;
  /** The ids of what a filter lets through, when there are at most so many; and their number. */
  matching(sql: Sql, filter: Filter, most: number): Promise<{ ids: number[]; count: number }>;
  /** One record by its id, with the named relations; undefined when it does not exist or is hidden. */
  find(sql: Sql, id: number, include?: string[]): Promise<Row | undefined>;
}

export { exportList, exportQuery, type StreamedAnswer } from "./export.ts";
export type { Filter } from "./ids.ts";
export type { CsvCell } from "./source.ts";
export type { ListFilters } from "./filters.ts";
export { type Column, LIST_OPERATORS } from "./columns.ts";
export { decodeCursor, encodeCursor } from "./cursor.ts";
export { DEFAULT_LIMIT, MAXIMUM_LIMIT } from "./parse.ts";
export type { ListQuery } from "./parse.ts";

/** Defines a list. */
export function listing<Shape extends z.ZodObject>(
  definition: Definition<Shape>,
): Listing<z.output<Shape>> {
  const columns = columnsOf(definition.relation);
  const includes = Object.keys(definition.include ?? {});
  const fields = Object.keys(definition.record.shape).filter((name) => !includes.includes(name));
  const offer: Offer = {
    columns: offeredColumns(columns, fields, definition.elementKeys),
    fields,
    includes,
    searchable: definition.search !== undefined,
    csv: definition.csv && Object.keys(definition.csv),
    filters: definition.filters ?? {},
  };
  const source: Source = {
    ...definition,
    columns,
    fields,
    defaultSort: sortKeys(definition.defaultSort, columns),
  };
  return {
    query: z.record(z.string(), z.union([z.string(), z.array(z.string())]))
      .transform((parameters) => parseListQuery(parameters, offer)),
    page: pageSchema(definition.record),
    partialPage: z.lazy(() => pageSchema(definition.record.partial())),
    isPartial: (query) =>
      typeof query === "object" && query !== null && "select" in query &&
      Array.isArray(query.select) && query.select.length < fields.length,
    parameterNames: parameterNames(offer),
    offer,
    fields,
    columns: offer.columns,
    filters: offer.filters,
    formats: offer.csv ? ["csv", "ndjson"] : [],
    includes,
    isFilter: (parameter) => isFilter(parameter, offer),
    parse: (parameters) => parseListQuery(parameters, offer),
    knows: (parameter) => isListParameter(parameter, offer),
    narrowed: (query, values) => ({
      ...query,
      conditions: [...query.conditions, ...equalities(values, columns)],
    }),
    answer: (sql, query) => answerPage(sql, query, source),
    export: (sql, query, position) => exportBlock(sql, query, source, position),
    matching: (sql, filter, most) => matchingIds(sql, filter, source, most),
    find: (sql, id, include = []) => find(sql, id, source, include),
  };
}

function parameterNames({ includes, searchable, csv, filters, columns }: Offer): string[] {
  return [
    ...["sort", "limit", "cursor", "count", "select"],
    ...(includes.length > 0 ? ["include"] : []),
    ...(searchable ? ["q"] : []),
    ...(csv ? ["format"] : []),
    ...Object.keys(filters),
    ...Object.keys(columns),
  ];
}

function equalities(
  values: Record<string, string | number>,
  columns: Record<string, Column>,
): Condition[] {
  return Object.entries(values).map(([name, value]) => ({
    column: invariant(columns[name], `A list has no column ${name}`),
    operator: "eq",
    value: String(value),
  }));
}

function sortKeys(text: string, columns: Record<string, Column>): SortKey[] {
  return text.split(",").map((item) => {
    const column = columns[item.replace(/^-/, "")];
    if (!column) throw new Error(`A list sorts by ${item}, which its relation lacks`);
    return { column, descending: item.startsWith("-") };
  });
}

async function find<Record>(
  sql: Sql,
  id: number,
  source: Source,
  include: string[],
): Promise<Record | undefined> {
  const [row] = await sql<{ record: Record }[]>`
    select ${jsonSql(sql, { select: source.fields, include }, source)} as record
    from ${sql(source.name)} as record
    where record.id = ${id}`;
  return row?.record;
}
