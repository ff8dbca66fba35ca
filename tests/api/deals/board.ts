/** Deals and columns for the tests of the board. */
import { assertEquals } from "@std/assert";
import { exactly, type Tuple } from "../../support/exactly.ts";
import { type Api, sql, type Workspace } from "../../support/workspace.ts";

/** Creates deals one after the other. Each goes to the top, so the last one is first in the column. */
export async function createDeals<Count extends number>(
  api: Api,
  stage: string,
  count: Count,
): Promise<Tuple<number, Count>> {
  const ids: number[] = [];
  for (let number = 1; number <= count; number++) {
    const { status, body } = await api.post("/deals", { name: `${stage} ${number}`, stage });
    assertEquals(status, 201, JSON.stringify(body));
    ids.push(body.id);
  }
  return exactly(count, ids);
}

/** The ids of a column from its top. Fails unless the stored positions are 0 to n-1. */
export async function columnOf(workspace: Workspace, stage: string): Promise<number[]> {
  const rows = await sql<{ id: number; index: number | null }[]>`
    select id::int as id, index
    from public.deals
    where workspace_id = ${workspace.id} and stage = ${stage} and archived_at is null
    order by index, id`;
  assertEquals(rows.map(({ index }) => index), rows.map((_, position) => position));
  return rows.map(({ id }) => id);
}
