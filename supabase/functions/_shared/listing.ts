/**
 * Lists: one definition per resource gives filters, search, sort, keyset cursors, counts, `select` and
 * `include`, all answered by one statement (two with a count) whose rows are JSON built by Postgres.
 */
import { z } from "zod";
import type { PgTable, PgView } from "drizzle-orm/pg-core";
import type { Column } from "./columns.ts";
import { columnsOf, offeredColumns } from "./columns.ts";
import { decodeCursor, invalidCursor } from "./cursor.ts";
import type { Fragment, Sql } from "./database.ts";
import { databaseProblem } from "./databaseProblem.ts";
import {
  isListParameter,
  type ListQuery,
  type Offer,
  parseListQuery,
  type SortKey,
} from "./listingQuery.ts";
import { countRows } from "./listingCount.ts";
import { pageOf, pageSchema, type Row } from "./listingPage.ts";
import { filterConditions, type ListFilters } from "./listingFilters.ts";
import { orderKeys, orderSql, rangesAfter } from "./listingOrder.ts";
import { commaSeparated, conditionSql, joined, wordsSql } from "./listingSql.ts";
import type { Reply } from "./operation.ts";
import { Problem } from "./problem.ts";

interface Definition<Shape extends z.ZodObject> {
  /** Table or view in `schema.ts`. */
  relation: PgTable | PgView;
  /** Its name in the database. */
  name: string;
  /** Schema of one record: what is in it gets out, nothing else. */
  record: Shape;
  /** e.g. `-last_seen`: applies when the request has no `sort`. */
  defaultSort: string;
  /**
   * Offers `q`: `column` holds the search vector; `table` names it to `private.search_ids`, which finds
   * in the index what row-level security would have to look for row by row.
   */
  search?: { column: string; table?: string };
  /** The key that a json column's elements are found by: `{ email_jsonb: "email" }`. */
  elementKeys?: Record<string, string>;
  /** Parameters of this list alone. */
  filters?: ListFilters;
  /** Name → a subselect of one JSON value, about the row `record`. */
  include?: Record<string, (sql: Sql) => Fragment>;
}

/** A definition whose record schema does not matter. */
type Source = Omit<Definition<z.ZodObject>, "record">;

export interface Listing<Row = unknown> {
  /** Schema of the query: parameters as text in, a `ListQuery` out. */
  query: z.ZodType<ListQuery>;
  /** Schema of a page. */
  page: z.ZodType;
  offer: Offer;
  knows(parameter: string): boolean;
  /** Answers one page. */
  answer(sql: Sql, query: ListQuery): Promise<Reply>;
  /** One record by its id, with the named relations; undefined when it does not exist or is hidden. */
  find(sql: Sql, id: number, include?: string[]): Promise<Row | undefined>;
}

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
    filters: definition.filters ?? {},
  };
  const defaultSort = sortKeys(definition.defaultSort, columns);
  return {
    query: z.record(z.string(), z.union([z.string(), z.array(z.string())]))
      .transform((parameters) => parseListQuery(parameters, offer)),
    page: pageSchema(definition.record),
    offer,
    knows: (parameter) => isListParameter(parameter, offer),
    answer: (sql, query) => answer(sql, query, definition, columns, defaultSort),
    find: (sql, id, include = []) => find(sql, id, definition, { select: fields, include }),
  };
}

function sortKeys(text: string, columns: Record<string, Column>): SortKey[] {
  return text.split(",").map((item) => {
    const column = columns[item.replace(/^-/, "")];
    if (!column) throw new Error(`A list sorts by ${item}, which its relation lacks`);
    return { column, descending: item.startsWith("-") };
  });
}

async function find<Shape extends z.ZodObject>(
  sql: Sql,
  id: number,
  definition: Definition<Shape>,
  parts: Pick<ListQuery, "select" | "include">,
): Promise<z.output<Shape> | undefined> {
  const [row] = await sql<{ record: z.output<Shape> }[]>`
    select
      (select to_json(fields) from (select ${
    fieldsSql(sql, parts, definition)
  }) as fields) as record
    from ${sql(definition.name)} as record
    where record.id = ${id}`;
  return row?.record;
}

async function answer(
  sql: Sql,
  query: ListQuery,
  definition: Source,
  columns: Record<string, Column>,
  defaultSort: SortKey[],
): Promise<Reply> {
  const keys = orderKeys(sql, query, definition.search?.column, columns, defaultSort);
  const binding = bindingOf(query, definition);
  const from = query.cursor === undefined
    ? { key: [], offset: 0 }
    : decodeCursor(query.cursor, binding, keys.length);
  const where = whereSql(sql, query, definition);
  const ranges = from.key.length > 0 ? rangesAfter(sql, keys, from.key) : [sql`true`];
  // The limit stands in the text: as a parameter it would make Postgres plan every execution anew.
  const rowsIn = (range: Fragment) =>
    sql<Row[]>`
    select
      (select to_json(fields) from (select ${
      fieldsSql(sql, query, definition)
    }) as fields)::text as record,
      to_json(array[${
      commaSeparated(sql, keys.map((key) => sql`(${key.expression})::text`))
    }]) as key
    from ${sql(definition.name)} as record
    where ${where} and ${range}
    order by ${commaSeparated(sql, keys.map((key) => orderSql(sql, key)))}
    limit ${sql.unsafe(String(query.limit + 1))}`;
  try {
    const [found, total] = await Promise.all([
      fill(ranges, rowsIn, query.limit + 1),
      query.count && countRows(sql, query.count, definition.name, where),
    ]);
    return pageOf(found, query, from.offset, total, binding);
  } catch (error) {
    throw unreadable(error, query);
  }
}

/** Asks one range after the other until there are enough rows; nearly always the first one is enough. */
async function fill(
  ranges: Fragment[],
  rowsIn: (range: Fragment) => PromiseLike<Row[]>,
  enough: number,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const range of ranges) {
    rows.push(...await rowsIn(range));
    if (rows.length >= enough) break;
  }
  return rows.slice(0, enough);
}

/** What Postgres refuses to read of a list's parameters is the request's fault, not a record's. */
function unreadable(error: unknown, query: ListQuery): unknown {
  const problem = databaseProblem(error);
  if (!(problem instanceof Problem) || problem.code !== "invalid_value") return error;
  return query.cursor === undefined
    ? new Problem("invalid_parameter", "A filter's value is out of range. Correct it.", {
      cause: error,
    })
    : invalidCursor(error);
}

function whereSql(sql: Sql, query: ListQuery, definition: Source): Fragment {
  const conditions = query.conditions.map((condition) =>
    conditionSql(sql, condition, definition.elementKeys?.[condition.column.name])
  );
  if (query.words !== undefined && definition.search) {
    conditions.push(searchSql(sql, query, definition.search));
  }
  conditions.push(...filterConditions(sql, query.filters, definition.filters));
  return joined(sql, [sql`true`, ...conditions], sql` and `);
}

function searchSql(
  sql: Sql,
  query: ListQuery,
  { column, table }: { column: string; table?: string },
): Fragment {
  return table
    ? sql`record.id in (select private.search_ids(${table}, ${query.words ?? ""}))`
    : sql`record.${sql(column)} @@ ${wordsSql(sql, query.words ?? "")}`;
}

function fieldsSql(
  sql: Sql,
  query: Pick<ListQuery, "select" | "include">,
  definition: Source,
): Fragment {
  const columns = sql`${sql(query.select.map((name) => `record.${name}`))}`;
  const relations = query.include.flatMap((name) => {
    const subselect = definition.include?.[name];
    return subselect ? [sql`(${subselect(sql)}) as ${sql(name)}`] : [];
  });
  return commaSeparated(sql, [columns, ...relations]);
}

function bindingOf(query: ListQuery, definition: Source): string {
  const conditions = query.conditions.map((
    { column, operator, value },
  ) => [column.name, operator, value]);
  const sort = query.sort.map(({ column, descending }) => [column.name, descending]);
  return JSON.stringify([definition.name, conditions, query.words, query.filters, sort]);
}
