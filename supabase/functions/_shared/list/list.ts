/**
 * Lists: `GET` on a collection. One definition per resource gives filters, search, sort, pages,
 * counts, `select`, `include` and exports. Files outside this folder import this file only.
 *
 * A request uses the files of this folder in this order:
 * - `parse.ts`   turns the query parameters into a `ListQuery`
 * - `search.ts`  turns the words of `q` into a condition and a rank
 * - `select.ts`  makes and runs the statement from conditions, order and position
 * - `page.ts`    makes the answer of a page: JSON, `next_cursor`, total
 * - `export.ts`  makes the stream of an export instead
 * - `feed.ts`    follows a list in the order in which its records became visible
 *
 * They use `columns.ts` for the operators of each kind of column, `words.ts` for the limits of a search,
 * and `cursor.ts` for cursors.
 */
import * as z from "zod";
import { type Column, columnsOf, filterableColumns, type Relation } from "./columns.ts";
import { decodeCursor, encodeCursor, invalidCursor, isMadeFor } from "./cursor.ts";
import { databaseProblem, type Fragment, pipelined, type Sql } from "../database/database.ts";
import {
  type CsvCell,
  type ExportBlock,
  exportBlock,
  type ExportPosition,
  type ExportTable,
} from "./export.ts";
import type { Feed, FeedPage } from "./feed.ts";
import { countRows, pageReply, pageSchema } from "./page.ts";
import {
  type Condition,
  type FeedQuery,
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
import { matchFilter, type Search, sourceOf } from "./search.ts";
import { runSearch } from "./words.ts";
import {
  jsonSql,
  type Key,
  orderKeys,
  type Records,
  type Rows,
  selectIds,
  selectKeyBefore,
  selectRecord,
  selectRows,
  whereSql,
} from "./select.ts";

export { LIST_OPERATORS } from "./columns.ts";
export { runSearch, searchWords } from "./words.ts";
export { decodeCursor } from "./cursor.ts";
export { type CsvCell, exportList, exportQuery, type StreamedAnswer } from "./export.ts";
export { type Feed, feedQuery, followFeed, streamFeed } from "./feed.ts";
export { pageOf } from "./page.ts";
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

/** The definition of a list. */
interface ListDefinition<Shape extends z.ZodObject> {
  /** A table or view of `schema.ts`. */
  relation: Relation;
  /** Schema of one record. Only its fields are read. */
  record: Shape;
  /** Order of requests without `sort`, e.g. `-created_at`. */
  defaultSort: string;
  /** Allows `q`. */
  search?: Search;
  /** Allows `column=value`: column with a JSON array → condition that an element has the value. */
  elements?: Record<string, (sql: Sql, value: string) => Fragment>;
  /** Columns with long text. They have no patterns. */
  longText?: string[];
  /** Filters of this list that are more than comparisons with a column. */
  filters?: ListFilters;
  /** Allows `include`: name → subselect that returns one JSON value for the row `record`. */
  include?: Record<string, (sql: Sql) => Fragment>;
  /** Allows `format=csv|ndjson`: header → cell, in order. */
  csv?: Record<string, CsvCell>;
  /** Allows `after`. */
  feed?: Feed;
}

/** A list, for operations and for the OpenAPI document. */
export interface Listing<Row = unknown> {
  /** Schema that parses the query parameters into a `ListQuery`. */
  query: z.ZodType<ListQuery>;
  /** Schema of a page with all fields of each record. */
  page: z.ZodType;
  /** Schema of a page with the fields of `select`. */
  partialPage: z.ZodType;
  /** Whether a query selects only some of the fields. */
  isPartial(query: unknown): boolean;
  parameters: ListParameters;
  /** Parses parameters without a request. Throws `invalid_parameter`. */
  parse(parameters: Parameters): ListQuery;
  /** Whether a filter has a condition. Without one it matches all records. */
  isLimited(filter: Filter): boolean;
  /** Returns the query with further conditions: column → its required value. */
  narrowed(query: ListQuery, values: Record<string, string | number>): ListQuery;
  /** Returns the answer with one page. Throws `invalid_cursor` or `invalid_parameter`. */
  answer(sql: Sql, query: ListQuery): Promise<Reply>;
  /** Reads the next page of the feed. Throws `invalid_cursor`. */
  feedPage(sql: Sql, query: ListQuery, feed: FeedQuery): Promise<FeedPage>;
  /** Reads one block of an export. Throws `invalid_parameter`. */
  export(sql: Sql, query: ListQuery, position?: ExportPosition): Promise<ExportBlock>;
  /** Returns at most `limit` ids in order. When more match, returns no ids and the total count. */
  matchingIds(sql: Sql, filter: Filter, limit: number): Promise<{ ids: number[]; count: number }>;
  /** Returns one record with the related records of `include`, or undefined when it is absent. */
  find(sql: Sql, id: number | string, include?: string[]): Promise<Row | undefined>;
}

/** The table of a list, with its default order. */
interface SortedTable extends ExportTable {
  defaultSort: SortKey[];
  feed?: Feed;
}

/**
 * Defines a list.
 * @throws Error when `defaultSort` names a column that the relation lacks.
 */
export function listing<Shape extends z.ZodObject>(
  definition: ListDefinition<Shape>,
): Listing<z.output<Shape>> {
  const { record } = definition;
  const columns = columnsOf(definition.relation);
  const parameters = parametersOf(definition, columns);
  const { fields } = parameters;
  const table: SortedTable = {
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
    answer: (sql, query) => withRequestProblems(sql, query, () => answerPage(sql, query, table)),
    feedPage: (sql, query, feed) =>
      withRequestProblems(sql, { cursor: feed.after }, () => readFeed(sql, query, feed, table)),
    export: (sql, query, position) =>
      withRequestProblems(sql, query, () => exportBlock(sql, query, table, position)),
    matchingIds: (sql, filter, limit) =>
      withRequestProblems(sql, filter, () => findMatchingIds(sql, filter, limit, table)),
    find: async (sql, id, include = []) => {
      const found = await selectRecord(sql, id, { select: fields, include }, table);
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
  { record, elements = {}, longText = [], include = {}, search, csv, filters = {}, feed }:
    ListDefinition<Shape>,
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
    feed: feed && parseDefaultSort(feed.order, columns),
    filters,
  };
}

function parseDefaultSort(text: string, columns: Record<string, Column>): SortKey[] {
  return text.split(",").map((item) => {
    const column = columns[item.replace(/^-/, "")];
    if (!column) throw new Error(`A list sorts by ${item}, but its relation has no such column`);
    return { column, descending: item.startsWith("-") };
  });
}

/** Uses the record's schema, since Postgres reports all columns of a view as nullable. */
function isNullable(record: z.ZodObject, name: string): boolean {
  const field = record.shape[name];
  return field === undefined || z.safeParse(field, null).success;
}

async function answerPage(sql: Sql, query: ListQuery, table: SortedTable): Promise<Reply> {
  const { cursor, limit } = query;
  const tooManyToRank = cursor === undefined
    ? undefined
    : isMadeFor(cursor, bindingOf(query, table, true));
  const match = await matchFilter(sql, query, table.search, tooManyToRank);
  const sort = query.sort.length > 0 ? query.sort : table.defaultSort;
  const keys = orderKeys(sql, sort, table, query.sort.length > 0 ? undefined : match.rank);
  const binding = bindingOf(query, table, match.tooManyToRank);
  const where = whereSql(sql, query, table, match.conditions);
  const output = sql`${jsonSql(sql, query, table)}::text`;
  const source = sourceOf(query, table);
  const records = { source, where, keys };
  const position = await positionOf(sql, query, binding, records);
  const [rows, counted] = await pipelined([
    position
      ? selectRows(sql, { ...records, after: position.key, limit, output, separator: "," })
      : NO_ROWS,
    query.count && countRows(sql, query.count, source, where),
  ]);
  return pageReply(rows, position?.offset ?? 0, counted, binding);
}

const NO_ROWS: Rows = { text: "", count: 0, hasMore: false };

/** Returns where a page begins, or undefined when its offset is behind the last record. */
async function positionOf(
  sql: Sql,
  { cursor, offset = 0 }: ListQuery,
  binding: string,
  records: Records,
): Promise<{ key?: Key; offset: number } | undefined> {
  if (cursor !== undefined) return decodeCursor(cursor, binding, records.keys.length);
  if (offset === 0) return { offset };
  const key = await selectKeyBefore(sql, offset, records);
  return key && { key, offset };
}

async function readFeed(
  sql: Sql,
  query: ListQuery,
  { after }: FeedQuery,
  table: SortedTable,
): Promise<FeedPage> {
  const feed = invariant(table.feed, "A list without a feed was asked for one");
  const keys = orderKeys(sql, query.sort, table);
  const binding = bindingOf(query, table, false);
  const position = after === "start"
    ? undefined
    : after === "now"
    ? await feed.now(sql)
    : decodeCursor(after, binding, keys.length, "after").key;
  const { text, count, last, hasMore } = await selectRows(sql, {
    source: sourceOf(query, table),
    where: whereSql(sql, query, table, [feed.isSettled(sql)]),
    keys,
    after: position,
    limit: query.limit,
    output: sql`${jsonSql(sql, query, table)}::text`,
    separator: "\n",
  });
  const end = last ?? position;
  return {
    lines: count > 0 ? text.split("\n") : [],
    cursor: end ? encodeCursor({ key: end, offset: 0 }, binding) : "start",
    hasMore,
  };
}

/** Returns the text that a cursor is bound to: all that determines the records and their order. */
function bindingOf(query: ListQuery, table: SortedTable, tooManyToRank: boolean): string {
  const conditions = query.conditions.map(({ column, operator, value }) => [
    column.name,
    operator,
    value,
  ]);
  const sort = query.sort.map(({ column, descending }) => [column.name, descending]);
  const { words, filters } = query;
  return JSON.stringify([table.name, conditions, words, filters, sort, tooManyToRank]);
}

async function findMatchingIds(
  sql: Sql,
  filter: Filter,
  limit: number,
  table: SortedTable,
): Promise<{ ids: number[]; count: number }> {
  const { conditions } = await matchFilter(sql, filter, table.search);
  const where = whereSql(sql, filter, table, conditions);
  const source = sourceOf(filter, table);
  const ids = await selectIds(sql, source, where, limit + 1);
  if (ids.length <= limit) return { ids, count: ids.length };
  const { rows } = await countRows(sql, "exact", source, where);
  return { ids: [], count: rows };
}

/**
 * Runs the statements of a list. Turns `invalid_value` (422, for records) into `invalid_cursor` or
 * `invalid_parameter` (400).
 */
export async function withRequestProblems<Value>(
  sql: Sql,
  { words, cursor }: Pick<ListQuery, "words" | "cursor">,
  work: () => Promise<Value>,
): Promise<Value> {
  try {
    return await (words === undefined ? work() : runSearch(sql, work));
  } catch (error) {
    const problem = databaseProblem(error);
    if (!(problem instanceof Problem) || problem.code !== "invalid_value") throw error;
    if (cursor !== undefined) throw invalidCursor("cursor", error);
    const detail = "A filter's value is out of range. Correct it.";
    throw new Problem("invalid_parameter", detail, { cause: error });
  }
}
