/**
 * Positions on the board: `index` is 0 to n-1 for the n live deals of a stage, without gaps. Each operation
 * that adds a deal to a column or moves one locks the workspace's board and numbers the column again. So it
 * also closes gaps that a client of the database's REST API has made. Triggers of the database number the
 * columns that deals leave when they are deleted or archived, and those that they are restored to.
 */
import { arraySql, type Member, type Sql } from "../../_shared/database/database.ts";

/** `index` is a smallint. The deals after this position share it. */
export const MAXIMUM_INDEX = 32_767;

/** A place in a column. An `index` after the last position means the end. */
export type Place = { index: number } | { before_id: number } | { after_id: number };

interface PlacedDeal {
  id: number;
  stage: string;
  place: Place;
}

export const TOP: Place = { index: 0 };

/** Locks the workspace's board until the end of the transaction. */
export async function lockBoard(sql: Sql, member: Member): Promise<void> {
  await sql`select private.lock_board(${member.workspace_id})`;
}

/**
 * Numbers the columns of these stages in one statement.
 * @param placed the deal that gets a new stage and place; the caller's transaction has locked the board.
 */
export async function arrange(sql: Sql, stages: string[], placed?: PlacedDeal): Promise<void> {
  const { neighbour_id, rank } = rankOf(placed?.place ?? TOP);
  await sql`
    select private.arrange_deals(
      ${arraySql(sql, stages, "text")},
      ${placed?.id ?? null}::bigint,
      ${placed?.stage ?? null}::text,
      ${neighbour_id}::bigint,
      ${rank}::numeric
    )`;
}

/** The rank of a place, relative to the neighbour's rank when there is one: half a rank before or after. */
function rankOf(place: Place): { neighbour_id: number | null; rank: number } {
  if ("before_id" in place) return { neighbour_id: place.before_id, rank: -0.5 };
  if ("after_id" in place) return { neighbour_id: place.after_id, rank: 0.5 };
  return { neighbour_id: null, rank: place.index - 0.5 };
}
