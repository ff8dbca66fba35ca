/**
 * Lists: one definition per resource gives filters, search, sort, keyset cursors, counts, `select` and
 * `include`, all answered by one statement (two with a count) whose rows are JSON built by Postgres.
 */
import * as z from "zod";
import type { Column, Relation } from "./columns.ts";
import { columnsOf, offeredColumns } from "./columns.ts";
import type { Fragment, Sql } from "../database/database.ts";
import { type ExportBlock, exportBlock, type ExportPosition } from "./exportBlock.ts";
import {
  isListParameter,
  type ListQuery,
  type Offer,
  parseListQuery,
  type SortKey,
} from "./parse.ts";
import type { ListFilters } from "./filters.ts";
import { type Filter, matchingIds } from "./ids.ts";
import { answerPage } from "./answer.ts";
import { pageSchema } from "./page.ts";
import { jsonSql } from "./rows.ts";
import type { CsvCell, Search, Source } from "./source.ts";
import type { Reply } from "../operation.ts";

interface Definition<Shape extends z.ZodObject> {
  /** Table or view in `schema.ts`. */
  relation: Relation;
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
  offer: Offer;
  knows(parameter: string): boolean;
  /** Answers one page. */
  answer(sql: Sql, query: ListQuery): Promise<Reply>;
  /** The next records of an export, as lines. */
  export(sql: Sql, query: ListQuery, position?: ExportPosition): Promise<ExportBlock>;
  /** The ids of what a filter lets through, when there are at most so many; and their number. */
  matching(sql: Sql, filter: Filter, most: number): Promise<{ ids: number[]; count: number }>;
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
    offer,
    knows: (parameter) => isListParameter(parameter, offer),
    answer: (sql, query) => answerPage(sql, query, source),
    export: (sql, query, position) => exportBlock(sql, query, source, position),
    matching: (sql, filter, most) => matchingIds(sql, filter, source, most),
    find: (sql, id, include = []) => find(sql, id, source, include),
  };
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
