/** Changing or deleting many deals. A change of the stage also numbers the columns of the board. */
import type { Member, Sql } from "../../_shared/database/database.ts";
import type { Reply } from "../../_shared/operation.ts";
import { type BulkInput, runBulk } from "../../_shared/records/records.ts";
import { arrange, lockBoard } from "./positions.ts";
import { deals } from "./queries.ts";

/** Runs a bulk. Deals with a new stage go to the top of its column and keep their order. */
export async function bulkDeals(sql: Sql, member: Member, input: BulkInput): Promise<Reply> {
  const setsStage = input.set !== undefined && "stage" in input.set;
  if (!setsStage && !input.delete) return await runBulk(sql, deals, input);
  await lockBoard(sql, member);
  if (!setsStage) return await runBulk(sql, deals, input);
  const before = await stages(sql);
  const reply = await runBulk(sql, deals, { ...input, set: { ...input.set, index: -1 } });
  await arrange(sql, [...new Set([...before, ...await stages(sql)])]);
  return reply;
}

async function stages(sql: Sql): Promise<string[]> {
  const rows = await sql<{ stage: string }[]>`select distinct stage from deals`;
  return rows.map(({ stage }) => stage);
}
