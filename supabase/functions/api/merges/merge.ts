/**
 * Merging records: the winner receives the values and the related records of the losers. The losers
 * move to the trash, where `merged_into` holds the winner's id. All of it is one transaction as the
 * caller, and one change, which `POST /changes/{id}/undo` takes back.
 *
 * - A column keeps the winner's value. When that is null or blank, it takes the value of the first
 *   loser, in the order of `loser_ids`, that has one.
 * - `fields` chooses another record for a column.
 * - Lists are united, the winner's elements first.
 * - All records that refer to a loser refer to the winner afterwards. The database reads these
 *   references from its catalogue (`private.record_references` in the migrations). In an array of
 *   ids, the winner takes the first place of the records that take part.
 */
import * as z from "zod";
import type { Sql } from "../../_shared/database/database.ts";
import { dryRun, idParams, recordId, schemaName } from "../../_shared/fields.ts";
import { type Declaration, type Operation, write } from "../../_shared/operation.ts";
import { Problem } from "../../_shared/problem.ts";
import {
  findGone,
  missingRecords,
  notTheOwner,
  readBack,
  type RecordFields,
  type Resource,
} from "../../_shared/records/records.ts";
import { selfMerge } from "../problems.ts";
import { mergedValues, type MergeRules } from "./mergedValues.ts";
import { findMerge, type LockedRecord, lockRecords, type Merge, moveAll } from "./mergeQueries.ts";

const MAXIMUM_LOSERS = 20;

/** A resource whose records can be merged. */
export type Mergeable<Row extends RecordFields> =
  & Pick<Resource<Row>, "table" | "name" | "owner" | "list">
  & { rules: MergeRules };

interface MergeRequest {
  loser_ids: number[];
  fields?: Partial<Record<string, number>>;
  dry_run?: boolean;
}

interface MergeResult<Row> {
  merge_id: string | null;
  winner: Row;
  merged_ids: number[];
  moved: Record<string, number>;
  dry_run: boolean;
}

/** Returns the operation `POST /<table>/:id/merge`. */
export function merge<Row extends RecordFields>(
  of: Resource<Row>,
  rules: MergeRules,
  documentation: Partial<Pick<Declaration, "description">> = {},
): Operation {
  const name = schemaName(of.name);
  return write({
    id: `${of.table}.merge`,
    method: "POST",
    path: `/${of.table}/:id/merge`,
    summary: `Merge ${of.table} into this one`,
    description: [
      documentation.description,
      "Repeating a merge returns the same answer. With `dry_run` nothing changes.",
    ].filter((sentence) => sentence).join(" "),
    access: "member",
    allowed: of.owner ? "owner" : "manager",
    dryRun: "body",
    params: idParams,
    body: inputSchema(of.name, rules).meta({ id: `${name}MergeInput` }),
    example: { loser_ids: [2], dry_run: true },
    output: resultSchema(of.record).meta({ id: `${name}MergeResult` }),
    problems: ["self_merge", "deleted", "merged"],
    run: ({ sql }, { params, body }) => mergeRecords(sql, { ...of, rules }, params.id, body),
  });
}

function inputSchema(name: string, { chosen }: MergeRules) {
  return z.strictObject({
    loser_ids: z.array(recordId).min(1, `Name at least one ${name}.`).max(MAXIMUM_LOSERS),
    fields: z.partialRecord(z.enum(chosen), recordId).optional()
      .describe(`Column → id of the ${name} whose value the winner takes.`),
    dry_run: dryRun,
  });
}

function resultSchema<Row>(record: z.ZodType<Row, Row>) {
  return z.object({
    merge_id: z.uuid().nullable()
      .describe("The change, which `POST /changes/{id}/undo` takes back. `null` in a dry run."),
    winner: record,
    merged_ids: z.array(recordId),
    moved: z.record(z.string(), z.int())
      .describe("Number of rows that moved to the winner, by table."),
    dry_run: z.boolean(),
  });
}

/**
 * Merges the losers into the winner. Repeating a merge returns the first result.
 * @throws Problem `self_merge`, `validation_failed`, `not_found`, `deleted`, `merged`, `forbidden`.
 */
export async function mergeRecords<Row extends RecordFields>(
  sql: Sql,
  of: Mergeable<Row>,
  winnerId: number,
  input: MergeRequest,
): Promise<MergeResult<Row>> {
  const loserIds = [...new Set(input.loser_ids)];
  const ids = [winnerId, ...loserIds];
  if (loserIds.includes(winnerId)) throw selfMerge();
  requireParticipants(of.name, input.fields, ids);
  const locked = await lockRecords(sql, of, ids);
  const done = (merge: Merge) => result(sql, of, winnerId, loserIds, merge, input);
  if (locked.length === 1 && locked[0]?.record.id === winnerId) {
    const earlier = await findMerge(sql, of, winnerId, loserIds);
    if (earlier) return await done(earlier);
  }
  const [winner, ...losers] = await requireAll(sql, of, ids, locked);
  const values = mergedValues(winner, losers, of.rules, input.fields ?? {});
  return await done(await moveAll(sql, of, winnerId, loserIds, values));
}

function requireParticipants(
  name: string,
  fields: MergeRequest["fields"] = {},
  ids: number[],
): void {
  const wrong = Object.entries(fields).filter(([, id]) => id !== undefined && !ids.includes(id));
  if (wrong.length === 0) return;
  const detail = `Name a ${name} that takes part in the merge.`;
  throw new Problem("validation_failed", detail, {
    errors: Object.fromEntries(wrong.map(([column]) => [`fields.${column}`, detail])),
  });
}

/** Returns the locked records in the order of the ids. Throws when one is missing or not allowed. */
async function requireAll<Row>(
  sql: Sql,
  of: Pick<Resource, "table" | "name"> & {
    list: Resource<Row & RecordFields>["list"];
  },
  ids: number[],
  locked: LockedRecord[],
) {
  const records = ids.flatMap((id) => locked.find(({ record }) => record.id === id)?.record ?? []);
  const [winner, ...losers] = records;
  if (winner?.id !== ids[0]) {
    const gone = await findGone(sql, of, ids[0] ?? 0);
    if (gone) throw gone;
  }
  if (!winner || records.length < ids.length) {
    throw missingRecords(of.name, ids.filter((id) => !records.some((record) => record.id === id)));
  }
  const refused = locked.filter(({ permitted }) => !permitted).map(({ record }) => record.id);
  if (refused.length > 0) throw notTheOwner(`${of.name} ${refused.join(", ")}`);
  return [winner, ...losers] as const;
}

async function result<Row>(
  sql: Sql,
  of: Pick<Resource<Row & RecordFields>, "table" | "name" | "list">,
  winnerId: number,
  merged_ids: number[],
  { merge_id, moved }: Merge,
  { dry_run = false }: MergeRequest,
): Promise<MergeResult<Row>> {
  return {
    merge_id: dry_run ? null : merge_id,
    winner: await readBack(sql, of, winnerId),
    merged_ids,
    moved,
    dry_run,
  };
}
