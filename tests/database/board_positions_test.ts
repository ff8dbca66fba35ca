/** private.board_positions holds every live deal of the board, after every kind of write. */
import { assertEquals } from "@std/assert";
import { asCaller, foundWorkspace, type Row, sql } from "../support/database.ts";
import { test } from "../support/workspace.ts";

test("private.board_positions follows every write of deals", async () => {
  const { admin, workspace_id } = await foundWorkspace();
  const write = async (statement: string) => {
    await asCaller(admin, (tx) => tx.unsafe(statement));
    const [live, kept] = await Promise.all([liveDeals(workspace_id), positions(workspace_id)]);
    assertEquals(kept, live, statement);
    return live;
  };
  await write(`insert into public.deals (name, stage, index, amount)
    select 'Deal ' || n, case n % 2 when 0 then 'won' else 'lost' end, n, n * 10
    from generate_series(1, 6) as n`);
  await write("insert into public.deals (name, stage, archived_at) values ('Old', 'won', now())");
  await write("update public.deals set index = 6 - index, stage = 'won' where index < 4");
  await write("update public.deals set amount = null where stage = 'won'");
  await write("update public.deals set archived_at = now() where stage = 'won'");
  await write("update public.deals set archived_at = null where name in ('Old', 'Deal 2')");
  const left = await write("delete from public.deals where name = 'Deal 2'");
  const [trashed] = await sql<{ record_id: number }[]>`
    select record_id from private.trash
    where workspace_id = ${workspace_id} and table_name = 'deals'`;
  const restored = await write(`select private.restore('deals', ${trashed?.record_id})`);
  assertEquals(restored.length, left.length + 1);
});

test("private.board_deal_ids returns a column in its order, private.board_totals its sum", async () => {
  const { admin } = await foundWorkspace();
  const [ids, totals] = await asCaller(admin, async (tx) => {
    await tx`
      insert into public.deals (name, stage, index, amount)
      values ('third', 'won', 1, 10), ('first', 'won', 0, 5), ('last', 'won', null, null),
        ('fourth', 'won', 1, 7), ('other', 'lost', 0, 1)`;
    return [
      await tx<{ name: string }[]>`
        select d.name
        from private.board_deal_ids('won', 3) with ordinality as first (id, position)
        join public.deals d using (id)
        order by first.position`,
      await tx`
        select stage, count::integer, amount::integer from private.board_totals() order by stage`,
    ] as const;
  });
  assertEquals(ids.map(({ name }) => name), ["first", "third", "fourth"]);
  assertEquals(totals.map((row) => ({ ...row })), [
    { stage: "lost", count: 1, amount: 1 },
    { stage: "won", count: 4, amount: 22 },
  ]);
});

async function liveDeals(workspaceId: string): Promise<Row[]> {
  return plain(
    await sql`
      select id, stage, index, amount from public.deals
      where workspace_id = ${workspaceId} and archived_at is null
      order by id`,
  );
}

async function positions(workspaceId: string): Promise<Row[]> {
  return plain(
    await sql`
      select deal_id as id, stage, index, amount from private.board_positions
      where workspace_id = ${workspaceId}
      order by id`,
  );
}

function plain(rows: readonly Row[]): Row[] {
  return rows.map((row) => ({ ...row }));
}
