/**
 * Continues an import, one transaction after the other, until it is finished. Whoever continues it
 * locks its row, so that two at the same time do no work twice.
 */
import type { Member, Sql } from "../../_shared/database/database.ts";
import type { Transaction } from "../../_shared/operation.ts";
import { Problem } from "../../_shared/problem.ts";
import type { Storage } from "../../_shared/storage.ts";
import { undoChange } from "../changes/undo.ts";
import { importChunk } from "./chunk.ts";
import { restart, setImport, type StoredImport, tryLockImport } from "./queries.ts";
import { createFileReader, type FileReader } from "./source.ts";

/** What continuing an import needs: the rights of its member, and the files. */
export interface Worker {
  transaction: Transaction;
  storage: Storage;
}

/** Continues an import until it is finished, another request works on it, or the time is over. */
export async function continueImport(
  worker: Worker,
  id: string,
  milliseconds = Infinity,
): Promise<void> {
  const deadline = performance.now() + milliseconds;
  const read = createFileReader(worker.storage);
  while (performance.now() < deadline) {
    if (await step(worker, read, id)) return;
  }
}

/** One transaction. Returns whether nothing is left to do. A wrong file ends the import. */
async function step(
  { transaction }: Worker,
  read: FileReader,
  id: string,
): Promise<boolean> {
  try {
    return await transaction(async (sql, member) => {
      const stored = await tryLockImport(sql, id);
      if (!stored) return true;
      return await work(sql, member, read, stored);
    });
  } catch (error) {
    if (!(error instanceof Problem) || error.status >= 500 || error.status === 403) throw error;
    await transaction((sql) => fail(sql, id, error.detail));
    return true;
  }
}

async function work(
  sql: Sql,
  member: Member,
  read: FileReader,
  stored: StoredImport,
): Promise<boolean> {
  if (stored.state === "undoing") return await undoNext(sql, stored);
  if (stored.state !== "checking" && stored.state !== "running") return true;
  const isCheck = stored.state === "checking";
  const { isLast, rejected } = await importChunk(sql, member, read, stored, !isCheck);
  if (!isCheck && stored.all_or_nothing && rejected > 0) {
    const error = "A row was rejected, so everything was taken back.";
    await setImport(sql, stored.id, { state: "undoing", error, on_conflict: "keep" });
    return false;
  }
  if (!isLast) return false;
  return isCheck
    ? await finishCheck(sql, stored, stored.rejected_count + rejected)
    : await finish(sql, stored, "completed");
}

async function finishCheck(sql: Sql, stored: StoredImport, rejected: number): Promise<boolean> {
  if (stored.dry_run) return await finish(sql, stored, "completed");
  if (rejected === 0) {
    await restart(sql, stored, "running");
    return false;
  }
  const error = "Nothing was imported, because rows were rejected. See GET /imports/{id}/rejected.";
  return await finish(sql, stored, "failed", error);
}

/** An import that changed nothing starts at the beginning the next time. */
async function finish(
  sql: Sql,
  { id, layout, state }: StoredImport,
  end: "completed" | "failed",
  error: string | null = null,
): Promise<boolean> {
  const position = state === "checking" ? { position: layout?.start ?? 0 } : {};
  const finished_at = new Date().toISOString();
  await setImport(sql, id, { state: end, error, finished_at, ...position });
  return true;
}

async function fail(sql: Sql, id: string, error: string): Promise<void> {
  const stored = await tryLockImport(sql, id);
  if (!stored || !["checking", "running", "undoing"].includes(stored.state)) return;
  await finish(sql, stored, "failed", error);
}

/** Undoes the newest change of an import that has not been undone. */
async function undoNext(sql: Sql, stored: StoredImport): Promise<boolean> {
  const { id, layout, error, on_conflict } = stored;
  const [change] = await sql<{ id: string }[]>`
    select id from changes
    where import_id = ${id}::uuid and undone_by is null and undoes is null
    order by created_at desc, transaction_id desc
    limit 1`;
  if (change) {
    await undoChange(sql, change.id, { on_conflict });
    return false;
  }
  await setImport(sql, id, {
    state: error === null ? "undone" : "failed",
    position: layout?.start ?? 0,
  });
  return true;
}
