/** Inspecting a file: finds its layout and its columns, and maps them to fields. */
import type { Sql } from "../../_shared/database/database.ts";
import { saga, type SagaContext } from "../../_shared/operation.ts";
import { invariant, Problem } from "../../_shared/problem.ts";
import type { Storage } from "../../_shared/storage.ts";
import { importParams, managedImport } from "./access.ts";
import { BrokenLine } from "./brokenLine.ts";
import { type Format, formatOf } from "./format.ts";
import { invalidFile, isComplete, mapColumns } from "./mapping.ts";
import { getImport, setImport, type StoredImport, toImport } from "./queries.ts";
import { BLOCK_BYTES, readBlock, readLayout, tooLong } from "./reader.ts";
import { Import, MAXIMUM_SIZE } from "./schema.ts";
import { BUCKET, notUploaded, readBytes } from "./source.ts";

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
  const part = await storage.bytes({ bucket: BUCKET, path }, 0, BLOCK_BYTES);
  if (!part || part.size === 0) throw notUploaded();
  const { bytes, size } = part;
  if (size > MAXIMUM_SIZE) throw invalidFile(`Use a file of at most ${MAXIMUM_SIZE} bytes.`);
  const format = formatOf(bytes, stored.format);
  if (format !== "xlsx") return await inspect(sql, stored, format, bytes, size);
  if (size > MAXIMUM_XLSX) {
    throw invalidFile("Save a workbook of more than 10 MB as CSV, then import that file.");
  }
  const whole = size <= bytes.length ? bytes : await readBytes(sql, storage, stored, 0, size);
  await convertWorkbook(sql, stored, whole);
}

/** Stores a file that came with the request, and inspects it. */
export async function storeContent(sql: Sql, stored: Inspected, bytes: Uint8Array): Promise<void> {
  const format = formatOf(bytes, stored.format);
  if (format === "xlsx") return await convertWorkbook(sql, stored, bytes);
  await sql`select private.set_import_file(${stored.id}::uuid, ${bytes})`;
  await inspect(sql, stored, format, bytes.subarray(0, BLOCK_BYTES), bytes.length);
}

type Inspected = Pick<StoredImport, "id" | "format" | "record_type">;

/**
 * Stores the first sheet of a workbook as CSV, in parts, so that the function never holds all of it.
 * The library loads with the first workbook.
 */
async function convertWorkbook(sql: Sql, stored: Inspected, bytes: Uint8Array): Promise<void> {
  const { csvOfWorkbook } = await import("./xlsx.ts");
  let first: Uint8Array | undefined;
  let size = 0;
  for (const part of csvOfWorkbook(bytes)) {
    if (first) await sql`select private.append_import_file(${stored.id}::uuid, ${part})`;
    else await sql`select private.set_import_file(${stored.id}::uuid, ${part})`;
    first ??= part.subarray(0, BLOCK_BYTES);
    size += part.length;
  }
  await inspect(sql, stored, "xlsx", first ?? new Uint8Array(0), size);
}

async function inspect(
  sql: Sql,
  { id, record_type }: Inspected,
  format: Format,
  bytes: Uint8Array,
  size: number,
): Promise<void> {
  if (format === "vcard" && record_type !== "contacts") {
    throw invalidFile("A vCard file has contacts. Import it with the record_type contacts.");
  }
  const isLast = bytes.length >= size;
  const layout = readLayout(bytes, format === "xlsx" ? "csv" : format, isLast);
  const { start } = layout;
  const rest = bytes.subarray(start);
  const { rows } = readBlock(rest, layout, { position: start, limit: INSPECTED_ROWS, isLast });
  if (rows.length === 0 && !isLast) throw tooLong(1);
  const whole = rows.filter(([first]) => !(first instanceof BrokenLine));
  const columns = mapColumns(record_type, layout.headers, whole);
  const state = isComplete(record_type, columns) ? "ready" : "incomplete";
  await setImport(sql, id, { format, columns, layout, size, position: start, state });
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
