/**
 * Moving a deal on the board: to another stage, to another place in its column, or both. One statement
 * numbers the columns. The workspace's board is locked, so that concurrent moves run one after the other.
 */
import * as z from "zod";
import type { Member, Sql } from "../../_shared/database/database.ts";
import { idParams, recordId, timestamp } from "../../_shared/fields.ts";
import { write } from "../../_shared/operation.ts";
import { Problem } from "../../_shared/problem.ts";
import { getRecord, readBack, requireMatch, setColumns } from "../../_shared/records/records.ts";
import { arrange, lockBoard, MAXIMUM_INDEX, type Place, TOP } from "./positions.ts";
import { deals } from "./queries.ts";
import { Deal } from "./schema.ts";

const ONE_PLACE = "Use one of before_id, after_id and index.";

const MoveInput = z.strictObject({
  stage: z.string().trim().min(1, "Use a stage of the configuration.").max(500).optional()
    .describe("The new stage. Default: the deal's stage."),
  before_id: recordId.optional().describe("The deal goes directly above this deal."),
  after_id: recordId.optional().describe("The deal goes directly below this deal."),
  index: z.int().min(0).max(MAXIMUM_INDEX).optional()
    .describe("The new position, from 0. After the last position means the end."),
  closed_at: timestamp.optional().describe("The time when the deal was won or lost. Default: now."),
}).superRefine(({ before_id, after_id, index }, context) => {
  const given = Object.entries({ before_id, after_id, index })
    .filter(([, value]) => value !== undefined);
  for (const [name] of given.slice(1)) {
    context.addIssue({ code: "custom", path: [name], message: ONE_PLACE });
  }
}).meta({ id: "MoveInput" });
type MoveInput = z.output<typeof MoveInput>;

export const moveDeal = write({
  id: "deals.move",
  method: "POST",
  path: "/deals/:id/move",
  summary: "Move a deal on the board",
  description:
    "Moves the deal to `stage`, and there before or after another deal, to a position, or " +
    "by default to the top. The columns are numbered again. Moving to a won or lost stage of the " +
    "configuration closes the deal, and moving from there to another stage opens it again.",
  access: "member",
  ifMatch: true,
  params: idParams,
  body: MoveInput,
  example: { stage: "proposal-sent", index: 0 },
  output: Deal,
  problems: [
    "deleted",
    "deal_archived",
    "neighbour_moved",
    "unknown_stage",
    "closing_date_not_allowed",
  ],
  run: ({ sql, member }, { params, body, ifMatch }) => move(sql, member, params.id, body, ifMatch),
});

async function move(
  sql: Sql,
  member: Member,
  id: number,
  body: MoveInput,
  ifMatch?: string[],
): Promise<Deal> {
  const place = placeOf(id, body);
  await lockBoard(sql, member);
  const deal = await getRecord(sql, deals, id);
  requireMatch(deal, ifMatch);
  if (deal.archived_at !== null) {
    throw new Problem("deal_archived", "Unarchive the deal before you move it.");
  }
  const stage = body.stage ?? deal.stage;
  await requireNeighbour(sql, place, stage);
  await arrange(sql, [...new Set([deal.stage, stage])], { id, stage, place });
  if (body.closed_at !== undefined) {
    await setColumns(sql, "deals", id, { closed_at: body.closed_at });
  }
  return await readBack(sql, deals, id);
}

function placeOf(id: number, { before_id, after_id, index }: MoveInput): Place {
  if (before_id === id || after_id === id) {
    const detail = "Use the id of another deal as the neighbour.";
    const field = before_id === id ? "before_id" : "after_id";
    throw new Problem("validation_failed", detail, { errors: { [field]: detail } });
  }
  if (before_id !== undefined) return { before_id };
  if (after_id !== undefined) return { after_id };
  return index === undefined ? TOP : { index };
}

async function requireNeighbour(sql: Sql, place: Place, stage: string): Promise<void> {
  if ("index" in place) return;
  const [field, id] = "before_id" in place
    ? ["before_id", place.before_id] as const
    : ["after_id", place.after_id] as const;
  const neighbour = await deals.list.find(sql, id);
  if (neighbour?.stage === stage && neighbour.archived_at === null) return;
  const detail = `Deal ${id} is not in the column ${stage}. Read the board again.`;
  throw new Problem("neighbour_moved", detail, { errors: { [field]: detail } });
}
