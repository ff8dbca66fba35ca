/**
 * Merging contacts: losers give all they have to the winner and go to the trash, where `merged_into`
 * says where they went. One transaction under the caller's own rights.
 *
 * Rules: the winner's values win, blank counts as empty and is filled by the first loser (in the order
 * of `loser_ids`) that has one; status, newsletter and owner follow the same rule, since a winner's own
 * "no" to the newsletter is an answer. `fields` overrides that per column. E-mails (case-insensitively),
 * phones (by digits) and tags are united, the winner's first; `first_seen` is the earliest, `last_seen`
 * the latest. Tasks, notes and deals move; a deal keeps the order of its contacts.
 */
import * as z from "zod";
import { type Member, pipelined, type Sql } from "../../_shared/database/database.ts";
import { dryRun, idParams, recordId } from "../../_shared/fields.ts";
import { write } from "../../_shared/operation.ts";
import { invariant, Problem } from "../../_shared/problem.ts";
import { findGone, missingRecords, notTheOwner } from "../../_shared/records/records.ts";
import { selfMerge } from "../problems.ts";
import { FIELD_COLUMNS, mergedValues, type StoredContact } from "./mergedValues.ts";
import { findMerge, lockContacts, type Merge, moveAll, recordMerge } from "./mergeQueries.ts";
import { contacts } from "./queries.ts";
import { Contact } from "./schema.ts";

const MAXIMUM_LOSERS = 20;

const MergeInput = z.strictObject({
  loser_ids: z.array(recordId).min(1, "Name at least one contact.").max(MAXIMUM_LOSERS),
  fields: z.partialRecord(z.enum(FIELD_COLUMNS), recordId).optional()
    .describe("Column → id of the contact whose value wins."),
  dry_run: dryRun,
}).meta({ id: "MergeInput" });
type MergeInput = z.output<typeof MergeInput>;

const Moved = z.object({ tasks: z.int(), contact_notes: z.int(), deals: z.int() });

const MergeResult = z.object({
  merge_id: z.uuid().nullable().describe("Null on a dry run."),
  winner: Contact,
  merged_ids: z.array(recordId),
  moved: Moved.describe("Rows that moved to the winner, by table."),
  dry_run: z.boolean(),
}).meta({ id: "MergeResult" });
type MergeResult = z.output<typeof MergeResult>;

export const mergeContacts = write({
  id: "contacts.merge",
  method: "POST",
  path: "/contacts/:id/merge",
  summary: "Merge contacts into this one",
  description: "Repeating a merge answers as the first time. With `dry_run` nothing changes.",
  access: "member",
  allowed: "owner",
  dryRun: "body",
  params: idParams,
  body: MergeInput,
  example: { loser_ids: [2], dry_run: true },
  output: MergeResult,
  problems: ["self_merge", "deleted", "merged"],
  run: ({ sql, member }, { params, body }) => merge(sql, member, params.id, body),
});

/**
 * Merges the losers into the winner.
 * @throws Problem 404, 410, 403 `forbidden`, 422 `self_merge`.
 */
export async function merge(
  sql: Sql,
  member: Member,
  winnerId: number,
  input: MergeInput,
): Promise<MergeResult> {
  const loserIds = [...new Set(input.loser_ids)];
  if (loserIds.includes(winnerId)) throw selfMerge();
  checkFieldSources(input.fields, [winnerId, ...loserIds]);
  const locked = await lockContacts(sql, [winnerId, ...loserIds]);
  const winner = locked.find(({ id }) => id === winnerId);
  const losers = loserIds.flatMap((id) => locked.find((contact) => contact.id === id) ?? []);
  if (!winner || losers.length < loserIds.length) {
    const repeated = winner && losers.length === 0 && await findMerge(sql, winnerId, loserIds);
    if (repeated) {
      return result(repeated, await contacts.list.find(sql, winnerId), loserIds, input);
    }
    const gone = winner ? undefined : await findGone(sql, contacts, winnerId);
    throw gone ?? missing([winnerId, ...loserIds], locked);
  }
  requirePermission(member, locked);
  const values = mergedValues(winner, losers, input.fields ?? {});
  const moved = await moveAll(sql, winnerId, loserIds, values);
  const [merge_id, merged] = await pipelined([
    recordMerge(sql, winnerId, loserIds, moved),
    contacts.list.find(sql, winnerId),
  ]);
  return result({ merge_id, moved }, merged, loserIds, input);
}

function checkFieldSources(fields: MergeInput["fields"] = {}, ids: number[]): void {
  const wrong = Object.entries(fields).filter(([, id]) => id !== undefined && !ids.includes(id));
  if (wrong.length === 0) return;
  const detail = "Name one of the contacts that take part in the merge.";
  throw new Problem("validation_failed", detail, {
    errors: Object.fromEntries(wrong.map(([column]) => [`fields.${column}`, detail])),
  });
}

function missing(ids: number[], locked: StoredContact[]): Problem {
  const absent = ids.filter((id) => !locked.some((contact) => contact.id === id));
  return missingRecords("contact", absent);
}

function requirePermission(member: Member, locked: StoredContact[]): void {
  if (member.role !== "rep") return;
  const foreign = locked.filter((contact) => contact.sales_id !== member.id);
  if (foreign.length > 0) throw notTheOwner(`contact ${foreign.map(({ id }) => id).join(", ")}`);
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
