/** Inspecting a file: finds its layout and its columns, and maps them to fields. */
import type { Sql } from "../../_shared/database/database.ts";
import { saga, type SagaContext } from "../../_shared/operation.ts";
import { invariant, Problem } from "../../_shared/problem.ts";
import type { Storage } from "../../_shared/storage.ts";
import { importParams, managedImport } from "./access.ts";
import { invalidFile, isComplete, mapColumns } from "./mapping.ts";
import { getImport, setImport, type StoredImport, toImport } from "./queries.ts";
import { BLOCK_BYTES, readBlock, readLayout } from "./reader.ts";
import { Import, MAXIMUM_SIZE } from "./schema.ts";
import { BUCKET, notUploaded } from "./source.ts";

/** Rows that show the samples and the format of dates. */
const INSPECTED_ROWS = 2_000;
/** Bytes of an XLSX file. It is read in one piece. */
const MAXIMUM_XLSX = 10_000_000;

export const inspectImport = saga({
  id: "imports.inspect",
  method: "POST",
  path: "/imports/:id/inspect",
  summary: "Read the columns of an uploaded file",
  description: "For a file that was sent with the import this has been done.",
  access: "member",
  allowed: "owner",
  params: importParams,
  output: Import,
  problems: ["import_not_ready", "invalid_file", "storage_unavailable"],
  run: async ({ transaction, storage }: SagaContext, { params }) =>
    await transaction(async (sql, member) => {
      const stored = await managedImport(sql, member, params.id);
      if (stored.state === "awaiting_upload") await inspectUpload(sql, storage, stored);
      return toImport(await getImport(sql, params.id));
    }),
});

async function inspectUpload(sql: Sql, storage: Storage, stored: StoredImport): Promise<void> {
  const path = invariant(stored.path, "An import without a file has no path");
  const limit = stored.format === "xlsx" ? MAXIMUM_XLSX + 1 : BLOCK_BYTES;
  const part = await storage.bytes({ bucket: BUCKET, path }, 0, limit);
  if (!part || part.size === 0) throw notUploaded();
  if (part.size > MAXIMUM_SIZE) throw invalidFile(`Use a file of at most ${MAXIMUM_SIZE} bytes.`);
  if (stored.format !== "xlsx") return await inspect(sql, stored, part.bytes, part.size);
  if (part.size > MAXIMUM_XLSX) {
    throw invalidFile("Save a workbook of more than 10 MB as CSV, then import that file.");
  }
  await storeContent(sql, stored, part.bytes);
}

/** Stores a file that came with the request, and inspects it. */
export async function storeContent(
  sql: Sql,
  stored: Pick<StoredImport, "id" | "format" | "record_type">,
  bytes: Uint8Array,
): Promise<void> {
  const content = stored.format === "xlsx" ? await convertWorkbook(bytes) : bytes;
  await sql`select private.set_import_file(${stored.id}::uuid, ${content})`;
  await inspect(sql, stored, content.subarray(0, BLOCK_BYTES), content.length);
}

/** The first sheet of a workbook as CSV. The library loads with the first workbook. */
async function convertWorkbook(bytes: Uint8Array): Promise<Uint8Array> {
  const { readWorkbook } = await import("./xlsx.ts");
  const { writeCsv } = await import("./csv.ts");
  return new TextEncoder().encode(writeCsv(readWorkbook(bytes)));
}

async function inspect(
  sql: Sql,
  { id, format, record_type }: Pick<StoredImport, "id" | "format" | "record_type">,
  bytes: Uint8Array,
  size: number,
): Promise<void> {
  const isLast = bytes.length >= size;
  const layout = readLayout(bytes, format === "ndjson" ? "ndjson" : "csv", isLast);
  const { start } = layout;
  const rest = bytes.subarray(start);
  const block = { position: start, number: 0, limit: INSPECTED_ROWS, isLast };
  const { rows } = readBlock(rest, layout, block);
  const columns = mapColumns(record_type, layout.headers, rows);
  const state = isComplete(record_type, columns) ? "ready" : "incomplete";
  await setImport(sql, id, { columns, layout, size, position: start, state });
}

/** Throws `import_not_ready` unless the import can run. */
export function requireReady({ state, columns, record_type }: StoredImport): void {
  if (state === "awaiting_upload") throw notUploaded();
  if (isComplete(record_type, columns)) return;
  const lacking = columns.filter(({ needs }) => needs !== null).map(({ column }) => column);
  const detail = lacking.length > 0
    ? `Set date_format of these columns first: ${lacking.join(", ")}.`
    : "Map a column to one of the fields in `missing` first.";
  throw new Problem("import_not_ready", detail);
}
