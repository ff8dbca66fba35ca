/** Records with id arrays, and the records in them, deleted and restored in every order. */
import { assertEquals } from "@std/assert";
import { exactly, only } from "../support/exactly.ts";
import { asCaller, foundWorkspace, type Member, sql } from "../support/database.ts";
import { test } from "../support/workspace.ts";

type Table = "contacts" | "deals";

async function makeDeal(
  admin: Member,
): Promise<{ deals: number; contacts: number; held: number[] }> {
  return await asCaller(admin, async (tx) => {
    const contacts = exactly(
      3,
      await tx<{ id: number }[]>`
      insert into contacts (first_name) values ('Ada'), ('Grace'), ('Mary') returning id`,
    );
    const held = contacts.map(({ id }) => id);
    const deal = only(
      await tx<{ id: number }[]>`
      insert into deals (name, stage, contact_ids)
      values ('Deal', 'opportunity', ${held}) returning id`,
    );
    return { deals: deal.id, contacts: contacts[1].id, held };
  });
}

for (const deleted of [["deals", "contacts"], ["contacts", "deals"]] satisfies Table[][]) {
  for (const restored of [["deals", "contacts"], ["contacts", "deals"]] satisfies Table[][]) {
    test(`private.restore puts a contact back into its deal: deleted ${deleted}, restored ${restored}`, async () => {
      const { admin } = await foundWorkspace();
      const made = await makeDeal(admin);
      for (const table of deleted) {
        await asCaller(admin, (tx) => tx`delete from ${tx(table)} where id = ${made[table]}`);
      }
      for (const table of restored) {
        await asCaller(admin, (tx) => tx`select private.restore(${table}, ${made[table]})`);
      }
      const [deal] = await sql`select contact_ids from public.deals where id = ${made.deals}`;
      assertEquals(deal?.contact_ids.map(Number), made.held);
    });
  }
}
