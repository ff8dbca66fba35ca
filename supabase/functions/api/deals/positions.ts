/**
 * Positions on the board: `index` is 0 to n-1 among the live deals of a stage, without gaps. Whoever
 * changes which deals a column holds locks the workspace's board first and numbers the column anew, so
 * that every change also repairs what a client of the database's own API has left behind.
 */
import { arraySql, type Member, type Sql } from "../../_shared/database/database.ts";

/** `index` is a smallint: beyond it, the last deals of a column share their position. */
export const MAXIMUM_INDEX = 32_767;

/** Where a deal goes in the column of its stage; beyond the last position is at the end. */
export type Place = { index: number } | { before_id: number } | { after_id: number };

interface Moved {
  id: number;
  stage: string;
  place: Place;
}

export const TOP: Place = { index: 0 };

/** Lets one transaction at a time change the workspace's board, until it ends. */
export async function lockBoard(sql: Sql, member: Member): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`deals ${member.workspace_id}`}, 0))`;
}

/** Numbers the columns of these stages, and puts one deal into its place in the same statement. */
export async function arrange(sql: Sql, stages: string[], moved?: Moved): Promise<void> {
  const { neighbour_id, slot } = slotOf(moved?.place ?? TOP);
  await sql`
    select private.arrange_deals(
      ${arraySql(sql, stages, "text")},
      ${moved?.id ?? null}::bigint,
      ${moved?.stage ?? null}::text,
      ${neighbour_id}::bigint,
      ${slot}::numeric
    )`;
}

/** Half a rank before or after another deal, or before whoever holds the index now. */
function slotOf(place: Place): { neighbour_id: number | null; slot: number } {
  if ("before_id" in place) return { neighbour_id: place.before_id, slot: -0.5 };
  if ("after_id" in place) return { neighbour_id: place.after_id, slot: 0.5 };
  return { neighbour_id: null, slot: place.index - 0.5 };
}
