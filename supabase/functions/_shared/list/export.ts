/**
 * Exports: all records that match the filters, as a stream of CSV (RFC 4180) or of JSON lines.
 *
 * Each block of records is read in a transaction of its own, after the client has received the
 * previous block. So memory does not grow with the list, and no connection waits for a slow client.
 * An error before the first byte is answered as a problem. A later error aborts the stream. Without
 * `sort` the records are sorted by id, which never changes during an export.
 *
 * Postgres builds the lines. Text that a spreadsheet would read as a formula gets an apostrophe in
 * front (OWASP, "CSV Injection").
 */
import type { Column } from "./columns.ts";
import { commaSeparated, type Fragment, type Sql } from "../database/database.ts";
import type { ListParameters, ListQuery } from "./parse.ts";
import { matchFilter, type Search, sourceOf } from "./search.ts";
import { jsonSql, type Key, type ListTable, orderKeys, selectRows, whereSql } from "./select.ts";

/** Records per block. */
const BLOCK_SIZE = 1_000;

/** A cell of a CSV file: a column, or an expression of type text for the row `record`. */
export type CsvCell = string | ((sql: Sql) => Fragment);

/** The table of a list, with its search and its CSV columns. */
export interface ExportTable extends ListTable {
  search?: Search;
  /** Header → cell, in order. */
  csv?: Record<string, CsvCell>;
}

/** The start of the next block. */
export interface ExportPosition {
  after: Key;
  /** Decision of the first block, which all blocks use. */
  tooManyToRank: boolean;
}

/** A part of an export. */
export interface ExportBlock {
  /** Lines of the records, each with its line end. */
  text: string;
  /** Undefined after the last record. */
  next?: ExportPosition;
}

/** Reads the block at a position. Without a position, reads the first block. */
export async function exportBlock(
  sql: Sql,
  query: ListQuery,
  table: ExportTable,
  position?: ExportPosition,
): Promise<ExportBlock> {
  const { format, sort } = query;
  const match = await matchFilter(sql, query, table.search, position?.tooManyToRank);
  const { id } = table.columns;
  const byId = id ? [{ column: id, descending: false }] : [];
  const separator = format === "csv" ? "\r\n" : "\n";
  const { text, hasMore, last } = await selectRows(sql, {
    source: sourceOf(query, table),
    where: whereSql(sql, query, table, match.conditions),
    keys: orderKeys(sql, sort.length > 0 ? sort : byId, table),
    after: position?.after,
    limit: BLOCK_SIZE,
    output: format === "csv" ? lineSql(sql, table) : sql`${jsonSql(sql, query, table)}::text`,
    separator,
  });
  const next = hasMore && last ? { after: last, tooManyToRank: match.tooManyToRank } : undefined;
  return { text: text && text + separator, next };
}

function lineSql(sql: Sql, { columns, csv = {} }: ExportTable): Fragment {
  const cells = Object.values(csv).map((cell, index) => ({
    name: `c${index}`,
    isText: typeof cell !== "string" ||
      ["text", "extensions.citext"].includes(columns[cell]?.type ?? ""),
    value: cellSql(sql, cell, columns),
  }));
  const values = cells.map(({ name, value }) => sql`${value} as ${sql(name)}`);
  const texts = cells.map(({ name, isText }) =>
    isText ? textSql(sql, sql`cells.${sql(name)}`) : sql`coalesce(cells.${sql(name)}, '')`
  );
  // `offset 0` makes Postgres compute each value only once.
  return sql`(
    select concat_ws(',', ${commaSeparated(sql, texts)})
    from (select ${commaSeparated(sql, values)} offset 0) as cells
  )`;
}

function cellSql(sql: Sql, cell: CsvCell, columns: Record<string, Column>): Fragment {
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

type ExportQuery = ListQuery & { format: "csv" | "ndjson" };

/** An answer with a stream of bytes as its body. */
export interface StreamedAnswer {
  status: 200;
  headers: Record<string, string>;
  body: ReadableStream;
}

/** The members of `Listing` that an export uses. */
interface ExportableList {
  parameters: ListParameters;
  export(sql: Sql, query: ListQuery, position?: ExportPosition): Promise<ExportBlock>;
}

const CONTENT_TYPES = {
  csv: "text/csv; charset=utf-8; header=present",
  ndjson: "application/x-ndjson; charset=utf-8",
};

/** Returns the query when it asks for an export, else undefined. */
export function exportQuery(query: unknown): ExportQuery | undefined {
  const isExport = typeof query === "object" && query !== null && "format" in query && query.format;
  // Only the schema of a list makes a query with `format`.
  return isExport ? query as ExportQuery : undefined;
}

type Read = <Value>(work: (sql: Sql) => Promise<Value>) => Promise<Value>;

/**
 * Starts an export, and returns its answer. The list's path gives the name of the file. `read` runs
 * work in a transaction as the caller. `report` receives an error that occurs after the answer has
 * begun.
 * @throws Problem of the first block.
 */
export async function exportList(
  list: ExportableList,
  query: ExportQuery,
  path: string,
  read: Read,
  report: (error: unknown) => void,
): Promise<StreamedAnswer> {
  const { format } = query;
  const readBlock = (position?: ExportPosition) => read((sql) => list.export(sql, query, position));
  const header = format === "csv" ? `${(list.parameters.csv ?? []).join(",")}\r\n` : "";
  const { text, next } = await readBlock();
  return {
    status: 200,
    headers: {
      "Content-Type": CONTENT_TYPES[format],
      "Content-Disposition": `attachment; filename="${path.slice(1)}.${format}"`,
      "Cache-Control": "no-store",
    },
    body: streamOf({ text: header + text, next }, readBlock, report),
  };
}

function streamOf(
  first: ExportBlock,
  readBlock: (position: ExportPosition) => Promise<ExportBlock>,
  report: (error: unknown) => void,
): ReadableStream {
  const encoder = new TextEncoder();
  let block: ExportBlock | undefined = first;
  let next: ExportPosition | undefined;
  let cancelled = false;
  return new ReadableStream({
    async pull(controller) {
      try {
        block ??= next && await readBlock(next);
        if (cancelled) return;
        if (!block) return controller.close();
        controller.enqueue(encoder.encode(block.text));
        next = block.next;
        block = undefined;
      } catch (error) {
        report(error);
        controller.error(error);
      }
    },
    cancel() {
      cancelled = true;
    },
  });
}
