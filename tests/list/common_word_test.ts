/** contacts.list: pages of a search for a word that many records hold. */
import { assertEquals } from "@std/assert";
import { insertRows } from "../support/records.ts";
import { createWorkspace, sql, test } from "../support/workspace.ts";

test("contacts.list pages through a common word without loss when records are deleted meanwhile", async () => {
  const workspace = await createWorkspace();
  const { admin } = workspace;
  const rows = Array.from({ length: 1_200 }, (_, index) => ({
    last_name: "Common",
    status: index % 2 === 0 ? "hot" : "warm",
    last_seen: index % 3 === 0 ? null : `2026-01-01T00:${String(index % 60).padStart(2, "0")}:00Z`,
  }));
  const expected = await insertRows(workspace, "contacts", rows);
  const seen: number[] = [];
  let cursor = "";
  do {
    const { status, body } = await admin.api.get(`/contacts?q=common&limit=200${cursor}`);
    assertEquals(status, 200, JSON.stringify(body));
    seen.push(...body.data.map((row: { id: number }) => row.id));
    cursor = body.next_cursor ? `&cursor=${body.next_cursor}` : "";
    if (seen.length === 200) {
      // A new search would now find few enough to rank. The next pages must follow the first one.
      await sql`delete from public.contacts where id = any (${expected.splice(400)})`;
      expected.push(...seen.filter((id) => !expected.includes(id)));
    }
  } while (cursor);
  assertEquals([...seen].sort((a, b) => a - b), expected.sort((a, b) => a - b));
  const counted = await admin.api.get("/contacts?q=common&count=exact&status=hot&limit=1");
  assertEquals(counted.body.total, 200);
});
