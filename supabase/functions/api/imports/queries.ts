/** SQL of imports: the list, one import, its state and its rejected rows. */
import type { Sql } from "../../_shared/database/database.ts";
import { listing } from "../../_shared/list/list.ts";
import { found } from "../../_shared/problem.ts";
import { imports } from "../../_shared/schema.ts";
import type { Draft } from "./convert.ts";
import { missingFields } from "./mapping.ts";
import type { Layout } from "./reader.ts";
import { type Import, ImportSummary } from "./schema.ts";

export const importsList = listing({
  relation: imports,
  record: ImportSummary,
  defaultSort: "-created_at,-id",
});

/** An import with what only the gateway reads. */
export interface StoredImport extends Omit<Import, "missing" | "upload"> {
  layout: Layout | null;
  due_at: string;
  path: string | null;
  on_conflict: "refuse" | "keep" | "revert";
}

/** Reads an import. Throws `Problem` `not_found`. */
export async function getImport(sql: Sql, id: string): Promise<StoredImport> {
  const [row] = await sql<{ record: StoredImport }[]>`
    select to_jsonb(imports) - '{user_id,workspace_id}'::text[] as record
    from imports
    where id = ${id}::uuid`;
  return found(row, "import").record;
}

/** As `getImport`, and keeps other requests from changing the import in this transaction. */
export async function lockImport(sql: Sql, id: string): Promise<StoredImport> {
  await sql`select private.lock_import(${id}::uuid, true)`;
  return await getImport(sql, id);
}

/** As `lockImport`. Undefined while another request works on the import, or when it has gone. */
export async function tryLockImport(sql: Sql, id: string): Promise<StoredImport | undefined> {
  const [row] = await sql<{ locked: boolean }[]>`
    select private.lock_import(${id}::uuid, false) as locked`;
  return row?.locked ? await getImport(sql, id) : undefined;
}

/** The import as answers show it. */
export function toImport(stored: StoredImport): Import {
  const { layout: _layout, due_at: _dueAt, path: _path, on_conflict: _onConflict, ...shown } =
    stored;
  return { ...shown, missing: missing(stored) };
}

function missing({ record_type, columns, state }: StoredImport): string[] {
  return state === "awaiting_upload" ? [] : missingFields(record_type, columns);
}

/** Values of an import that the gateway sets. */
export type ImportChange = Partial<Omit<StoredImport, "id" | "path">>;

/** Changes an import. */
export async function setImport(sql: Sql, id: string, changes: ImportChange): Promise<void> {
  await sql`
    select private.change_import(${id}::uuid, ${storableJson(changes)}::text::jsonb)`;
}

/** Starts a run at the beginning of the file: removes the counts and rejections of the last one. */
export async function restart(
  sql: Sql,
  { id, layout }: StoredImport,
  state: "checking" | "running",
): Promise<void> {
  await sql`select private.clear_import_rejections(${id}::uuid)`;
  const counts = { created_count: 0, updated_count: 0, skipped_count: 0, rejected_count: 0 };
  await setImport(sql, id, {
    state,
    position: layout?.start ?? 0,
    row_count: 0,
    ...counts,
    error: null,
  });
}

/** Stores the rows that broke a rule. */
export async function storeRejections(sql: Sql, id: string, rejected: Draft[]): Promise<void> {
  if (rejected.length === 0) return;
  const rows = rejected.map(({ number, cells, errors }) => ({ row_number: number, cells, errors }));
  await sql`
    select private.reject_import_rows(${id}::uuid, ${storableJson(rows)}::text::jsonb)`;
}

/** JSON without the characters that Postgres cannot store. */
function storableJson(value: unknown): string {
  return JSON.stringify(
    value,
    (_, item) => typeof item === "string" ? item.replaceAll("\0", "").toWellFormed() : item,
  );
}

/** A rejected row. */
export interface Rejection {
  row_number: number;
  cells: unknown[];
  errors: { column: string | null; value: string | null; reason: string }[];
}

/** Reads the next rejected rows. */
export async function readRejections(
  sql: Sql,
  id: string,
  after: number,
  limit: number,
): Promise<Rejection[]> {
  return await sql<Rejection[]>`
    select row_number, cells, errors
    from private.rejected_import_rows(${id}::uuid, ${after}::integer, ${limit}::integer)`;
}
