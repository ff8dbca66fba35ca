/** What the planner knows of all workspaces together stays out of what a member of one is told. */
import { assertEquals } from "@std/assert";
import { asCaller, foundWorkspace, type Member, sql } from "../support/database.ts";
import { only } from "../support/exactly.ts";
import { test } from "../support/workspace.ts";

test("private.holder_ids says as much of another workspace's ids as of unknown ones", async () => {
  const [owner, stranger] = [await foundWorkspace(), await foundWorkspace()];
  const tag = only(
    await sql<{ id: number }[]>`
      insert into public.tags (workspace_id, name, color)
      values (${owner.workspace_id}, 'Secret', '#fff') returning id`,
  ).id;
  const contact = only(
    await sql<{ id: number }[]>`
      insert into public.contacts (workspace_id, sales_id, tags)
      select ${owner.workspace_id}, ${owner.admin.id}, array[${tag}::bigint]
      from generate_series(1, 300)
      returning id`.then((rows) => rows.slice(0, 1)),
  ).id;
  await sql`
    insert into public.deals (workspace_id, sales_id, name, stage, contact_ids)
    select ${owner.workspace_id}, ${owner.admin.id}, 'Deal', 'won', array[${contact}::bigint]
    from generate_series(1, 300)`;
  await sql`analyze public.contacts, public.deals`;
  for (const [column, id] of [["tags", tag], ["contact_ids", contact]] as const) {
    for (const all of [true, false]) {
      const [known, unknown] = [
        await fewWithIds(stranger.admin, column, id, all),
        await fewWithIds(stranger.admin, column, 999_999_999, all),
      ];
      assertEquals(known, unknown, `${column} ${all}`);
    }
  }
});

async function fewWithIds(caller: Member, column: string, id: number, all: boolean) {
  return await asCaller(caller, async (tx) => {
    const [row] = await tx`
      select private.holder_ids(${column}, array[${id}::bigint], ${all}, 1)::text as ids`;
    return row?.ids;
  });
}
