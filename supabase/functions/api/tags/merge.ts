/**
 * Merging tags: the contacts of the losers receive the winner, once and in the place of the first tag that
 * takes part. The losers move to the trash, where `merged_into` holds the winner's id.
 */
import * as z from "zod";
import { arraySql, type Sql } from "../../_shared/database/database.ts";
import { dryRun, idParams, recordId } from "../../_shared/fields.ts";
import { write } from "../../_shared/operation.ts";
import { getRecord, missingRecords } from "../../_shared/records/records.ts";
import { selfMerge } from "../problems.ts";
import { tags } from "./queries.ts";
import { Tag } from "./schema.ts";

const TagMergeInput = z.strictObject({
  loser_ids: z.array(recordId).min(1, "Name at least one tag.").max(100),
  dry_run: dryRun,
}).meta({ id: "TagMergeInput" });

const TagMergeResult = z.object({
  winner: Tag,
  merged_ids: z.array(recordId),
  dry_run: z.boolean(),
}).meta({ id: "TagMergeResult" });

export const mergeTags = write({
  id: "tags.merge",
  method: "POST",
  path: "/tags/:id/merge",
  summary: "Merge tags into this one",
  description: "Repeating a merge returns the same answer. With `dry_run` nothing changes.",
  access: "member",
  allowed: "manager",
  dryRun: "body",
  params: idParams,
  body: TagMergeInput,
  example: { loser_ids: [2], dry_run: true },
  output: TagMergeResult,
  problems: ["self_merge", "deleted", "merged"],
  run: async ({ sql, dryRun: dry_run }, { params: { id }, body: { loser_ids } }) => {
    const merged_ids = [...new Set(loser_ids)];
    await merge(sql, id, merged_ids);
    return { winner: await getRecord(sql, tags, id), merged_ids, dry_run };
  },
});

async function merge(sql: Sql, winnerId: number, loserIds: number[]): Promise<void> {
  if (loserIds.includes(winnerId)) throw selfMerge();
  const losers = arraySql(sql, loserIds, "bigint");
  const existing = await sql<{ id: number }[]>`
    select id::float8 as id
    from tags
    where id = any (${losers}) or id = ${winnerId}
    order by id
    for update`;
  const missing = [winnerId, ...loserIds].filter((id) => !existing.some((tag) => tag.id === id));
  if (missing.length > 0) {
    if (await areMerged(sql, winnerId, loserIds)) return;
    // Throws `deleted` or `merged` when the winner is in the trash.
    await getRecord(sql, tags, winnerId);
    throw missingRecords("tag", missing);
  }
  const statements = [
    sql`select private.replace_tags(${winnerId}, ${losers})`,
    sql`select set_config('portico.merged_into', ${String(winnerId)}, true)`,
    sql`delete from tags where id = any (${losers})`,
  ];
  // `execute` sends the statements in this order, in one round trip.
  await Promise.all(statements.map((statement) => statement.execute()));
}

async function areMerged(sql: Sql, winnerId: number, loserIds: number[]): Promise<boolean> {
  const [row] = await sql<{ merged: boolean }[]>`
    select
      exists (select from tags where id = ${winnerId})
      and bool_and(
        coalesce((private.trashed('tags', loser.id) ->> 'merged_into')::bigint = ${winnerId}, false)
      ) as merged
    from unnest(${arraySql(sql, loserIds, "bigint")}) as loser (id)`;
  return row?.merged ?? false;
}
