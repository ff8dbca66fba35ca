/**
 * A chunk: at most 1,000 rows of a file, in one transaction, which also moves the position in the
 * file. So a chunk that is interrupted has changed nothing, and none is done twice.
 */
import type { Member, Sql } from "../../_shared/database/database.ts";
import { invariant } from "../../_shared/problem.ts";
import { getConfiguration } from "../configuration/queries.ts";
import { type Configured, convert, type Draft, mappedCells } from "./convert.ts";
import { invalidFile } from "./mapping.ts";
import { setImport, type StoredImport, storeRejections } from "./queries.ts";
import { type Block, BLOCK_BYTES, type Layout, readBlock, tooLong } from "./reader.ts";
import { makeMissing, readKnown, resolve } from "./references.ts";
import type { FileReader } from "./source.ts";
import { assign, type Matching } from "./targets.ts";
import { countRows, readCandidates, writeTargets, type Written } from "./write.ts";

/** Rows of a usual chunk. */
export const CHUNK_ROWS = 1_000;
/** With more rejected rows the import ends: its mapping is wrong. */
const MAXIMUM_REJECTED = 10_000;

/** How a chunk is done. */
interface Manner {
  /** Whether the records stay. Otherwise they are rolled back, and only the counts remain. */
  keep: boolean;
  /** Rows of the chunk, at most. */
  limit: number;
}

/** What a chunk did. */
export interface ChunkResult {
  /** Whether the file has no further row. */
  isLast: boolean;
  rejected: number;
}

/**
 * Imports the next rows of a locked import.
 * @throws Problem `invalid_file`.
 */
export async function importChunk(
  sql: Sql,
  member: Member,
  read: FileReader,
  stored: StoredImport,
  { keep, limit }: Manner,
): Promise<ChunkResult> {
  const { row_count } = stored;
  const layout = invariant(stored.layout, "A running import has no layout");
  const size = invariant(stored.size, "A running import has no size");
  const block = await nextRows(sql, read, stored, { layout, size, limit });
  const { drafts, written } = await importRows(sql, member, stored, block.rows, keep);
  const rejected = drafts.filter(({ errors }) => errors.length > 0);
  if (stored.rejected_count + rejected.length > MAXIMUM_REJECTED) {
    throw invalidFile(`More than ${MAXIMUM_REJECTED} rows were rejected. Check the mapping.`);
  }
  await storeRejections(sql, stored.id, rejected);
  await setImport(sql, stored.id, {
    position: block.position,
    row_count: row_count + block.rows.length,
    created_count: stored.created_count + written.created,
    updated_count: stored.updated_count + written.updated,
    skipped_count: stored.skipped_count + written.skipped,
    rejected_count: stored.rejected_count + rejected.length,
  });
  return { isLast: block.position >= size, rejected: rejected.length };
}

/** Bytes of the first chunk. Later ones have room for rows as long as those before. */
const FIRST_BYTES = 262_144;
const ROOM = 1.2;

/** Reads only as much as the chunk needs, because text that is not used is garbage for V8. */
async function nextRows(
  sql: Sql,
  read: FileReader,
  stored: StoredImport,
  { layout, size, limit }: { layout: Layout; size: number; limit: number },
): Promise<Block> {
  const { position, row_count: number } = stored;
  const blockOf = (bytes: Uint8Array) => {
    const isLast = position + bytes.length >= size;
    return readBlock(bytes, layout, { position, limit, isLast });
  };
  const rowBytes = (position - layout.start) / number;
  const expected = number === 0 ? FIRST_BYTES : Math.ceil(rowBytes * limit * ROOM);
  if (expected < BLOCK_BYTES) {
    const near = blockOf(await read(sql, stored, expected));
    if (near.position >= size || near.rows.length >= limit / 2) return near;
  }
  const block = blockOf(await read(sql, stored, BLOCK_BYTES));
  if (block.rows.length > 0 || block.position >= size) return block;
  throw tooLong(number + 1);
}

async function importRows(
  sql: Sql,
  member: Member,
  stored: StoredImport,
  rows: unknown[][],
  keep: boolean,
): Promise<{ drafts: Draft[]; written: Written }> {
  await sql`select set_config('portico.import_id', ${stored.id}, true)`;
  if (!keep) await sql`savepoint import_chunk`;
  const drafts = await convertRows(sql, stored, rows);
  const written = await writeRows(sql, member, stored, drafts);
  if (!keep) await sql`rollback to savepoint import_chunk`;
  nameColumns(stored, drafts);
  return { drafts, written };
}

async function convertRows(
  sql: Sql,
  { record_type, columns, row_count }: StoredImport,
  rows: unknown[][],
): Promise<Draft[]> {
  const cells = mappedCells(record_type, columns);
  const needsConfiguration = cells.some(({ definition }) => definition.kind === "configured");
  const configured = needsConfiguration ? await readConfigured(sql) : {};
  return rows.flatMap((row, index) => {
    if (row.every((cell) => cell === "" || cell === null)) return [];
    const draft = convert(row, row_count + index + 1, cells, configured);
    if (row.slice(columns.length).some((cell) => cell !== "")) draft.errors.push(TOO_MANY_CELLS);
    return [draft];
  });
}

const TOO_MANY_CELLS = {
  column: null,
  value: null,
  reason: "The row has more cells than the header. Check its quotation marks.",
};

/** Stages, categories and types with their labels. */
async function readConfigured(sql: Sql): Promise<Configured> {
  const { config } = await getConfiguration(sql);
  const lists = ["dealStages", "dealCategories", "taskTypes"] as const;
  return Object.fromEntries(lists.map((list) => [
    list,
    config[list].map(({ value, label }) => ({ value, label: label ?? value })),
  ]));
}

async function writeRows(
  sql: Sql,
  member: Member,
  stored: StoredImport,
  drafts: Draft[],
): Promise<Written> {
  const { record_type, source, policy, match_on } = stored;
  const matching: Matching = { recordType: record_type, policy, matchOn: match_on, source };
  const valid = drafts.filter(({ errors }) => errors.length === 0);
  if (valid.length === 0) return { created: 0, updated: 0, skipped: 0 };
  const known = await readKnown(sql, record_type, source, valid);
  await makeMissing(sql, valid, known);
  for (const draft of valid) resolve(draft, record_type, known);
  const resolved = valid.filter(({ errors }) => errors.length === 0);
  const candidates = await readCandidates(sql, matching, resolved, known);
  const { targets, left } = assign(resolved, matching, candidates);
  const written = countRows(targets, await writeTargets(sql, record_type, member, targets));
  return { ...written, skipped: written.skipped + left.size };
}

/** Gives the errors of fields the headers of their columns, and the values. */
function nameColumns({ columns }: StoredImport, drafts: Draft[]): void {
  const byField = new Map(columns.map(({ column, field }, index) => [field, { column, index }]));
  for (const { errors, cells } of drafts) {
    for (const error of errors) {
      const { field } = error;
      if (field === undefined) continue;
      delete error.field;
      const { column = field, index = -1 } = byField.get(field) ?? {};
      const cell = cells[index];
      error.column = column;
      error.value ??= typeof cell === "string" ? cell.slice(0, 200) : null;
    }
  }
}
