/**
 * Continues an import, one transaction after the other, until it is finished. Whoever continues it
 * locks its row, so that two at the same time do no work twice.
 */
import type { Member, Sql } from "../../_shared/database/database.ts";
import type { Transaction } from "../../_shared/operation.ts";
import { Problem } from "../../_shared/problem.ts";
import type { Storage } from "../../_shared/storage.ts";
import { undoChange } from "../changes/undo.ts";
import { CHUNK_ROWS, importChunk } from "./chunk.ts";
import { restart, setImport, type StoredImport, tryLockImport } from "./queries.ts";
import { createFileReader, type FileReader } from "./source.ts";

/** What continuing an import needs: the rights of its member, and the files. */
export interface Worker {
  /** Each with a time limit of its own. */
  step: Transaction;
  storage: Storage;
  /** Receives the problem that ends the import. */
  failed?(problem: Problem): void;
}

/**
 * How much one call of the function does: the platform ends a worker after 2 seconds of CPU, and a
 * chunk takes about 0.05 seconds.
 */
export interface Budget {
  chunks: number;
  /** On the clock of `performance.now()`. */
  deadline: number;
}

const CHUNKS = 20;

/** Returns the budget of one call. */
export function budgetOf(milliseconds: number): Budget {
  return { chunks: CHUNKS, deadline: performance.now() + milliseconds };
}

/**
 * Continues an import within a budget, which it uses up. Then it hands the import to the job.
 * Returns whether nothing is left to do here, because it is finished or another request works on it.
 */
export async function continueImport(worker: Worker, id: string, budget: Budget): Promise<boolean> {
  const read = createFileReader(worker.storage);
  let rows = CHUNK_ROWS;
  while (budget.chunks > 0 && performance.now() < budget.deadline) {
    budget.chunks--;
    try {
      if (await step(worker, read, id, rows)) return true;
    } catch (error) {
      // A slow database finishes smaller chunks.
      const isSlow = error instanceof Problem && error.code === "database_timeout";
      if (!isSlow || rows <= SMALLEST_CHUNK) throw error;
      rows = Math.ceil(rows / 4);
    }
  }
  return await worker.step(async (sql) => {
    const stored = await tryLockImport(sql, id);
    if (stored) await setImport(sql, id, { due_at: new Date(0).toISOString() });
    return !stored;
  });
}

const SMALLEST_CHUNK = 50;

/**
 * One transaction. Returns whether nothing is left to do. A wrong file ends the import, and so does an
 * error that nobody expects: the same rows would cause it again.
 */
async function step(
  { step, failed }: Worker,
  read: FileReader,
  id: string,
  rows: number,
): Promise<boolean> {
  try {
    return await step(async (sql, member) => {
      const stored = await tryLockImport(sql, id);
      if (!stored) return true;
      return await work(sql, member, read, stored, rows);
    });
  } catch (error) {
    const detail = reasonOf(error);
    if (detail === undefined) throw error;
    await step((sql) => fail(sql, id, detail));
    if (detail === UNEXPECTED) throw error;
    if (error instanceof Problem) failed?.(error);
    return true;
  }
}

/** Why an import cannot go on. Undefined when it can at another time, or as another member. */
function reasonOf(error: unknown): string | undefined {
  if (!(error instanceof Problem) || error.code === "internal") return UNEXPECTED;
  return error.status >= 500 || error.status === 403 ? undefined : error.detail;
}

/** Without it the job would try the same rows again for ever. The error is logged as any other. */
const UNEXPECTED = "An unexpected error ended the import behind the rows that row_count counts. " +
  "Import the rows behind them in smaller files, to find the one.";

async function work(
  sql: Sql,
  member: Member,
  read: FileReader,
  stored: StoredImport,
  rows: number,
): Promise<boolean> {
  if (stored.state === "undoing") return await undoNext(sql, stored);
  if (stored.state !== "checking" && stored.state !== "running") return true;
  const isCheck = stored.state === "checking";
  const { isLast, rejected } = await importChunk(sql, member, read, stored, {
    keep: !isCheck,
    limit: rows,
  });
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
