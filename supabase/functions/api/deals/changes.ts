/**
 * Creating, changing, deleting and restoring deals: as every record, and the board stays numbered. A new
 * deal, and one whose stage changes, goes to the top of its column.
 */
import type { Member, Sql } from "../../_shared/database/database.ts";
import { found } from "../../_shared/problem.ts";
import {
  createRecord,
  deleteRecord,
  restoreRecord,
  updateRecord,
} from "../../_shared/records/records.ts";
import { arrange, lockBoard, TOP } from "./positions.ts";
import { dealResource, dealsListing } from "./queries.ts";
import type { Deal, DealInput, DealPatch } from "./schema.ts";

/** Creates a deal at the top of its column. */
export async function createDeal(sql: Sql, member: Member, values: DealInput): Promise<Deal> {
  await lockBoard(sql, member);
  const deal = await createRecord(sql, dealResource, { ...values, index: 0 });
  await arrange(sql, [deal.stage], { id: deal.id, stage: deal.stage, place: TOP });
  return deal;
}

/** Changes a deal; throws 404, 410, 412. */
export async function updateDeal(
  sql: Sql,
  member: Member,
  id: number,
  values: DealPatch,
  ifMatch?: string[],
): Promise<Deal> {
  if (values.stage === undefined) return await updateRecord(sql, dealResource, id, values, ifMatch);
  await lockBoard(sql, member);
  const before = await stageOf(sql, id);
  const deal = await updateRecord(sql, dealResource, id, values, ifMatch);
  const { stage } = deal;
  if (before === undefined || before === stage || deal.archived_at !== null) return deal;
  await arrange(sql, [before, stage], { id, stage, place: TOP });
  return found(await dealsListing.find(sql, id), "deal");
}

/** Moves a deal to the trash and closes the gap; repeating that succeeds. */
export async function deleteDeal(
  sql: Sql,
  member: Member,
  id: number,
  ifMatch?: string[],
): Promise<void> {
  await lockBoard(sql, member);
  const stage = await stageOf(sql, id);
  await deleteRecord(sql, dealResource, id, ifMatch);
  if (stage !== undefined) await arrange(sql, [stage]);
}

/** Takes a deal out of the trash, to the position that it had. */
export async function restoreDeal(sql: Sql, member: Member, id: number): Promise<Deal> {
  await lockBoard(sql, member);
  const deal = await restoreRecord(sql, dealResource, id);
  if (deal.archived_at !== null) return deal;
  const { stage, index } = deal;
  await arrange(sql, [stage], { id, stage, place: { index: index ?? 0 } });
  return found(await dealsListing.find(sql, id), "deal");
}

async function stageOf(sql: Sql, id: number): Promise<string | undefined> {
  const [row] = await sql<{ stage: string }[]>`select stage from deals where id = ${id}`;
  return row?.stage;
}
