/**
 * Jobs over HTTP, for a scheduler with the secret key where the database has no pg_cron. A run works
 * in steps of one transaction each until nothing is left or its time is up; two at once do no harm.
 */
import * as z from "zod";
import type { Sql } from "../../_shared/database/database.ts";
import { job, type JobContext, type Operation } from "../../_shared/operation.ts";
import { removeAttachments } from "../attachments/removals.ts";

const TIME_MS = 20_000;
const STEP_SIZE = 2_000;

const JobResult = z.object({
  ran: z.boolean().describe("False: another run is at the same work."),
  purged: z.record(z.string(), z.int()).describe("Rows that were deleted, by table."),
  complete: z.boolean().describe("False: more is left for the next run."),
}).meta({ id: "JobResult" });
type JobResult = z.output<typeof JobResult>;

/** Deletes a limited number of rows; null when another run is at it. */
type Step = (sql: Sql) => PromiseLike<{ purged: JobResult["purged"] | null }[]>;

const purgeTrash = job({
  id: "jobs.purge_trash",
  path: "/jobs/purge_trash",
  summary: "Delete for good what has been in the trash for 30 days",
  output: JobResult,
  run: (context) =>
    runSteps(context, (sql) =>
      sql`
        select gateway.purge_trash(interval '30 days', ${STEP_SIZE}::integer) as purged`),
});

const purgeIdempotencyKeys = job({
  id: "jobs.purge_idempotency_keys",
  path: "/jobs/purge_idempotency_keys",
  summary: "Forget expired idempotency keys and old rate limits",
  output: JobResult,
  run: (context) =>
    runSteps(context, (sql) =>
      sql`
        select gateway.purge_idempotency_keys(${STEP_SIZE}::integer) as purged`),
});

async function runSteps({ transaction, requestId }: JobContext, step: Step): Promise<JobResult> {
  const deadline = performance.now() + TIME_MS;
  const result: JobResult = { ran: false, purged: {}, complete: false };
  while (!result.complete && performance.now() < deadline) {
    const [row] = await transaction(async (sql) => {
      await sql`select set_config('portico.request_id', ${requestId}, true)`;
      return await step(sql);
    });
    if (!row?.purged) return result;
    result.ran = true;
    result.complete = Object.values(row.purged).every((count) => count === 0);
    addCounts(result.purged, row.purged);
  }
  return result;
}

function addCounts(sum: JobResult["purged"], counts: JobResult["purged"]): void {
  for (const [table, count] of Object.entries(counts)) sum[table] = (sum[table] ?? 0) + count;
}

export const operations: readonly Operation[] = [
  purgeTrash,
  purgeIdempotencyKeys,
  removeAttachments,
];
