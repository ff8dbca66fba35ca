/**
 * Merging contacts: the winner receives the values and the related records of the losers. The losers move
 * to the trash, where `merged_into` holds the winner's id. All of it is one transaction as the caller.
 *
 * - A column keeps the winner's value. When that is null or blank, it takes the value of the first loser,
 *   in the order of `loser_ids`, that has one. `has_newsletter` of a winner is kept when it is false.
 * - `fields` chooses another contact for a column.
 * - E-mail addresses, phone numbers and tags are united, the winner's first. Addresses are compared without
 *   case, phone numbers by their digits.
 * - `first_seen` becomes the earliest, `last_seen` the latest.
 * - Tasks, notes and deals move to the winner. A deal keeps the order of its contacts.
 */
import * as z from "zod";
import { pipelined, type Sql } from "../../_shared/database/database.ts";
import { dryRun, idParams, recordId } from "../../_shared/fields.ts";
import { write } from "../../_shared/operation.ts";
import { invariant, Problem } from "../../_shared/problem.ts";
import { findGone, missingRecords, notTheOwner } from "../../_shared/records/records.ts";
import { selfMerge } from "../problems.ts";
import { FIELD_COLUMNS, mergedValues } from "./mergedValues.ts";
import {
  findMerge,
  lockContacts,
  type LockedContact,
  type Merge,
  moveAll,
  recordMerge,
} from "./mergeQueries.ts";
import { contacts } from "./queries.ts";
import { Contact } from "./schema.ts";

const MAXIMUM_LOSERS = 20;

const MergeInput = z.strictObject({
  loser_ids: z.array(recordId).min(1, "Name at least one contact.").max(MAXIMUM_LOSERS),
  fields: z.partialRecord(z.enum(FIELD_COLUMNS), recordId).optional()
    .describe("Column → id of the contact whose value the winner takes."),
  dry_run: dryRun,
}).meta({ id: "MergeInput" });
type MergeInput = z.output<typeof MergeInput>;

const Moved = z.object({ tasks: z.int(), contact_notes: z.int(), deals: z.int() });

const MergeResult = z.object({
  merge_id: z.uuid().nullable().describe("`null` in a dry run."),
  winner: Contact,
  merged_ids: z.array(recordId),
  moved: Moved.describe("Number of rows that moved to the winner, by table."),
  dry_run: z.boolean(),
}).meta({ id: "MergeResult" });
type MergeResult = z.output<typeof MergeResult>;

export const mergeContacts = write({
  id: "contacts.merge",
  method: "POST",
  path: "/contacts/:id/merge",
  summary: "Merge contacts into this one",
  description: "Repeating a merge returns the same answer. With `dry_run` nothing changes.",
  access: "member",
  allowed: "owner",
  dryRun: "body",
  params: idParams,
  body: MergeInput,
  example: { loser_ids: [2], dry_run: true },
  output: MergeResult,
  problems: ["self_merge", "deleted", "merged"],
  run: ({ sql }, { params, body }) => merge(sql, params.id, body),
});

/**
 * Merges the losers into the winner. Repeating a merge returns the first result.
 * @throws Problem `self_merge`, `validation_failed`, `not_found`, `deleted`, `merged`, `forbidden`.
 */
export async function merge(sql: Sql, winnerId: number, input: MergeInput): Promise<MergeResult> {
  const loserIds = [...new Set(input.loser_ids)];
  if (loserIds.includes(winnerId)) throw selfMerge();
  requireParticipants(input.fields, [winnerId, ...loserIds]);
  const locked = await lockContacts(sql, [winnerId, ...loserIds]);
  const winner = locked.find(({ id }) => id === winnerId);
  const losers = loserIds.flatMap((id) => locked.find((contact) => contact.id === id) ?? []);
  if (winner && losers.length === 0) {
    const earlier = await findMerge(sql, winnerId, loserIds);
    if (earlier) return result(earlier, await contacts.list.find(sql, winnerId), loserIds, input);
  }
  if (!winner) throw await findGone(sql, contacts, winnerId) ?? missing(winnerId, loserIds, locked);
  if (losers.length < loserIds.length) throw missing(winnerId, loserIds, locked);
  requirePermission(locked);
  const values = mergedValues(winner, losers, input.fields ?? {});
  const moved = await moveAll(sql, winnerId, loserIds, values);
  const [merge_id, changed] = await pipelined([
    recordMerge(sql, winnerId, loserIds, moved),
    contacts.list.find(sql, winnerId),
  ]);
  return result({ merge_id, moved }, changed, loserIds, input);
}

function requireParticipants(fields: MergeInput["fields"] = {}, ids: number[]): void {
  const wrong = Object.entries(fields).filter(([, id]) => id !== undefined && !ids.includes(id));
  if (wrong.length === 0) return;
  const detail = "Name one of the contacts that take part in the merge.";
  throw new Problem("validation_failed", detail, {
    errors: Object.fromEntries(wrong.map(([column]) => [`fields.${column}`, detail])),
  });
}

function missing(winnerId: number, loserIds: number[], locked: LockedContact[]): Problem {
  const absent = [winnerId, ...loserIds].filter((id) => !locked.some((row) => row.id === id));
  return missingRecords("contact", absent);
}

function requirePermission(locked: LockedContact[]): void {
  const refused = locked.filter(({ permitted }) => !permitted).map(({ id }) => id);
  if (refused.length > 0) throw notTheOwner(`contact ${refused.join(", ")}`);
}

function result(
  { merge_id, moved }: Merge,
  winner: Contact | undefined,
  merged_ids: number[],
  { dry_run = false }: MergeInput,
): MergeResult {
  return {
    merge_id: dry_run ? null : merge_id,
    winner: invariant(winner, "The winner of a merge cannot be read back"),
    merged_ids,
    moved,
    dry_run,
  };
}
