/** The number of statements of a list, which does not depend on the number of records. */
import { assertEquals } from "@std/assert";
import { withProxiedApp } from "../support/databaseProxy.ts";
import { insertRow, insertRows } from "../support/records.ts";
import { createWorkspace, test } from "../support/workspace.ts";

test("contacts.list with company, owner and tags is one statement for every page", async () => {
  const workspace = await createWorkspace();
  const tag = await insertRow(workspace, "tags", { name: "red", color: "red" });
  const company_id = await insertRow(workspace, "companies", { name: "Acme" });
  await insertRows(workspace, "contacts", Array(50).fill({ company_id, tags: [tag] }));
  await withProxiedApp(async (app, proxy) => {
    const costOf = async (query: string) => {
      const path = `/api/contacts?include=company,owner,tag_records&${query}`;
      const init = { headers: { Authorization: `Bearer ${workspace.admin.token}` } };
      await app.send(path, init);
      await app.send(path, init);
      proxy.watch();
      const { status, body } = await app.send(path, init);
      assertEquals(status, 200);
      return {
        records: body.data.length,
        statements: proxy.statements,
        roundTrips: proxy.roundTrips,
      };
    };
    const one = await costOf("limit=1");
    const fifty = await costOf("limit=50");
    assertEquals([one.records, fifty.records], [1, 50]);
    assertEquals(fifty.statements, one.statements);
    // begin, claims, the list, rollback
    assertEquals(fifty.statements, 4);
    assertEquals((await costOf("limit=50&count=exact")).statements, 5);
  });
});
