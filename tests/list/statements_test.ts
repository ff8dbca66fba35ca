/** The number of statements of a list, which does not depend on the number of records. */
import { assertEquals, assertLessOrEqual } from "@std/assert";
import { testSettings, withApp } from "../support/app.ts";
import { startDatabaseProxy, withProxiedApp } from "../support/databaseProxy.ts";
import { present } from "../support/exactly.ts";
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

test("requests take no more round trips without prepared statements", async () => {
  // A pooler may not keep prepared statements, so there is nothing to compare with.
  if (/pgbouncer|:6543/.test((await testSettings()).databaseUrl)) return;
  const workspace = await createWorkspace();
  const contact = await insertRow(workspace, "contacts", { last_name: "Lovelace" });
  const [prepared, unprepared] = await Promise.all(
    ["prepare=true", "prepare=false"].map(async (parameter) => {
      const { databaseUrl } = await testSettings();
      await using proxy = startDatabaseProxy(databaseUrl);
      const settings = {
        databaseUrl: `${proxy.url.replace(/\?.*/, "")}?${parameter}`,
        databaseConnections: 1,
        rateLimit: 0,
      };
      const counts: number[] = [];
      await withApp(settings, async (app) => {
        const headers = {
          Authorization: `Bearer ${workspace.admin.token}`,
          "Content-Type": "application/json",
        };
        const patch = { method: "PATCH", headers, body: JSON.stringify({ title: parameter }) };
        const requests: [string, RequestInit][] = [
          ["/api/contacts?last_name=Lovelace&id@gte=1&limit=2", { headers }],
          [`/api/contacts/${contact}`, patch],
        ];
        for (const [path, init] of requests) {
          // The first ones open the connection, and prepare statements.
          for (let time = 0; time < 3; time++) {
            proxy.watch();
            assertEquals((await app.send(path, init)).status, 200);
          }
          counts.push(proxy.roundTrips);
        }
      });
      return counts;
    }),
  );
  const [list, ...changes] = present(unprepared, "count");
  // With the rollback at its end, which the answer does not wait for.
  assertLessOrEqual(present(list, "count"), 2);
  assertEquals(changes, present(prepared, "count").slice(1));
});
