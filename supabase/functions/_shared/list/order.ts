/** The order of a list, and keyset paging in it: the rows behind a position, nulls and ties included. */
import type { Column } from "./columns.ts";
import type { Fragment, Sql } from "../database/database.ts";
import type { ListQuery, SortKey } from "./parse.ts";
import { joined, wordsSql } from "./sql.ts";

/** One key of the order: an expression, its type, and whether it goes down. Nulls come last. */
export interface Key {
  expression: Fragment;
  type: string;
  descending: boolean;
  /** Ordered as what may be null. */
  nullable: boolean;
  /** Never null all the same: its bound implies no loss. */
  filled?: boolean;
}

/**
 * The keys of a query's order, the id last, so that no two records share a position: by rank when
 * words are searched in `vector` and no sort is asked for.
 */
export function orderKeys(
  sql: Sql,
  query: ListQuery,
  vector: string | undefined,
  columns: Record<string, Column>,
  defaultSort: SortKey[],
): Key[] {
  const ranked = query.sort.length === 0 && query.words !== undefined && vector;
  const sort = query.sort.length > 0 ? query.sort : defaultSort;
  const keys: Key[] = ranked
    ? [{
      expression: rankSql(sql, query.words ?? "", ranked),
      type: "real",
      descending: true,
      nullable: false,
    }]
    : sort.map(({ column, descending }) => ({
      expression: sql`record.${sql(column.name)}`,
      type: column.type,
      descending,
      nullable: column.name !== "id",
      // Every table's created_at is not null, but a view's columns do not say so.
      filled: column.name === "created_at",
    }));
  const { id } = columns;
  if (id && (ranked || !sort.some(({ column }) => column === id))) {
    const descending = keys.at(-1)?.descending ?? false;
    keys.push({ expression: sql`record.id`, type: id.type, descending, nullable: false });
  }
  return keys;
}

/** A key of the order. An index serves it only when it says the same about nulls, also without any. */
export function orderSql(sql: Sql, { expression, descending, nullable }: Key): Fragment {
  if (!nullable) return descending ? sql`${expression} desc` : sql`${expression}`;
  return descending ? sql`${expression} desc nulls last` : sql`${expression} asc nulls last`;
}

/**
 * Conditions for the rows after the position, to be asked one after the other until a page is full:
 * where the first key may be null, its nulls come last and are a range of the index of their own. The
 * bound on the first key is implied; it lets Postgres enter the index at the position.
 */
export function rangesAfter(sql: Sql, keys: Key[], position: (string | null)[]): Fragment[] {
  const [first] = keys;
  const [value] = position;
  const behind = sql`(${joined(sql, alternatives(sql, keys, position), sql` or `)})`;
  if (!first || value === undefined) return [behind];
  if (value === null) return [sql`${first.expression} is null and ${behind}`];
  const bounded = sql`${boundSql(sql, first, value)} and ${behind}`;
  return first.nullable && !first.filled ? [bounded, sql`${first.expression} is null`] : [bounded];
}

/** Equal in the first keys and behind in the next, for each key in turn. */
function alternatives(sql: Sql, keys: Key[], position: (string | null)[]): Fragment[] {
  return keys.map((key, index) => {
    const same = keys.slice(0, index).map((before, at) =>
      sql`${before.expression} is not distinct from ${valueSql(sql, before, position[at])}`
    );
    const behind = behindSql(sql, key, position[index], index > 0);
    return sql`(${joined(sql, [...same, behind], sql` and `)})`;
  });
}

function boundSql(sql: Sql, { expression, descending, ...key }: Key, value: string): Fragment {
  const typed = valueSql(sql, key, value);
  return descending ? sql`${expression} <= ${typed}` : sql`${expression} >= ${typed}`;
}

function behindSql(
  sql: Sql,
  key: Key,
  value: string | null | undefined,
  withNulls: boolean,
): Fragment {
  if (value === null || value === undefined) return sql`false`;
  const behind = key.descending
    ? sql`${key.expression} < ${valueSql(sql, key, value)}`
    : sql`${key.expression} > ${valueSql(sql, key, value)}`;
  return key.nullable && withNulls ? sql`(${behind} or ${key.expression} is null)` : behind;
}

/** Values travel as text and are cast by Postgres: the driver would cut microseconds off a time. */
function valueSql(sql: Sql, key: Pick<Key, "type">, value: string | null | undefined): Fragment {
  return sql`${value ?? null}::text::${sql.unsafe(key.type)}`;
}

function rankSql(sql: Sql, words: string, vector: string): Fragment {
  return sql`coalesce(ts_rank(record.${sql(vector)}, ${wordsSql(sql, words)}), 0)`;
}
