/**
 * The jobs, for a scheduler with the secret key where the database has no pg_cron. A job works in steps of
 * one transaction each. Concurrent runs do no harm.
 */
import * as z from "zod";
import type { Sql } from "../../_shared/database/database.ts";
import { job, type JobContext, type Operation } from "../../_shared/operation.ts";
import { removeAttachments } from "../attachments/removals.ts";
import { fetchPictures } from "../pictures/fetch.ts";
import { continueImports } from "../imports/job.ts";
import { runSteps } from "./steps.ts";

/** Number of rows that one transaction deletes. */
const STEP_SIZE = 2_000;

const JobResult = z.object({
  ran: z.boolean().describe("`false` when another run is doing the same work."),
  purged: z.record(z.string(), z.int()).describe("Number of deleted rows, by table."),
  complete: z.boolean().describe("Whether no row is left to delete. `false`: run the job again."),
}).meta({ id: "JobResult" });
type JobResult = z.output<typeof JobResult>;

/** Deletes at most `STEP_SIZE` rows. `purged` is null when another run is doing the same work. */
type Step = (sql: Sql) => PromiseLike<{ purged: JobResult["purged"] | null }[]>;

const purgeTrash = job({
  id: "jobs.purge_trash",
  path: "/jobs/purge_trash",
  summary: "Purge the records that have been in the trash for 30 days",
  output: JobResult,
  run: (context) =>
    purge(context, (sql) =>
      sql`
        select gateway.purge_trash(interval '30 days', ${STEP_SIZE}::integer) as purged`),
});

const purgeIdempotencyKeys = job({
  id: "jobs.purge_idempotency_keys",
  path: "/jobs/purge_idempotency_keys",
  summary: "Delete expired idempotency keys and old rate limits",
  output: JobResult,
  run: (context) =>
    purge(context, (sql) =>
      sql`
        select gateway.purge_idempotency_keys(${STEP_SIZE}::integer) as purged`),
});

const keepLog = job({
  id: "jobs.keep_log",
  path: "/jobs/keep_log",
  summary: "Add partitions of the log for the next months, and drop old ones",
  description: "Entries are dropped by whole months, `LOG_RETENTION_DAYS` after the month's end.",
  output: JobResult,
  run: async (context) => {
    const { logRetentionDays } = context.settings;
    await purge(context, (sql) => sql`select gateway.add_log_partition() as purged`);
    return await purge(context, (sql) =>
      sql`
        select gateway.drop_log_partition(
          make_interval(days => ${logRetentionDays}::integer)
        ) as purged`);
  },
});

async function purge({ transaction, requestId }: JobContext, step: Step): Promise<JobResult> {
  const result: JobResult = { ran: false, purged: {}, complete: false };
  await runSteps(async () => {
    const [row] = await transaction(async (sql) => {
      await sql`select set_config('portico.request_id', ${requestId}, true)`;
      return await step(sql);
    });
    if (!row?.purged) return true;
    result.ran = true;
    result.complete = Object.values(row.purged).every((count) => count === 0);
    addCounts(result.purged, row.purged);
    return result.complete;
  });
  return result;
}

function addCounts(sum: JobResult["purged"], counts: JobResult["purged"]): void {
  for (const [table, count] of Object.entries(counts)) sum[table] = (sum[table] ?? 0) + count;
}

export const operations: readonly Operation[] = [
  purgeTrash,
  purgeIdempotencyKeys,
  keepLog,
  removeAttachments,
  fetchPictures,
  continueImports,
];
