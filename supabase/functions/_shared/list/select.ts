/**
 * The SQL of a list: conditions, order, keyset ranges, rows. Values are always parameters. The
 * alias of a list's table or view is `record`.
 */
import { type Column, comparisonSql } from "./columns.ts";
import { commaSeparated, type Fragment, joined, type Sql } from "../database/database.ts";
import type { Condition, ListFilters, ListQuery, SortKey } from "./parse.ts";

/** The table or view of a list, with the SQL of its filters and related records. */
export interface ListTable {
  /** Name of the table or view. */
  name: string;
  columns: Record<string, Column>;
  /** Column with a JSON array → condition that one of its elements has the value. */
  elements?: Record<string, (sql: Sql, value: string) => Fragment>;
  filters?: ListFilters;
  /** Name → subselect that returns one JSON value for the row `record`. */
  include?: Record<string, (sql: Sql) => Fragment>;
  /** Whether the column can be null. */
  isNullable(column: string): boolean;
}

/** One key of the order. */
interface OrderKey {
  expression: Fragment;
  /** Postgres type of the expression. Values of a position are cast to it. */
  type: string;
  descending: boolean;
  /**
   * Whether to write `nulls last`: Postgres uses an index only when its definition says the same.
   */
  nullsLast: boolean;
  /** Whether the expression can be null. A function, since only pages after the first need it. */
  isNullable(): boolean;
}

/** The values of a record's order keys, as Postgres prints them. */
export type Key = (string | null)[];

/** Records in an order. */
export interface Records {
  /** Name of the table or view to read, with the columns of the list. */
  source: string;
  where: Fragment;
  keys: OrderKey[];
}

/** The rows to select, and the output of each row. */
interface Selection extends Records {
  /** Key of the record before the first row. Undefined for the first row. */
  after?: Key;
  limit: number;
  /** Expression of type text for the row `record`. */
  output: Fragment;
  separator: keyof typeof SEPARATORS;
}

/** Separator → SQL literal. As a parameter, the driver would query for its type first. */
const SEPARATORS = { ",": "','", "\n": "e'\\n'", "\r\n": "e'\\r\\n'" };

/** Selected rows. Postgres joins their outputs to one text. */
export interface Rows {
  text: string;
  count: number;
  /** Key of the last row. Undefined without rows. */
  last?: Key;
  /** Whether more rows follow the last. */
  hasMore: boolean;
}

/** Returns the conditions of a query, joined with those of `matchFilter`. */
export function whereSql(
  sql: Sql,
  { conditions, filters }: Pick<ListQuery, "conditions" | "filters">,
  table: ListTable,
  matchConditions: Fragment[],
): Fragment {
  const all = conditions.map((condition) => conditionSql(sql, condition, table));
  all.push(...matchConditions);
  for (const name of Object.keys(filters)) {
    const condition = table.filters?.[name]?.condition?.(sql, filters);
    if (condition) all.push(condition);
  }
  return joined(sql, [sql`true`, ...all], sql` and `);
}

function conditionSql(sql: Sql, { column, operator, value }: Condition, table: ListTable) {
  const element = operator === "is" ? undefined : table.elements?.[column.name];
  return element?.(sql, value) ?? comparisonSql(sql, column, operator, value);
}

/** Returns the expression of a row as JSON: its selected columns and its included relations. */
export function jsonSql(
  sql: Sql,
  { select, include }: Pick<ListQuery, "select" | "include">,
  table: ListTable,
): Fragment {
  const columns = sql`${sql(select.map((name) => `record.${name}`))}`;
  const relations = include.flatMap((name) => {
    const subselect = table.include?.[name];
    return subselect ? [sql`(${subselect(sql)}) as ${sql(name)}`] : [];
  });
  const fields = commaSeparated(sql, [columns, ...relations]);
  return sql`(select to_json(fields) from (select ${fields}) as fields)`;
}

const never = () => false;

/**
 * Returns the keys of an order: rank or sort columns, then the id, so that each record's key is
 * unique.
 */
export function orderKeys(
  sql: Sql,
  sort: SortKey[],
  { columns, isNullable }: ListTable,
  rank?: Fragment,
): OrderKey[] {
  const keys: OrderKey[] = rank
    ? [{ expression: rank, type: "real", descending: true, nullsLast: false, isNullable: never }]
    : sort.map(({ column, descending }) => ({
      expression: sql`record.${sql(column.name)}`,
      type: column.type,
      descending,
      nullsLast: column.name !== "id",
      isNullable: () => isNullable(column.name),
    }));
  if (!rank && sort.some(({ column }) => column.name === "id")) return keys;
  const id = { expression: sql`record.id`, type: columns.id?.type ?? "bigint" };
  const descending = keys.at(-1)?.descending ?? false;
  return [...keys, { ...id, descending, nullsLast: false, isNullable: never }];
}

function orderSql(sql: Sql, { expression, descending, nullsLast }: OrderKey): Fragment {
  if (!nullsLast) return descending ? sql`${expression} desc` : sql`${expression}`;
  return descending ? sql`${expression} desc nulls last` : sql`${expression} asc nulls last`;
}

/**
 * Selects the rows after a position. It reads one range of the order after the other until it has
 * enough rows. The first range is nearly always enough.
 */
export async function selectRows(
  sql: Sql,
  selection: Selection,
): Promise<Rows> {
  const { keys, after, limit } = selection;
  const rows: Rows = { text: "", count: 0, hasMore: false };
  for (const range of after ? rangesAfter(sql, keys, after) : [sql`true`]) {
    const next = await selectRange(sql, { ...selection, limit: limit - rows.count }, range);
    rows.text += rows.text && next.text ? selection.separator + next.text : next.text;
    rows.count += next.count;
    rows.last = next.last ?? rows.last;
    rows.hasMore = next.hasMore;
    if (rows.hasMore) break;
  }
  return rows;
}

/**
 * Returns the key of the last record before an offset, or undefined when there are fewer records. It
 * reads no more than the keys of the records before it.
 */
export async function selectKeyBefore(
  sql: Sql,
  offset: number,
  { source, where, keys }: Records,
): Promise<Key | undefined> {
  const [row] = await sql<{ key: Key }[]>`
    select to_json(array[${keyTexts(sql, keys)}]) as key
    from ${sql(source)} as record
    where ${where}
    order by ${commaSeparated(sql, keys.map((key) => orderSql(sql, key)))}
    limit 1 offset ${sql.unsafe(String(offset - 1))}`;
  return row?.key;
}

function keyTexts(sql: Sql, keys: OrderKey[]): Fragment {
  return commaSeparated(sql, keys.map(({ expression }) => sql`(${expression})::text`));
}

interface Range {
  /** Null when it is too large. */
  text: string | null;
  count: number;
  last: Key | null;
}

/** Bytes of a page or of a block of an export. They bound the memory of a request. */
const MAXIMUM_BYTES = 4_000_000;

/**
 * Returns rows as one row: the text, the count and the last key. When the text is too large, selects half
 * as many. The limit is part of the statement's text, since Postgres would plan every execution again
 * with a limit as parameter.
 */
async function selectRange(
  sql: Sql,
  selection: Selection,
  range: Fragment,
): Promise<Rows> {
  const { limit } = selection;
  const [row] = await sql<Range[]>`${rangeSql(sql, selection, range)}`;
  const { count = 0, text, last } = row ?? {};
  if (count > 0 && text === null) {
    return await selectRange(sql, { ...selection, limit: Math.ceil(limit / 2) }, range);
  }
  return {
    text: text ?? "",
    count: Math.min(count, limit),
    last: last ?? undefined,
    hasMore: count > limit,
  };
}

function rangeSql(
  sql: Sql,
  { source, where, keys, limit, output, separator }: Selection,
  range: Fragment,
): Fragment {
  const key = keyTexts(sql, keys);
  const order = commaSeparated(sql, keys.map((key) => orderSql(sql, key)));
  const number = (value: number) => sql.unsafe(String(value));
  const maximum = number(limit);
  return sql`
    select
      case
        when ${maximum} = 1 or sum(octet_length(output)) <= ${number(MAXIMUM_BYTES)}
          then array_to_string(
            (array_agg(output))[1:${maximum}], ${sql.unsafe(SEPARATORS[separator])}
          )
      end as text,
      count(*)::integer as count,
      (array_agg(key))[least(count(*), ${maximum})] as last
    from (
      select ${output} as output, to_json(array[${key}]) as key
      from ${sql(source)} as record
      where ${where} and ${range}
      order by ${order}
      limit ${number(limit + 1)}
    ) as page`;
}

/**
 * Returns the conditions of the ranges after a position, in the order to read them. When the first
 * key can be null, its nulls come last and are a range of their own. The bound on the first key is
 * redundant, but lets Postgres start in the index at the position.
 */
function rangesAfter(sql: Sql, keys: OrderKey[], position: Key): Fragment[] {
  const [first] = keys;
  const [value] = position;
  const after = sql`(${joined(sql, alternatives(sql, keys, position), sql` or `)})`;
  if (!first || value === undefined) return [after];
  if (value === null) return [sql`${first.expression} is null and ${after}`];
  const inside = first.descending ? sql`<=` : sql`>=`;
  const bound = keyValueSql(sql, first, value);
  const bounded = sql`${first.expression} ${inside} ${bound} and ${after}`;
  return first.isNullable() ? [bounded, sql`${first.expression} is null`] : [bounded];
}

/** Returns one condition per key: the keys before it are equal, and the key itself comes after. */
function alternatives(sql: Sql, keys: OrderKey[], position: Key): Fragment[] {
  return keys.map((key, index) => {
    const same = keys.slice(0, index).map((before, at) =>
      sql`${before.expression} is not distinct from ${keyValueSql(sql, before, position[at])}`
    );
    const after = afterSql(sql, key, position[index], index > 0);
    return sql`(${joined(sql, [...same, after], sql` and `)})`;
  });
}

function afterSql(sql: Sql, key: OrderKey, value: string | null = null, withNulls: boolean) {
  if (value === null) return sql`false`;
  const comparison = key.descending ? sql`<` : sql`>`;
  const after = sql`${key.expression} ${comparison} ${keyValueSql(sql, key, value)}`;
  return withNulls && key.isNullable() ? sql`(${after} or ${key.expression} is null)` : after;
}

/**
 * Passes a value as text, which Postgres casts: the driver would lose the microseconds of a time.
 */
function keyValueSql(sql: Sql, { type }: OrderKey, value: string | null = null): Fragment {
  return sql`${value}::text::${sql.unsafe(type)}`;
}

/** Returns one record, or undefined when it does not exist or the caller may not see it. */
export async function selectRecord(
  sql: Sql,
  id: number | string,
  output: Pick<ListQuery, "select" | "include">,
  table: ListTable,
): Promise<unknown> {
  const [row] = await sql<{ record: unknown }[]>`
    select ${jsonSql(sql, output, table)} as record
    from ${sql(table.name)} as record
    where record.id = ${id}`;
  return row?.record;
}

/** Returns at most `limit` ids, in ascending order. */
export async function selectIds(sql: Sql, relation: string, where: Fragment, limit: number) {
  const rows = await sql<{ id: number }[]>`
    select record.id::float8 as id
    from ${sql(relation)} as record
    where ${where}
    order by record.id
    limit ${limit}`;
  return rows.map(({ id }) => id);
}
