/** The rows of a list: conditions, order, a position to go on from. */
import type { Fragment, Sql } from "./database.ts";
import { filterConditions } from "./listingFilters.ts";
import { type Key, orderSql, rangesAfter } from "./listingOrder.ts";
import type { Row } from "./listingPage.ts";
import type { ListQuery } from "./listingQuery.ts";
import type { Matching } from "./listingSearch.ts";
import type { Source } from "./listingSource.ts";
import { fewHolders } from "./listingHolders.ts";
import { commaSeparated, conditionSql, joined } from "./listingSql.ts";

/** Which rows. */
export interface Selection {
  where: Fragment;
  keys: Key[];
  /** The key of the row before the first; empty = from the beginning. */
  after: (string | null)[];
  limit: number;
}

/** Selects rows; `shown` is an expression of type text about the row `record`. */
export async function selectRows(
  sql: Sql,
  { name }: Source,
  { where, keys, after, limit }: Selection,
  shown: Fragment,
): Promise<Row[]> {
  const key = commaSeparated(sql, keys.map(({ expression }) => sql`(${expression})::text`));
  const order = commaSeparated(sql, keys.map((key) => orderSql(sql, key)));
  const rows: Row[] = [];
  // One range after the other until there are enough rows; nearly always the first one is enough.
  for (const range of after.length > 0 ? rangesAfter(sql, keys, after) : [sql`true`]) {
    // The limit stands in the text: as a parameter it would make Postgres plan every execution anew.
    rows.push(
      ...await sql<Row[]>`
        select ${shown} as record, to_json(array[${key}]) as key
        from ${sql(name)} as record
        where ${where} and ${range}
        order by ${order}
        limit ${sql.unsafe(String(limit))}`,
    );
    if (rows.length >= limit) break;
  }
  return rows.slice(0, limit);
}

/** The conditions of a query. In an object, since who awaits a fragment would run it. */
export async function whereSql(
  sql: Sql,
  query: Pick<ListQuery, "conditions" | "filters">,
  { elementKeys, filters }: Source,
  { condition }: Matching,
): Promise<{ where: Fragment }> {
  const conditions: Fragment[] = [sql`true`];
  for (const condition of query.conditions) {
    conditions.push(conditionSql(sql, condition, elementKeys?.[condition.column.name]));
    const ids = await fewHolders(sql, condition);
    if (ids !== undefined) conditions.push(sql`record.id = any (${ids}::text::bigint[])`);
  }
  if (condition) conditions.push(condition);
  conditions.push(...filterConditions(sql, query.filters, filters));
  return { where: joined(sql, conditions, sql` and `) };
}

/** The row as JSON: the selected columns, and the relations that are included. */
export function jsonSql(
  sql: Sql,
  { select, include }: Pick<ListQuery, "select" | "include">,
  source: Source,
): Fragment {
  const columns = sql`${sql(select.map((name) => `record.${name}`))}`;
  const relations = include.flatMap((name) => {
    const subselect = source.include?.[name];
    return subselect ? [sql`(${subselect(sql)}) as ${sql(name)}`] : [];
  });
  return sql`
    (select to_json(fields) from (select ${
    commaSeparated(sql, [columns, ...relations])
  }) as fields)`;
}
