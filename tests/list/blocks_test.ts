/** The blocks of an export, and their statements. */
import { assert, assertEquals } from "@std/assert";
import postgres from "postgres";
import type { ExportBlock, ExportPosition } from "../../supabase/functions/_shared/list/export.ts";
import { contacts } from "../../supabase/functions/api/contacts/queries.ts";
import { become, foundWorkspace, type Member, sql } from "../support/database.ts";
import { stack, test } from "../support/workspace.ts";

/** The statements of one block, and the number of its records. */
interface Block {
  statements: string[];
  lines: number;
}

/** Reads every block of an export as a member, one after the other. */
async function blocksOf(member: Member, parameters: Record<string, string>): Promise<Block[]> {
  const statements: string[] = [];
  const watched = postgres(stack.superuserUrl, {
    max: 1,
    debug: (_connection, text) => void statements.push(text),
    types: { bigint: { to: 20, from: [20], parse: Number, serialize: String } },
  });
  const connection = await watched.reserve();
  try {
    await connection`begin read only`;
    await become(connection, member);
    const query = contacts.list.query.parse({ format: "ndjson", ...parameters });
    const blocks: Block[] = [];
    let position: ExportPosition | undefined;
    do {
      statements.length = 0;
      const block: ExportBlock = await contacts.list.export(connection, query, position);
      const lines = block.text.split("\n").length - 1;
      const limits = (text: string) => text.includes("'statement_timeout'");
      blocks.push({ statements: statements.filter((text) => !limits(text)), lines });
      position = block.next;
    } while (position);
    return blocks;
  } finally {
    await connection`rollback`;
    connection.release();
    await watched.end();
  }
}

async function insertContacts(member: Member, name: string, count: number): Promise<void> {
  await sql`
    insert into public.contacts (workspace_id, sales_id, last_name)
    select ${member.workspace_id}, ${member.id}, ${name} from generate_series(1, ${count}::int)`;
}

test("contacts.list searches a common word in the same way in every block of an export", async () => {
  const { admin } = await foundWorkspace();
  await insertContacts(admin, "Common", 2_500);
  const [first, ...later] = await blocksOf(admin, { q: "common" });
  assertEquals([first, ...later].map((block) => block?.lines), [1_000, 1_000, 500]);
  assert(first?.statements.some((text) => text.includes("private.matching_ids")));
  for (const { statements } of later) {
    assertEquals(statements.length, 1, "the first block has decided how to look for the word");
    assert(statements[0]?.includes("@@"), statements[0]);
    assertEquals(statements[0]?.includes("private.search_ids"), false, statements[0]);
  }
});

test("contacts.list exports exactly 1,000 records in one block", async () => {
  const { admin } = await foundWorkspace();
  await insertContacts(admin, "Rare", 1_000);
  await insertContacts(admin, "Other", 500);
  assertEquals((await blocksOf(admin, { q: "rare" })).map(({ lines }) => lines), [1_000]);
  assertEquals((await blocksOf(admin, {})).map(({ lines }) => lines), [1_000, 500]);
});
