/**
 * The SQL of a list: conditions, order, keyset ranges, rows. Values are always parameters; a list's row
 * is called `record` throughout.
 */
import { type Column, comparisonSql } from "./columns.ts";
import { commaSeparated, type Fragment, joined, type Sql } from "../database/database.ts";
import type { Condition, ListFilters, ListQuery, SortKey } from "./parse.ts";

/** What the SQL of a list depends on. */
export interface ListSource {
  /** Table or view. */
  name: string;
  columns: Record<string, Column>;
  /** Json array column → the condition that one of its elements has the value. */
  elements?: Record<string, (sql: Sql, value: string) => Fragment>;
  filters?: ListFilters;
  /** Name → a subselect of one JSON value about the row `record`. */
  include?: Record<string, (sql: Sql) => Fragment>;
  /** Whether a record may have null in this column. */
  isNullable(column: string): boolean;
}

/** One key of the order. */
export interface OrderKey {
  expression: Fragment;
  /** Postgres type, to cast a position's value to. */
  type: string;
  descending: boolean;
  /** Whether the order says `nulls last`: an index serves it only when both say the same. */
  nullsLast: boolean;
  /** Whether the expression can be null; asked for behind a position alone. */
  isNullable(): boolean;
}

/** The values of a record's order keys, as Postgres prints them. */
export type Key = (string | null)[];

/** Which rows to select, and what to show of each. */
export interface Selection {
  where: Fragment;
  keys: OrderKey[];
  /** The key of the record before the first row; undefined = from the beginning. */
  after?: Key;
  limit: number;
  /** Expression of type text about the row `record`. */
  shown: Fragment;
  separator: keyof typeof SEPARATORS;
}

/** What stands between rows, as SQL. No parameter: the driver would ask for its type beforehand. */
const SEPARATORS = { ",": "','", "\n": "e'\\n'", "\r\n": "e'\\r\\n'" };

/** Selected rows, put together to one text by Postgres. */
export interface Rows {
  text: string;
  count: number;
  /** The last row's key; undefined when there is no row. */
  last?: Key;
  /** Whether more rows follow the last. */
  hasMore: boolean;
}

/** The conditions of a query, and further ones that its words and rare ids have led to. */
export function whereSql(
  sql: Sql,
  { conditions, filters }: Pick<ListQuery, "conditions" | "filters">,
  source: ListSource,
  further: Fragment[],
): Fragment {
  const all = conditions.map((condition) => conditionSql(sql, condition, source));
  all.push(...further);
  for (const name of Object.keys(filters)) {
    const condition = source.filters?.[name]?.condition?.(sql, filters);
    if (condition) all.push(condition);
  }
  return joined(sql, [sql`true`, ...all], sql` and `);
}

function conditionSql(sql: Sql, { column, operator, value }: Condition, source: ListSource) {
  const element = operator === "is" ? undefined : source.elements?.[column.name];
  return element?.(sql, value) ?? comparisonSql(sql, column, operator, value);
}

/** The row as JSON: the selected columns, and the included relations. */
export function jsonSql(
  sql: Sql,
  { select, include }: Pick<ListQuery, "select" | "include">,
  source: ListSource,
): Fragment {
  const columns = sql`${sql(select.map((name) => `record.${name}`))}`;
  const relations = include.flatMap((name) => {
    const subselect = source.include?.[name];
    return subselect ? [sql`(${subselect(sql)}) as ${sql(name)}`] : [];
  });
  const fields = commaSeparated(sql, [columns, ...relations]);
  return sql`(select to_json(fields) from (select ${fields}) as fields)`;
}

const never = () => false;

/** The keys of an order, by rank when there is one. The id comes last: no two records share a key. */
export function orderKeys(
  sql: Sql,
  sort: SortKey[],
  { columns, isNullable }: ListSource,
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
 * Selects the rows behind a position: one range of the order after the other, until there are enough.
 * Nearly always the first range is enough.
 */
export async function selectRows(
  sql: Sql,
  source: ListSource,
  selection: Selection,
): Promise<Rows> {
  const { keys, after, limit } = selection;
  const rows: Rows = { text: "", count: 0, hasMore: false };
  for (const range of after ? rangesAfter(sql, keys, after) : [sql`true`]) {
    const next = await selectRange(sql, source, { ...selection, limit: limit - rows.count }, range);
    rows.text += rows.text && next.text ? selection.separator + next.text : next.text;
    rows.count += next.count;
    rows.last = next.last ?? rows.last;
    rows.hasMore = next.hasMore;
    if (rows.hasMore) break;
  }
  return rows;
}

interface Range {
  /** Null when it would be too large. */
  text: string | null;
  count: number;
  last: Key | null;
}

/** Bytes of a page or a block: memory is bounded by them, whatever records hold. */
const MAXIMUM_BYTES = 4_000_000;

/**
 * Rows travel as one: their text, their number and the last one's key. When their text is too large, half
 * as many are selected. The limit stands in the text of the statement: as a parameter it would make
 * Postgres plan every execution anew.
 */
async function selectRange(
  sql: Sql,
  source: ListSource,
  selection: Selection,
  range: Fragment,
): Promise<Rows> {
  const { limit } = selection;
  const [row] = await sql<Range[]>`${rangeSql(sql, source, selection, range)}`;
  const { count = 0, text, last } = row ?? {};
  if (count > 0 && text === null) {
    return await selectRange(sql, source, { ...selection, limit: Math.ceil(limit / 2) }, range);
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
  { name }: ListSource,
  { where, keys, limit, shown, separator }: Selection,
  range: Fragment,
): Fragment {
  const key = commaSeparated(sql, keys.map(({ expression }) => sql`(${expression})::text`));
  const order = commaSeparated(sql, keys.map((key) => orderSql(sql, key)));
  const number = (value: number) => sql.unsafe(String(value));
  const most = number(limit);
  return sql`
    select
      case
        when ${most} = 1 or sum(octet_length(shown)) <= ${number(MAXIMUM_BYTES)}
          then array_to_string(
            (array_agg(shown))[1:${most}], ${sql.unsafe(SEPARATORS[separator])}
          )
      end as text,
      count(*)::integer as count,
      (array_agg(key))[least(count(*), ${most})] as last
    from (
      select ${shown} as shown, to_json(array[${key}]) as key
      from ${sql(name)} as record
      where ${where} and ${range}
      order by ${order}
      limit ${number(limit + 1)}
    ) as page`;
}

/**
 * Conditions for the rows behind a position, to be asked for in turn. Where the first key can be null,
 * its nulls come last and are a range of the index of their own. The bound on the first key is implied;
 * it lets Postgres enter the index at the position.
 */
function rangesAfter(sql: Sql, keys: OrderKey[], position: Key): Fragment[] {
  const [first] = keys;
  const [value] = position;
  const behind = sql`(${joined(sql, alternatives(sql, keys, position), sql` or `)})`;
  if (!first || value === undefined) return [behind];
  if (value === null) return [sql`${first.expression} is null and ${behind}`];
  const inside = first.descending ? sql`<=` : sql`>=`;
  const bound = keyValueSql(sql, first, value);
  const bounded = sql`${first.expression} ${inside} ${bound} and ${behind}`;
  return first.isNullable() ? [bounded, sql`${first.expression} is null`] : [bounded];
}

/** For each key in turn: equal in the keys before it, and behind in itself. */
function alternatives(sql: Sql, keys: OrderKey[], position: Key): Fragment[] {
  return keys.map((key, index) => {
    const same = keys.slice(0, index).map((before, at) =>
      sql`${before.expression} is not distinct from ${keyValueSql(sql, before, position[at])}`
    );
    const behind = behindSql(sql, key, position[index], index > 0);
    return sql`(${joined(sql, [...same, behind], sql` and `)})`;
  });
}

function behindSql(sql: Sql, key: OrderKey, value: string | null = null, withNulls: boolean) {
  if (value === null) return sql`false`;
  const after = key.descending ? sql`<` : sql`>`;
  const behind = sql`${key.expression} ${after} ${keyValueSql(sql, key, value)}`;
  return withNulls && key.isNullable() ? sql`(${behind} or ${key.expression} is null)` : behind;
}

/** Values travel as text and are cast by Postgres: the driver would cut microseconds off a time. */
function keyValueSql(sql: Sql, { type }: OrderKey, value: string | null = null): Fragment {
  return sql`${value}::text::${sql.unsafe(type)}`;
}

/** One record by its id; undefined when it does not exist or is hidden. */
export async function selectRecord(
  sql: Sql,
  id: number,
  shown: Pick<ListQuery, "select" | "include">,
  source: ListSource,
): Promise<unknown> {
  const [row] = await sql<{ record: unknown }[]>`
    select ${jsonSql(sql, shown, source)} as record
    from ${sql(source.name)} as record
    where record.id = ${id}`;
  return row?.record;
}

/** At most `limit` ids in order. */
export async function selectIds(sql: Sql, relation: string, where: Fragment, limit: number) {
  const rows = await sql<{ id: number }[]>`
    select record.id::float8 as id
    from ${sql(relation)} as record
    where ${where}
    order by record.id
    limit ${limit}`;
  return rows.map(({ id }) => id);
}
