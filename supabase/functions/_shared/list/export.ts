/**
 * Exports: a list as a stream of lines. Each block of records is read in a transaction of its own, when
 * the client has taken the one before: memory does not grow with the list, and no connection waits for
 * a slow client. What fails before the first byte is a problem; after it the stream breaks off.
 */
import type { Sql } from "../database/database.ts";
import type { Listing } from "./list.ts";
import type { ExportBlock, ExportPosition } from "./exportBlock.ts";
import type { ListQuery } from "./parse.ts";

type ExportQuery = ListQuery & { format: "csv" | "ndjson" };

export interface StreamedAnswer {
  status: 200;
  headers: Record<string, string>;
  /** Of bytes. */
  body: ReadableStream;
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
  listing: Listing,
  query: ExportQuery,
  path: string,
  read: Read,
  report: (error: unknown) => void,
): Promise<StreamedAnswer> {
  const { format } = query;
  const readBlock = (position?: ExportPosition) =>
    read((sql) => listing.export(sql, query, position));
  const end = format === "csv" ? "\r\n" : "\n";
  const head = format === "csv" ? [(listing.offer.csv ?? []).join(",")] : [];
  const { lines, next } = await readBlock();
  return {
    status: 200,
    headers: {
      "Content-Type": CONTENT_TYPES[format],
      "Content-Disposition": `attachment; filename="${path.slice(1)}.${format}"`,
      "Cache-Control": "no-store",
    },
    body: linesOf({ lines: [...head, ...lines], next }, readBlock, end, report),
  };
}

function linesOf(
  first: ExportBlock,
  readBlock: (position: ExportPosition) => Promise<ExportBlock>,
  end: string,
  report: (error: unknown) => void,
): ReadableStream {
  const encoder = new TextEncoder();
  let block: ExportBlock | undefined = first;
  let next: ExportPosition | undefined;
  let left = false;
  return new ReadableStream({
    async pull(controller) {
      try {
        block ??= next && await readBlock(next);
        if (left) return;
        if (!block) return controller.close();
        controller.enqueue(encoder.encode(block.lines.map((line) => line + end).join("")));
        next = block.next;
        block = undefined;
      } catch (error) {
        report(error);
        controller.error(error);
      }
    },
    cancel() {
      left = true;
    },
  });
}
