/**
 * Lists: one definition per resource gives filters, search, sort, keyset cursors, counts, `select` and
 * `include`, all answered by one statement (two with a count) whose rows are JSON built by Postgres.
 */
import { z } from "zod";
import type { PgTable, PgView } from "drizzle-orm/pg-core";
import type { Column } from "./columns.ts";
import { columnsOf } from "./columns.ts";
import { decodeCursor, encodeCursor } from "./cursor.ts";
import type { Fragment, Sql } from "./database.ts";
import {
  isListParameter,
  type ListQuery,
  type Offer,
  parseListQuery,
  type SortKey,
} from "./listingQuery.ts";
import { conditionSql } from "./listingSql.ts";
import { JsonText, Reply } from "./operation.ts";
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
    columns: Object.fromEntries(Object.entries(columns).filter(([name]) => fields.includes(name))),
    fields,
    includes,
    searchable: definition.search !== undefined,
  };
  const defaultSort = sortKeys(definition.defaultSort, columns);
  return {
    query: z.record(z.string(), z.union([z.string(), z.array(z.string())]))
      .transform((parameters) => parseListQuery(parameters, offer)),
    page: z.object({
      data: z.array(definition.record.partial()),
      next_cursor: z.string().nullable(),
      total: z.int().optional(),
    }),
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

/** One key of the order: an expression, its type, and whether it goes down. Nulls come last. */
interface Key {
  expression: Fragment;
  type: string;
  descending: boolean;
  nullable: boolean;
}

interface Row {
  record: string;
  key: (string | null)[];
}

async function answer(
  sql: Sql,
  query: ListQuery,
  definition: Source,
  columns: Record<string, Column>,
  defaultSort: SortKey[],
): Promise<Reply> {
  const keys = orderKeys(sql, query, definition, columns, defaultSort);
  const binding = bindingOf(query, definition);
  const from = query.cursor === undefined
    ? { key: [], offset: 0 }
    : decodeCursor(query.cursor, binding, keys.length);
  const where = whereSql(sql, query, definition);
  const after = from.key.length > 0 ? sql`and ${afterSql(sql, keys, from.key)}` : sql``;
  // The limit stands in the text: as a parameter it would make Postgres plan every execution anew.
  const rows = sql<Row[]>`
    select
      (select to_json(fields) from (select ${
    fieldsSql(sql, query, definition)
  }) as fields)::text as record,
      array[${commaSeparated(sql, keys.map((key) => sql`(${key.expression})::text`))}] as key
    from ${sql(definition.name)} as record
    where ${where} ${after}
    order by ${commaSeparated(sql, keys.map((key) => orderSql(sql, key)))}
    limit ${sql.unsafe(String(query.limit + 1))}`;
  const [found, total] = await Promise.all([
    rows,
    query.count && count(sql, query.count, definition, where),
  ]);
  return page(found, query, from.offset, total, binding);
}

function page(
  rows: Row[],
  query: ListQuery,
  offset: number,
  total: number | undefined,
  binding: string,
): Reply {
  const shown = rows.slice(0, query.limit);
  const last = rows.length > query.limit ? shown.at(-1) : undefined;
  const next = last
    ? JSON.stringify(encodeCursor({ key: last.key, offset: offset + shown.length }, binding))
    : "null";
  const counted = total === undefined ? "" : `,"total":${total}`;
  const data = shown.map((row) => row.record).join(",");
  const range = shown.length === 0 ? "*" : `${offset}-${offset + shown.length - 1}`;
  return new Reply(new JsonText(`{"data":[${data}],"next_cursor":${next}${counted}}`), {
    headers: { "Content-Range": `${range}/${total ?? "*"}` },
  });
}

function orderKeys(
  sql: Sql,
  query: ListQuery,
  definition: Source,
  columns: Record<string, Column>,
  defaultSort: SortKey[],
): Key[] {
  const ranked = query.sort.length === 0 && query.words !== undefined && definition.search?.column;
  const sort = query.sort.length > 0 ? query.sort : defaultSort;
  const keys: Key[] = ranked
    ? [{
      expression: rankSql(sql, query, ranked),
      type: "real",
      descending: true,
      nullable: false,
    }]
    : sort.map(({ column, descending }) => ({
      expression: sql`record.${sql(column.name)}`,
      type: column.type,
      descending,
      nullable: column.name !== "id",
    }));
  const { id } = columns;
  if (id && (ranked || !sort.some(({ column }) => column === id))) {
    const descending = keys.at(-1)?.descending ?? false;
    keys.push({ expression: sql`record.id`, type: id.type, descending, nullable: false });
  }
  return keys;
}

/** An index serves the order only when it says the same about nulls, also where there are none. */
function orderSql(sql: Sql, { expression, descending, nullable }: Key): Fragment {
  if (!nullable) return descending ? sql`${expression} desc` : sql`${expression}`;
  return descending ? sql`${expression} desc nulls last` : sql`${expression} asc nulls last`;
}

/**
 * Rows after the position: equal in the first keys and behind in the next, for each key in turn. The
 * bound on the first key alone is implied; it lets Postgres enter the index at the position.
 */
function afterSql(sql: Sql, keys: Key[], position: (string | null)[]): Fragment {
  const alternatives = keys.map((key, index) => {
    const same = keys.slice(0, index).map((before, at) =>
      sql`${before.expression} is not distinct from ${valueSql(sql, before, position[at])}`
    );
    return joined(sql, [...same, behindSql(sql, key, position[index])], sql` and `);
  });
  const bound = boundSql(sql, keys[0], position[0]);
  return sql`${bound} (${joined(sql, alternatives.map((item) => sql`(${item})`), sql` or `)})`;
}

function boundSql(sql: Sql, key: Key | undefined, value: string | null | undefined): Fragment {
  if (!key || value === null || value === undefined || key.nullable) return sql``;
  return key.descending
    ? sql`${key.expression} <= ${valueSql(sql, key, value)} and`
    : sql`${key.expression} >= ${valueSql(sql, key, value)} and`;
}

function behindSql(sql: Sql, key: Key, value: string | null | undefined): Fragment {
  if (value === null || value === undefined) return sql`false`;
  const behind = key.descending
    ? sql`${key.expression} < ${valueSql(sql, key, value)}`
    : sql`${key.expression} > ${valueSql(sql, key, value)}`;
  return key.nullable ? sql`(${behind} or ${key.expression} is null)` : behind;
}

/** Values travel as text and are cast by Postgres: the driver would cut microseconds off a time. */
function valueSql(sql: Sql, key: Key, value: string | null | undefined): Fragment {
  return sql`${value ?? null}::text::${sql.unsafe(key.type)}`;
}

function rankSql(sql: Sql, query: ListQuery, column: string): Fragment {
  return sql`coalesce(ts_rank(record.${sql(column)}, ${wordsSql(sql, query)}), 0)`;
}

/** Asked for once per statement, not once per row. */
function wordsSql(sql: Sql, query: ListQuery): Fragment {
  return sql`(select private.search_query(${query.words ?? ""}))`;
}

function whereSql(sql: Sql, query: ListQuery, definition: Source): Fragment {
  const conditions = query.conditions.map((condition) =>
    conditionSql(sql, condition, definition.elementKeys?.[condition.column.name])
  );
  if (query.words !== undefined && definition.search) {
    conditions.push(searchSql(sql, query, definition.search));
  }
  return joined(sql, [sql`true`, ...conditions], sql` and `);
}

function searchSql(
  sql: Sql,
  query: ListQuery,
  { column, table }: { column: string; table?: string },
): Fragment {
  return table
    ? sql`record.id in (select private.search_ids(${table}, ${query.words ?? ""}))`
    : sql`record.${sql(column)} @@ ${wordsSql(sql, query)}`;
}

function fieldsSql(
  sql: Sql,
  query: Pick<ListQuery, "select" | "include">,
  definition: Source,
): Fragment {
  const fields = query.select.map((name) => sql`record.${sql(name)}`);
  for (const name of query.include) {
    const subselect = definition.include?.[name];
    if (subselect) fields.push(sql`(${subselect(sql)}) as ${sql(name)}`);
  }
  return commaSeparated(sql, fields);
}

async function count(
  sql: Sql,
  kind: "exact" | "estimated",
  definition: Source,
  where: Fragment,
): Promise<number> {
  if (kind === "exact") {
    const [row] = await sql<{ total: number }[]>`
      select count(*)::float8 as total from ${sql(definition.name)} as record where ${where}`;
    return row?.total ?? 0;
  }
  const [row] = await sql<{ "QUERY PLAN": { Plan: { "Plan Rows": number } }[] }[]>`
    explain (format json) select 1 from ${sql(definition.name)} as record where ${where}`;
  const estimated = row?.["QUERY PLAN"][0]?.Plan["Plan Rows"];
  if (estimated === undefined) throw new Problem("internal", "The count cannot be estimated.");
  return estimated;
}

function bindingOf(query: ListQuery, definition: Source): string {
  const conditions = query.conditions.map((
    { column, operator, value },
  ) => [column.name, operator, value]);
  const sort = query.sort.map(({ column, descending }) => [column.name, descending]);
  return JSON.stringify([definition.name, conditions, query.words, sort]);
}

function commaSeparated(sql: Sql, fragments: Fragment[]): Fragment {
  return joined(sql, fragments, sql`, `);
}

function joined(sql: Sql, fragments: Fragment[], separator: Fragment): Fragment {
  const [first = sql`true`, ...rest] = fragments;
  return rest.reduce((whole, fragment) => sql`${whole}${separator}${fragment}`, first);
}
