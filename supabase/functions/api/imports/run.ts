/** Running an import, changing its mapping, cancelling and undoing it. */
import type { Sql } from "../../_shared/database/database.ts";
import { saga, type SagaContext, write } from "../../_shared/operation.ts";
import { nothing } from "../../_shared/fields.ts";
import type { Settings } from "../../_shared/settings.ts";
import { invariant, Problem } from "../../_shared/problem.ts";
import { importParams, managedImport } from "./access.ts";
import { budgetOf, continueImport } from "./continue.ts";
import { requireReady } from "./inspect.ts";
import { changeColumns, isComplete } from "./mapping.ts";
import { getImport, restart, setImport, type StoredImport, toImport } from "./queries.ts";
import { Import, ImportPatch, ImportUndoInput, ImportUndone, RunInput } from "./schema.ts";

/** How long a request undoes, or works in the background, before the job continues it. */
const UNDO_MS = 20_000;
const RUN_MS = 60_000;
/** How long a call of the job may take: the time of the job, and that of its last chunk. */
const JOB_MS = 60_000;

const RUNNING = ["checking", "running", "undoing"];

export const changeImport = write({
  id: "imports.update",
  method: "PATCH",
  path: "/imports/:id",
  summary: "Change the mapping and the options of an import",
  access: "member",
  allowed: "owner",
  params: importParams,
  body: ImportPatch,
  example: { policy: "update" },
  output: Import,
  problems: ["import_running"],
  run: async ({ sql, member }, { params, body }) => {
    const stored = await managedImport(sql, member, params.id);
    requireIdle(stored);
    const { columns: changes, ...values } = body;
    const columns = changeColumns(stored.record_type, stored.columns, changes);
    await setImport(sql, params.id, { ...values, columns, ...stateAfter(stored, columns) });
    return toImport(await getImport(sql, params.id));
  },
});

function stateAfter({ state, record_type }: StoredImport, columns: Import["columns"]) {
  if (state !== "ready" && state !== "incomplete") return {};
  const complete = isComplete(record_type, columns);
  return { state: complete ? "ready" as const : "incomplete" as const };
}

function requireIdle({ state }: StoredImport): void {
  if (!RUNNING.includes(state)) return;
  throw new Problem(
    "import_running",
    "Wait until the import has ended, or cancel it by POST /imports/{id}/cancel.",
  );
}

export const runImport = saga({
  id: "imports.run",
  method: "POST",
  path: "/imports/:id/run",
  summary: "Run an import",
  description:
    "The answer does not wait for the end. GET /imports/{id} shows the progress. With `dry_run` the " +
    "same work is rolled back, and the counts and the rejected rows remain. A run that was " +
    "cancelled continues where it ended, and a completed import stays as it is.",
  access: "member",
  allowed: "owner",
  params: importParams,
  body: RunInput,
  example: { dry_run: false },
  output: Import,
  status: 202,
  problems: ["import_running", "import_not_ready"],
  run: async (
    { transaction, step, settings, storage, background }: SagaContext,
    { params, body },
  ) => {
    const started = await transaction(async (sql, member) => {
      const stored = await managedImport(sql, member, params.id);
      const isDone = stored.state === "completed" && !stored.dry_run;
      const isOther = stored.state === "undoing" || stored.dry_run !== (body.dry_run ?? false);
      if (isOther) requireIdle(stored);
      if (!isDone && !RUNNING.includes(stored.state)) {
        requireReady(stored);
        if (body.dry_run && isBegun(stored)) throw begun();
        await startRun(sql, stored, body.dry_run ?? false);
      }
      return toImport(await getImport(sql, params.id));
    });
    background(async () => {
      const isDone = await continueImport({ step, storage }, params.id, budgetOf(RUN_MS));
      if (!isDone) await callJob(settings);
    });
    return started;
  },
});

/**
 * The function calls its own job, because each call has CPU time of its own. When the process ends
 * meanwhile, the scheduler's next call of the job continues the import.
 */
async function callJob({ supabaseUrl, secretKey }: Settings): Promise<void> {
  for (let complete = false; !complete;) {
    const answer = await fetch(`${supabaseUrl}/functions/v1/api/jobs/continue_imports`, {
      method: "POST",
      headers: { apikey: secretKey },
      signal: AbortSignal.timeout(JOB_MS),
    });
    if (!answer.ok) throw new Error(`The job answered ${answer.status}`);
    ({ complete } = await answer.json());
  }
}

/** Whether a run has imported a part of the file and was ended. */
function isBegun({ state, position, layout, size, dry_run }: StoredImport): boolean {
  const isInside = position > (layout?.start ?? 0) && position < (size ?? 0);
  return isInside && !dry_run && ["cancelled", "failed"].includes(state);
}

/** A dry run would forget the position, and the next run would import the first rows again. */
function begun(): Problem {
  return new Problem(
    "import_not_ready",
    "A part of the file is imported. Run the import to its end, or undo it, before a dry run.",
  );
}

async function startRun(sql: Sql, stored: StoredImport, dryRun: boolean): Promise<void> {
  const { id, all_or_nothing } = stored;
  const next = dryRun || all_or_nothing ? "checking" : "running";
  if (isBegun(stored)) await setImport(sql, id, { state: "running", error: null });
  else await restart(sql, stored, next);
  const started_at = new Date().toISOString();
  await setImport(sql, id, { dry_run: dryRun, started_at, finished_at: null });
}

export const cancelImport = write({
  id: "imports.cancel",
  method: "POST",
  path: "/imports/:id/cancel",
  summary: "Cancel a run",
  description:
    "What it has imported stays. POST /imports/{id}/run continues it, and POST /imports/{id}/undo " +
    "takes it back. An import that does not run stays as it is.",
  access: "member",
  allowed: "owner",
  params: importParams,
  output: Import,
  problems: ["import_running"],
  run: async ({ sql, member }, { params }) => {
    const { state } = await managedImport(sql, member, params.id);
    if (state === "undoing") throw new Problem("import_running", "Wait until the undo has ended.");
    if (RUNNING.includes(state)) await setImport(sql, params.id, { state: "cancelled" });
    return toImport(await getImport(sql, params.id));
  },
});

export const removeImport = write({
  id: "imports.delete",
  method: "DELETE",
  path: "/imports/:id",
  summary: "Remove an import that does not run, with its file",
  description: "Its records stay, and it cannot be undone as a whole any more.",
  access: "member",
  allowed: "owner",
  params: importParams,
  output: nothing,
  status: 204,
  problems: ["import_running"],
  run: async ({ sql, member }, { params }) => {
    requireIdle(await managedImport(sql, member, params.id));
    await sql`select private.delete_import(${params.id}::uuid)`;
  },
});

export const undoImport = saga({
  id: "imports.undo",
  method: "POST",
  path: "/imports/:id/undo",
  summary: "Undo an import",
  description:
    "Takes back the changes of the import, the newest first. A long undo is complete after several " +
    "requests.",
  access: "member",
  allowed: "owner",
  params: importParams,
  body: ImportUndoInput,
  example: { on_conflict: "refuse" },
  output: ImportUndone,
  problems: ["import_running", "undo_conflict", "undo_expired", "owner_change_not_allowed"],
  run: async ({ transaction, step, storage }: SagaContext, { params, body }) => {
    const before = await transaction(async (sql, member) => {
      const stored = await managedImport(sql, member, params.id);
      if (stored.state !== "undoing") requireIdle(stored);
      const left = await countChanges(sql, params.id);
      if (left > 0) {
        const { on_conflict } = body;
        await setImport(sql, params.id, { state: "undoing", error: null, on_conflict });
      }
      return left;
    });
    let problem: Problem | undefined;
    const failed = (failure: Problem) => void (problem = failure);
    await continueImport({ step, storage, failed }, params.id, budgetOf(UNDO_MS));
    if (problem) throw problem;
    return await step(async (sql) => {
      const { state, error } = await getImport(sql, params.id);
      if (state === "failed" && before > 0 && error) throw failedElsewhere(error);
      const left = await countChanges(sql, params.id);
      return { undone: before - left, complete: left === 0 };
    });
  },
});

/** The problem of an undo that another request has ended. Its conflicts are not known here. */
function failedElsewhere(error: string): Problem {
  const members = { conflicts: [], number_of_conflicts: 0 };
  return new Problem("undo_conflict", error, { members });
}

/** Counts the changes of an import that are not undone. */
async function countChanges(sql: Sql, id: string): Promise<number> {
  const [row] = await sql<{ count: number }[]>`
    select count(*)::float8 as count from changes
    where import_id = ${id}::uuid and undone_by is null and undoes is null`;
  return invariant(row, "A count returned no row").count;
}
