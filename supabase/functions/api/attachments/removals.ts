/**
 * The job that removes files which nothing refers to any more. The rows of the queue are locked while the
 * storage server works; when it fails, they stay, and the next run does the same again.
 */
import * as z from "zod";
import { arraySql } from "../../_shared/database/database.ts";
import { job, type JobContext } from "../../_shared/operation.ts";
import type { StoredFile } from "../../_shared/storage.ts";

const TIME_MS = 20_000;
/** Removed in one call, while their rows are locked. */
const STEP_SIZE = 100;

const Removals = z.object({
  removed: z.int().describe("Files."),
  complete: z.boolean().describe("False: more may be left for the next run."),
}).meta({ id: "AttachmentRemovals" });
type Removals = z.output<typeof Removals>;

export const removeAttachments = job({
  id: "jobs.remove_attachments",
  path: "/jobs/remove_attachments",
  summary: "Remove files that no note has referred to for 30 days, and uploads that none took up",
  description: "What a note in the trash refers to stays. Repeating it does no harm.",
  output: Removals,
  problems: ["storage_unavailable"],
  run: async (context) => {
    const deadline = performance.now() + TIME_MS;
    const result: Removals = { removed: 0, complete: false };
    while (!result.complete && performance.now() < deadline) {
      const { removed, last } = await removeSome(context);
      result.removed += removed;
      result.complete = last;
    }
    return result;
  },
});

async function removeSome(
  { transaction, storage }: JobContext,
): Promise<{ removed: number; last: boolean }> {
  return await transaction(async (sql) => {
    const due = await sql<(StoredFile & { unused: boolean })[]>`
      select bucket, path, unused from gateway.lock_attachment_removals(${STEP_SIZE}::integer)`;
    const files = due.filter(({ unused }) => unused);
    for (const [bucket, paths] of byBucket(files)) await storage.remove(bucket, paths);
    const paths = files.map(({ path }) => path);
    if (paths.length > 0) {
      await sql`select gateway.delete_attachment_removals(${arraySql(sql, paths, "text")})`;
    }
    return { removed: paths.length, last: due.length < STEP_SIZE };
  });
}

function byBucket(files: StoredFile[]): Map<string, string[]> {
  const buckets = new Map<string, string[]>();
  for (const { bucket, path } of files) {
    buckets.set(bucket, [...buckets.get(bucket) ?? [], path]);
  }
  return buckets;
}
