/** Archiving removes a deal from the board. Unarchiving puts it at the top of its column. */
import type { Member, Sql } from "../../_shared/database/database.ts";
import { idParams } from "../../_shared/fields.ts";
import { write } from "../../_shared/operation.ts";
import { getRecord, readBack, requireMatch } from "../../_shared/records/records.ts";
import { arrange, lockBoard, TOP } from "./positions.ts";
import { deals } from "./queries.ts";
import { Deal } from "./schema.ts";

export const archiveDeal = write({
  id: "deals.archive",
  method: "POST",
  path: "/deals/:id/archive",
  summary: "Archive a deal",
  description: "The board no longer shows the deal, lists still do. Repeating it succeeds.",
  access: "member",
  ifMatch: true,
  params: idParams,
  output: Deal,
  problems: ["deleted"],
  run: ({ sql, member }, { params, ifMatch }) => setArchived(sql, member, params.id, true, ifMatch),
});

export const unarchiveDeal = write({
  id: "deals.unarchive",
  method: "POST",
  path: "/deals/:id/unarchive",
  summary: "Put an archived deal back on the board",
  description: "The deal goes to the top of its column. Repeating it succeeds.",
  access: "member",
  ifMatch: true,
  params: idParams,
  output: Deal,
  problems: ["deleted"],
  run: ({ sql, member }, { params, ifMatch }) =>
    setArchived(sql, member, params.id, false, ifMatch),
});

async function setArchived(
  sql: Sql,
  member: Member,
  id: number,
  archived: boolean,
  ifMatch?: string[],
): Promise<Deal> {
  await lockBoard(sql, member);
  const deal = await getRecord(sql, deals, id);
  requireMatch(deal, ifMatch);
  const { stage } = deal;
  if ((deal.archived_at !== null) === archived) return deal;
  await sql`update deals set archived_at = ${archived ? sql`now()` : sql`null`} where id = ${id}`;
  if (!archived) await arrange(sql, [stage], { id, stage, place: TOP });
  return await readBack(sql, deals, id);
}
