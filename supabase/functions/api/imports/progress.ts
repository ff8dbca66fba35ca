/** Reading an import: its state, as JSON or as server-sent events, and its rejected rows as CSV. */
import { saga, type SagaContext, StreamReply } from "../../_shared/operation.ts";
import * as z from "zod";
import { importParams } from "./access.ts";
import { writeCsv } from "./csv.ts";
import { getImport, readRejections, type Rejection, toImport } from "./queries.ts";
import { Import } from "./schema.ts";

const ENDED = [
  "completed",
  "failed",
  "cancelled",
  "undone",
  "ready",
  "incomplete",
  "awaiting_upload",
];
/** How often the events look at the import, and for how long. A client then opens them again. */
const EVENT_MS = 500;
const EVENTS_MS = 120_000;

export const readImport = saga({
  id: "imports.get",
  method: "GET",
  path: "/imports/:id",
  summary: "Get an import",
  description:
    "With `Accept: text/event-stream` the answer is a stream of events `progress`, each with the " +
    "import as JSON, until it has ended.",
  access: "member",
  params: importParams,
  output: Import,
  events: true,
  run: async ({ step }: SagaContext, { params, accept = "" }) => {
    const read = () => step(async (sql) => toImport(await getImport(sql, params.id)));
    const first = await read();
    return accept.includes("text/event-stream") ? events(first, read) : first;
  },
});

/** Source: https://html.spec.whatwg.org/multipage/server-sent-events.html */
function events(first: Import, read: () => Promise<Import>): StreamReply {
  const encoder = new TextEncoder();
  const deadline = performance.now() + EVENTS_MS;
  let next: Import | undefined = first;
  let last = "";
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      next ??= await changed(read, last, deadline);
      if (!next) return controller.close();
      last = next.updated_at;
      controller.enqueue(encoder.encode(`event: progress\ndata: ${JSON.stringify(next)}\n\n`));
      if (ENDED.includes(next.state)) controller.close();
      next = undefined;
    },
  });
  return new StreamReply(stream, {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
  });
}

/** Returns the import when it has changed; undefined when the time is over. */
async function changed(
  read: () => Promise<Import>,
  last: string,
  deadline: number,
): Promise<Import | undefined> {
  while (performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, EVENT_MS));
    const state = await read();
    if (state.updated_at !== last) return state;
  }
  return undefined;
}

/** Rejected rows that are read at once. */
const BLOCK = 1_000;

export const rejectedRows = saga({
  id: "imports.rejected",
  method: "GET",
  path: "/imports/:id/rejected",
  summary: "Download the rejected rows as CSV",
  description:
    "The columns of the file, and `import_error` with the reasons. Mend the rows and import the file.",
  access: "member",
  params: importParams,
  output: z.string(),
  contentType: "text/csv",
  run: async ({ step }: SagaContext, { params: { id } }) => {
    const read = (after: number) => step((sql) => readRejections(sql, id, after, BLOCK));
    // The first block is read before the answer begins, so that a failure still has a status.
    const { columns } = await step((sql) => getImport(sql, id));
    const first = await read(-1);
    return rejectionsCsv(columns.map(({ column }) => column), first, read);
  },
});

function rejectionsCsv(
  headers: string[],
  first: Rejection[],
  read: (after: number) => Promise<Rejection[]>,
): StreamReply {
  const encoder = new TextEncoder();
  let rows = first;
  let lines = [[...headers.map(safeCell), "import_error"]];
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      lines.push(...rows.map((row) => lineOf(row, headers.length)));
      if (lines.length > 0) controller.enqueue(encoder.encode(`${writeCsv(lines)}\r\n`));
      lines = [];
      const last = rows.at(-1)?.row_number;
      if (rows.length < BLOCK || last === undefined) return controller.close();
      rows = await read(last);
    },
  });
  return new StreamReply(stream, {
    "Content-Type": "text/csv; charset=utf-8; header=present",
    "Content-Disposition": 'attachment; filename="rejected.csv"',
    "Cache-Control": "no-store",
  });
}

function lineOf({ cells, errors }: Rejection, width: number): string[] {
  const texts = cells.slice(0, width).map(safeCell);
  while (texts.length < width) texts.push("");
  const reasons = errors.map(({ column, reason }) =>
    column === null ? reason : `${column}: ${reason}`
  );
  return [...texts, safeCell(reasons.join(" "))];
}

/** A spreadsheet must not take a cell for a formula. The import removes the apostrophe. */
function safeCell(cell: unknown): string {
  const text = typeof cell === "string" ? cell : cell === null ? "" : listText(cell);
  return /^[-=+@\t\r]/.test(text) ? `'${text}` : text;
}

/** Tags are written as the export of contacts writes them. */
function listText(cell: unknown): string {
  const isPlain = Array.isArray(cell) && cell.every((item) => typeof item !== "object");
  return isPlain ? cell.join(", ") : JSON.stringify(cell);
}
