/**
 * Exports: every record that the filters let through, as a stream of lines of CSV (RFC 4180) or of JSON.
 *
 * Each block of records is read in a transaction of its own, when the client has taken the one before:
 * memory does not grow with the list, and no connection waits for a slow client. What fails before the
 * first byte is a problem; after it the stream breaks off. Without `sort` the records come in the order
 * of their ids, which no change of a record disturbs on the way.
 *
 * Postgres builds the lines. A cell that a spreadsheet would take for a formula gets an apostrophe in
 * front (OWASP, "CSV Injection"); numbers and times are no such cells.
 */
import type { Column } from "./columns.ts";
import { commaSeparated, type Fragment, type Sql } from "../database/database.ts";
import type { ListParameters, ListQuery } from "./parse.ts";
import { matchWords, type Search } from "./search.ts";
import { jsonSql, type Key, type ListSource, orderKeys, selectRows, whereSql } from "./select.ts";

/** Records that are read at once. */
const BLOCK_SIZE = 1_000;

/** A cell: a column of the relation, or an expression of type text about the row `record`. */
export type CsvCell = string | ((sql: Sql) => Fragment);

/** What an export depends on, beside the list's SQL. */
export interface ExportSource extends ListSource {
  search?: Search;
  /** Header → cell, in order. */
  csv?: Record<string, CsvCell>;
}

/** Where an export goes on. */
export interface ExportPosition {
  after: Key;
  /** As the first block has decided: the later ones look for words in the same way. */
  tooManyToRank: boolean;
}

/** Some records of an export. */
export interface ExportBlock {
  /** Their lines, each with its end. */
  text: string;
  /** Undefined behind the last record. */
  next?: ExportPosition;
}

/** Reads the records behind a position; without one, the first. */
export async function exportBlock(
  sql: Sql,
  query: ListQuery,
  source: ExportSource,
  position?: ExportPosition,
): Promise<ExportBlock> {
  const { words, format, sort } = query;
  const match = await matchWords(sql, words, source.search, position?.tooManyToRank);
  const { id } = source.columns;
  const byId = id ? [{ column: id, descending: false }] : [];
  const separator = format === "csv" ? "\r\n" : "\n";
  const { text, hasMore, last } = await selectRows(sql, source, {
    where: whereSql(sql, query, source, match.condition),
    keys: orderKeys(sql, sort.length > 0 ? sort : byId, source),
    after: position?.after,
    limit: BLOCK_SIZE,
    shown: format === "csv" ? lineSql(sql, source) : sql`${jsonSql(sql, query, source)}::text`,
    separator,
  });
  const next = hasMore && last ? { after: last, tooManyToRank: match.tooManyToRank } : undefined;
  return { text: text && text + separator, next };
}

function lineSql(sql: Sql, { columns, csv = {} }: ExportSource): Fragment {
  const cells = Object.values(csv).map((cell, index) => ({
    name: `c${index}`,
    isText: typeof cell !== "string" ||
      ["text", "extensions.citext"].includes(columns[cell]?.type ?? ""),
    value: cellSql(sql, cell, columns),
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

/** An answer whose body is read while it is sent. */
export interface StreamedAnswer {
  status: 200;
  headers: Record<string, string>;
  /** Of bytes. */
  body: ReadableStream;
}

/** What can be exported: a `Listing`. */
export interface Exportable {
  parameters: ListParameters;
  export(sql: Sql, query: ListQuery, position?: ExportPosition): Promise<ExportBlock>;
}

const CONTENT_TYPES = {
  csv: "text/csv; charset=utf-8; header=present",
  ndjson: "application/x-ndjson; charset=utf-8",
};

/** The query of a list, when it asks for an export. */
export function exportQuery(query: unknown): ExportQuery | undefined {
  const asked = typeof query === "object" && query !== null && "format" in query && query.format;
  // Only a list's own schema makes a query with a format.
  return asked ? query as ExportQuery : undefined;
}

type Read = <Value>(work: (sql: Sql) => Promise<Value>) => Promise<Value>;

/**
 * Begins an export of a list at a path, which names the file. `read` runs work in a transaction as the
 * caller; `report` is told of what fails after the answer has begun. Throws what keeps it from beginning.
 */
export async function exportList(
  list: Exportable,
  query: ExportQuery,
  path: string,
  read: Read,
  report: (error: unknown) => void,
): Promise<StreamedAnswer> {
  const { format } = query;
  const readBlock = (position?: ExportPosition) => read((sql) => list.export(sql, query, position));
  const head = format === "csv" ? `${(list.parameters.csv ?? []).join(",")}\r\n` : "";
  const { text, next } = await readBlock();
  return {
    status: 200,
    headers: {
      "Content-Type": CONTENT_TYPES[format],
      "Content-Disposition": `attachment; filename="${path.slice(1)}.${format}"`,
      "Cache-Control": "no-store",
    },
    body: streamOf({ text: head + text, next }, readBlock, report),
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
