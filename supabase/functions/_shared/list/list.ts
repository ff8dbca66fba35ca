/**
 * Lists: `GET` on a collection. One definition per resource gives filters, search, sort, pages, counts,
 * `select`, `include` and exports.
 *
 * The room, in the order that a request crosses it:
 * - `parse.ts`   query parameters, as text → `ListQuery`; refuses what the list does not take
 * - `search.ts`  words of `q` → a condition, and a rank
 * - `select.ts`  conditions, order, keyset ranges → one statement, whose rows come back as one text
 * - `page.ts`    that text → the answer: JSON, `next_cursor`, total
 * - `export.ts`  instead of a page: all records as a stream of lines
 *
 * Below them: `columns.ts`, what each type of column can be compared by; `cursor.ts`, a position as an
 * opaque text.
 */
import * as z from "zod";
import { type Column, columnsOf, filterableColumns, type Relation } from "./columns.ts";
import { decodeCursor, invalidCursor, isMadeFor } from "./cursor.ts";
import { databaseProblem, type Fragment, type Sql } from "../database/database.ts";
import {
  type CsvCell,
  type ExportBlock,
  exportBlock,
  type ExportPosition,
  type ExportSource,
} from "./export.ts";
import { countRows, pageReply, pageSchema } from "./page.ts";
import {
  type Condition,
  type Filter,
  type ListFilters,
  type ListParameters,
  type ListQuery,
  type Parameters,
  parseListQuery,
  type SortKey,
} from "./parse.ts";
import { invariant, Problem } from "../problem.ts";
import type { Reply } from "../reply.ts";
import { holderConditions, matchWords, type Search } from "./search.ts";
import { jsonSql, orderKeys, selectIds, selectRecord, selectRows, whereSql } from "./select.ts";

export { type Column, LIST_OPERATORS } from "./columns.ts";
export { decodeCursor, encodeCursor } from "./cursor.ts";
export { type CsvCell, exportList, exportQuery, type StreamedAnswer } from "./export.ts";
export {
  DEFAULT_LIMIT,
  type Filter,
  isFilter,
  isListParameter,
  LIST_PARAMETERS,
  type ListFilters,
  type ListQuery,
  MAXIMUM_LIMIT,
  parameterNames,
} from "./parse.ts";

/** What a resource says of its list. */
export interface ListDefinition<Shape extends z.ZodObject> {
  /** Table or view in `schema.ts`. */
  relation: Relation;
  /** Schema of one record: its fields are read, and no others. */
  record: Shape;
  /** E.g. `-created_at`: applies when the request has no `sort`. */
  defaultSort: string;
  /** Allows `q`. */
  search?: Search;
  /** Json array column → the condition that one of its elements has the value; allows `column=value`. */
  elements?: Record<string, (sql: Sql, value: string) => Fragment>;
  /** Text columns that may hold a whole page: they take no patterns. */
  longText?: string[];
  /** Parameters of this list alone. */
  filters?: ListFilters;
  /** Name → a subselect of one JSON value about the row `record`. */
  include?: Record<string, (sql: Sql) => Fragment>;
  /** Allows `format=csv|ndjson`: header → cell, in order. */
  csv?: Record<string, CsvCell>;
}

/** A list, as operations and the document use it. */
export interface Listing<Row = unknown> {
  /** Schema of the query: parameters as text in, a `ListQuery` out. */
  query: z.ZodType<ListQuery>;
  /** Schema of a page whose records have all their fields. */
  page: z.ZodType;
  /** Schema of a page whose records have the fields that `select` names. */
  partialPage: z.ZodType;
  /** Whether a query asks for some of the fields. */
  isPartial(query: unknown): boolean;
  parameters: ListParameters;
  /** Parses parameters, as `query` does. Throws `invalid_parameter`. */
  parse(parameters: Parameters): ListQuery;
  /** Whether a filter has a condition: one without matches all records. */
  isLimited(filter: Filter): boolean;
  /** The query with further conditions: column → the value that it must have. */
  narrowed(query: ListQuery, values: Record<string, string | number>): ListQuery;
  /** Answers one page. Throws `invalid_cursor` or `invalid_parameter`. */
  answer(sql: Sql, query: ListQuery): Promise<Reply>;
  /** Reads the next records of an export. */
  export(sql: Sql, query: ListQuery, position?: ExportPosition): Promise<ExportBlock>;
  /** Returns at most `limit` ids in order. When more match, it returns none, and counts all. */
  matching(sql: Sql, filter: Filter, limit: number): Promise<{ ids: number[]; count: number }>;
  /** One record by its id, with the named relations; undefined when it does not exist or is hidden. */
  find(sql: Sql, id: number, include?: string[]): Promise<Row | undefined>;
}

/** A list's definition, worked out. */
interface Source extends ExportSource {
  defaultSort: SortKey[];
}

/** Defines a list. Throws when `defaultSort` names no column. */
export function listing<Shape extends z.ZodObject>(
  definition: ListDefinition<Shape>,
): Listing<z.output<Shape>> {
  const { record } = definition;
  const columns = columnsOf(definition.relation);
  const parameters = parametersOf(definition, columns);
  const { fields } = parameters;
  const source: Source = {
    ...definition,
    name: definition.relation.name,
    columns,
    defaultSort: parseDefaultSort(definition.defaultSort, columns),
    isNullable: (name) => isNullable(record, name),
  };
  return {
    query: z.record(z.string(), z.union([z.string(), z.array(z.string())]))
      .transform((given) => parseListQuery(given, parameters)),
    page: pageSchema(() => record),
    partialPage: pageSchema(() => record.partial()),
    isPartial: (query) => isPartial(query, fields.length),
    parameters,
    parse: (given) => parseListQuery(given, parameters),
    isLimited: ({ conditions, words, filters }) =>
      conditions.length > 0 || words !== undefined ||
      Object.keys(filters).some((name) => definition.filters?.[name]?.condition !== undefined),
    narrowed: (query, values) => ({
      ...query,
      conditions: [...query.conditions, ...equalities(values, columns)],
    }),
    answer: (sql, query) => blamingRequest(query, answerPage(sql, query, source)),
    export: (sql, query, position) =>
      blamingRequest(query, exportBlock(sql, query, source, position)),
    matching: (sql, filter, limit) => blamingRequest({}, findMatching(sql, filter, limit, source)),
    find: async (sql, id, include = []) => {
      const found = await selectRecord(sql, id, { select: fields, include }, source);
      return found as z.output<Shape> | undefined;
    },
  };
}

function isPartial(query: unknown, fields: number): boolean {
  return typeof query === "object" && query !== null && "select" in query &&
    Array.isArray(query.select) && query.select.length < fields;
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

function parametersOf<Shape extends z.ZodObject>(
  { record, elements = {}, longText = [], include = {}, search, csv, filters = {} }: ListDefinition<
    Shape
  >,
  columns: Record<string, Column>,
): ListParameters {
  const includes = Object.keys(include);
  const fields = Object.keys(record.shape).filter((name) => !includes.includes(name));
  return {
    columns: filterableColumns(columns, fields, Object.keys(elements), longText),
    fields,
    includes,
    searchable: search !== undefined,
    csv: csv && Object.keys(csv),
    filters,
  };
}

function parseDefaultSort(text: string, columns: Record<string, Column>): SortKey[] {
  return text.split(",").map((item) => {
    const column = columns[item.replace(/^-/, "")];
    if (!column) throw new Error(`A list sorts by ${item}, which its relation lacks`);
    return { column, descending: item.startsWith("-") };
  });
}

/** By the record's schema: the columns of a view do not say that they are never null. */
function isNullable(record: z.ZodObject, name: string): boolean {
  const field = record.shape[name];
  return field === undefined || z.safeParse(field, null).success;
}

async function answerPage(sql: Sql, query: ListQuery, source: Source): Promise<Reply> {
  const { cursor, words, limit } = query;
  const tooManyToRank = cursor === undefined
    ? undefined
    : isMadeFor(cursor, bindingOf(query, source, true));
  const match = await matchWords(sql, words, source.search, tooManyToRank);
  const sort = query.sort.length > 0 ? query.sort : source.defaultSort;
  const keys = orderKeys(sql, sort, source, query.sort.length > 0 ? undefined : match.rank);
  const binding = bindingOf(query, source, match.tooManyToRank);
  const position = cursor === undefined ? undefined : decodeCursor(cursor, binding, keys.length);
  const where = whereSql(sql, query, source, [
    ...(match.condition ? [match.condition] : []),
    ...await holderConditions(sql, query.conditions),
  ]);
  const shown = sql`${jsonSql(sql, query, source)}::text`;
  const [rows, counted] = await Promise.all([
    selectRows(sql, source, { where, keys, after: position?.key, limit, shown, separator: "," }),
    query.count && countRows(sql, query.count, source.name, where),
  ]);
  return pageReply(rows, position?.offset ?? 0, counted, binding);
}

/** What a cursor is bound to: it goes on in the same list alone, and finds words in the same way. */
function bindingOf(query: ListQuery, source: Source, tooManyToRank: boolean): string {
  const conditions = query.conditions.map(({ column, operator, value }) => [
    column.name,
    operator,
    value,
  ]);
  const sort = query.sort.map(({ column, descending }) => [column.name, descending]);
  const { words, filters } = query;
  return JSON.stringify([source.name, conditions, words, filters, sort, tooManyToRank]);
}

async function findMatching(
  sql: Sql,
  filter: Filter,
  limit: number,
  source: Source,
): Promise<{ ids: number[]; count: number }> {
  const { condition } = await matchWords(sql, filter.words, source.search);
  const holders = await holderConditions(sql, filter.conditions);
  const where = whereSql(sql, filter, source, condition ? [condition, ...holders] : holders);
  const ids = await selectIds(sql, source.name, where, limit + 1);
  if (ids.length <= limit) return { ids, count: ids.length };
  const { rows } = await countRows(sql, "exact", source.name, where);
  return { ids: [], count: rows };
}

/** A value that Postgres refuses is a parameter's or the cursor's, not a record's: 400, not 422. */
async function blamingRequest<Value>(
  { cursor }: Pick<ListQuery, "cursor">,
  work: Promise<Value>,
): Promise<Value> {
  try {
    return await work;
  } catch (error) {
    const problem = databaseProblem(error);
    if (!(problem instanceof Problem) || problem.code !== "invalid_value") throw error;
    if (cursor !== undefined) throw invalidCursor(error);
    const detail = "A filter's value is out of range. Correct it.";
    throw new Problem("invalid_parameter", detail, { cause: error });
  }
}
