/**
 * A list as a file: every record that the filters let through, as lines of CSV (RFC 4180) or of JSON,
 * a block of them at a time. Without `sort` they come in the order of their ids, which no change of a
 * record can disturb on the way.
 *
 * A cell that a spreadsheet would take for a formula gets an apostrophe in front (OWASP, "CSV
 * Injection"); numbers and times are no such cells. Lines are built by Postgres.
 */
import type { Column } from "./columns.ts";
import type { Fragment, Sql } from "./database.ts";
import { orderKeys } from "./listingOrder.ts";
import { unreadable } from "./listingAnswer.ts";
import type { ListQuery } from "./listingQuery.ts";
import { jsonSql, selectRows, whereSql } from "./listingRows.ts";
import { type Matching, matchWords } from "./listingSearch.ts";
import type { CsvCell, Source } from "./listingSource.ts";
import { commaSeparated } from "./listingSql.ts";

const BLOCK = 1_000;

/** Where an export goes on. */
export interface ExportPosition {
  after: (string | null)[];
  common: boolean;
}

export interface ExportBlock {
  lines: string[];
  /** Undefined behind the last record. */
  next?: ExportPosition;
}

/** The records behind a position, as lines. */
export async function exportBlock(
  sql: Sql,
  query: ListQuery,
  source: Source,
  position?: ExportPosition,
): Promise<ExportBlock> {
  const matching = await matchAgain(sql, query, source, position);
  const order = source.columns.id ? [{ column: source.columns.id, descending: false }] : [];
  const keys = orderKeys(sql, query, undefined, source.columns, order);
  const line = query.format === "csv"
    ? lineSql(sql, source)
    : sql`${jsonSql(sql, query, source)}::text`;
  try {
    const { where } = await whereSql(sql, query, source, matching);
    const selection = { where, keys, after: position?.after ?? [], limit: BLOCK };
    const rows = await selectRows(sql, source, selection, line);
    const last = rows.length === BLOCK ? rows.at(-1) : undefined;
    const next = last && { after: last.key, common: matching.common };
    return { lines: rows.map(({ record }) => record), next };
  } catch (error) {
    throw unreadable(error, query);
  }
}

/** The later blocks look for words as the first did. */
async function matchAgain(
  sql: Sql,
  query: ListQuery,
  source: Source,
  position: ExportPosition | undefined,
): Promise<Matching> {
  if (!position?.common) return await matchWords(sql, query, source, "");
  return await matchWords(sql, { words: query.words, cursor: "" }, source, "");
}

function lineSql(sql: Sql, { columns, csv = {} }: Source): Fragment {
  const cells = Object.values(csv).map((cell, index) => ({
    name: `c${index}`,
    isText: typeof cell !== "string" ||
      ["text", "extensions.citext"].includes(columns[cell]?.type ?? ""),
    value: valueSql(sql, cell, columns),
  }));
  const values = cells.map(({ name, value }) => sql`${value} as ${sql(name)}`);
  const written = cells.map(({ name, isText }) =>
    isText ? textSql(sql, sql`cells.${sql(name)}`) : sql`coalesce(cells.${sql(name)}, '')`
  );
  // Offset keeps Postgres from working a value out for each of its mentions.
  return sql`(
    select concat_ws(',', ${commaSeparated(sql, written)})
    from (select ${commaSeparated(sql, values)} offset 0) as cells
  )`;
}

function valueSql(sql: Sql, cell: CsvCell, columns: Record<string, Column>): Fragment {
  if (typeof cell !== "string") return sql`(${cell(sql)})`;
  const value = sql`record.${sql(cell)}`;
  return columns[cell]?.type === "timestamptz"
    ? sql`(to_json(${value}) #>> '{}')`
    : sql`${value}::text`;
}

function textSql(sql: Sql, value: Fragment): Fragment {
  const quoted = sql`replace(${value}, '"', '""') || '"'`;
  return sql`
    case
      when ${value} is null then ''
      when ${value} ~ '^[-=+@\\t\\r]' then '"''' || ${quoted}
      when ${value} ~ '[",\\r\\n]' then '"' || ${quoted}
      else ${value}
    end`;
}
