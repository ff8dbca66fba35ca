/**
 * The job that removes files without references. The rows of the queue are locked while the storage server
 * removes the files. When it fails, the rows stay and the next run repeats the work.
 */
import * as z from "zod";
import { arraySql } from "../../_shared/database/database.ts";
import { job, type JobContext } from "../../_shared/operation.ts";
import type { StoredFile } from "../../_shared/storage.ts";
import { runSteps } from "../jobs/steps.ts";

/** Number of files that one transaction removes. */
const STEP_SIZE = 100;

const Removals = z.object({
  removed: z.int().describe("Number of removed files."),
  complete: z.boolean().describe("Whether no file is left to remove. `false`: run the job again."),
}).meta({ id: "AttachmentRemovals" });
type Removals = z.output<typeof Removals>;

export const removeAttachments = job({
  id: "jobs.remove_attachments",
  path: "/jobs/remove_attachments",
  summary: "Remove files that no note refers to",
  description:
    "A file is removed 30 days after its last note, an unused upload after 2 days. Files of notes in " +
    "the trash stay. Repeating it does no harm.",
  output: Removals,
  problems: ["storage_unavailable"],
  run: async (context) => {
    const result: Removals = { removed: 0, complete: false };
    await runSteps(async () => {
      const { removed, complete } = await removeSome(context);
      result.removed += removed;
      result.complete = complete;
      return complete;
    });
    return result;
  },
});

async function removeSome({ transaction, storage }: JobContext): Promise<Removals> {
  return await transaction(async (sql) => {
    const due = await sql<(StoredFile & { unused: boolean })[]>`
      select bucket, path, unused from gateway.lock_attachment_removals(${STEP_SIZE}::integer)`;
    const files = due.filter(({ unused }) => unused);
    for (const [bucket, paths] of byBucket(files)) await storage.remove(bucket, paths);
    const paths = files.map(({ path }) => path);
    if (paths.length > 0) {
      await sql`select gateway.delete_attachment_removals(${arraySql(sql, paths, "text")})`;
    }
    return { removed: paths.length, complete: due.length < STEP_SIZE };
  });
}

function byBucket(files: StoredFile[]): Map<string, string[]> {
  const buckets = new Map<string, string[]>();
  for (const { bucket, path } of files) {
    buckets.set(bucket, [...buckets.get(bucket) ?? [], path]);
  }
  return buckets;
}
