/** Creating and changing deals. Each function also numbers the columns of the board that it changes. */
import type { Member, Sql } from "../../_shared/database/database.ts";
import { createRecord, readBack, updateRecord } from "../../_shared/records/records.ts";
import { arrange, lockBoard, TOP } from "./positions.ts";
import { deals } from "./queries.ts";
import type { Deal, DealInput, DealPatch } from "./schema.ts";

/** Creates a deal at the top of its column. */
export async function createDeal(sql: Sql, member: Member, values: DealInput): Promise<Deal> {
  await lockBoard(sql, member);
  const deal = await createRecord(sql, deals, { ...values, index: 0 });
  await arrange(sql, [deal.stage], { id: deal.id, stage: deal.stage, place: TOP });
  return deal;
}

/**
 * Changes a deal. When the stage changes, the deal goes to the top of the new column.
 * @throws Problem `not_found`, `deleted`, `precondition_failed`, `forbidden`.
 */
export async function updateDeal(
  sql: Sql,
  member: Member,
  id: number,
  values: DealPatch,
  ifMatch?: string[],
): Promise<Deal> {
  if (values.stage === undefined) return await updateRecord(sql, deals, id, values, ifMatch);
  await lockBoard(sql, member);
  const before = await stageOf(sql, id);
  const deal = await updateRecord(sql, deals, id, values, ifMatch);
  const { stage } = deal;
  if (before === undefined || before === stage || deal.archived_at !== null) return deal;
  await arrange(sql, [before, stage], { id, stage, place: TOP });
  return await readBack(sql, deals, id);
}

async function stageOf(sql: Sql, id: number): Promise<string | undefined> {
  const [row] = await sql<{ stage: string }[]>`select stage from deals where id = ${id}`;
  return row?.stage;
}
