/** What bulks with records do for each kind of record, and what they cost. */
import { assertEquals, assertGreater } from "@std/assert";
import { COLUMNS } from "../../../supabase/functions/api/imports/write.ts";
import * as schemas from "../../../supabase/functions/_shared/schema.ts";
import { withProxiedApp } from "../../support/databaseProxy.ts";
import { insertRow, rowOf } from "../../support/records.ts";
import { createWorkspace, sql, test } from "../../support/workspace.ts";

test("bulks write every column of the kind of record", () => {
  for (const [kind, columns] of Object.entries(COLUMNS)) {
    const { input } = Object(Reflect.get(schemas, kind));
    // `deals.archive` sets it.
    const settable = Object.keys(input).filter((column) => column !== "archived_at");
    assertEquals(Object.keys(columns).sort(), settable.sort(), kind);
  }
  return Promise.resolve();
});

test("deals.bulk puts new deals, and those with a new stage, on top of their columns in order", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  for (const name of ["first", "second"]) await api.post("/deals", { name, stage: "opportunity" });
  const { body: moved } = await api.post("/deals", { name: "moved", stage: "proposal-sent" });
  const records = [
    { name: "new 1", stage: "opportunity" },
    { name: "new 2", stage: "opportunity" },
    { id: moved.id, stage: "opportunity" },
  ];
  const { status } = await api.post("/deals/bulk", { records, on_conflict: "update" });
  assertEquals(status, 200);
  const rows = await sql<{ name: string; index: number }[]>`
    select name, index from public.deals where workspace_id = ${workspace.id} order by index`;
  assertEquals(rows.map(({ index }) => index), [0, 1, 2, 3, 4]);
  assertEquals(rows.map(({ name }) => name), ["moved", "new 1", "new 2", "second", "first"]);
});

test("tasks.bulk sets last_seen of the contacts that get a task", async () => {
  const workspace = await createWorkspace();
  const last_seen = "2020-01-01T00:00:00Z";
  const seen = await insertRow(workspace, "contacts", { last_seen });
  const other = await insertRow(workspace, "contacts", { last_seen });
  const task = await insertRow(workspace, "tasks", { contact_id: other, text: "Call" });
  const records = [
    { contact_id: seen, text: "Write" },
    { contact_id: seen, text: "Call" },
    { id: task, text: "Call again" },
  ];
  const { status } = await workspace.admin.api.post("/tasks/bulk", {
    records,
    on_conflict: "update",
  });
  assertEquals(status, 200);
  const years = await Promise.all([seen, other].map(async (id) => {
    const row = await rowOf("contacts", id);
    return new Date(String(row?.last_seen)).getUTCFullYear();
  }));
  assertGreater(years[0], 2020);
  assertEquals(years[1], 2020);
});

test("contacts.bulk takes as many statements for 200 records as for two", async () => {
  const { admin } = await createWorkspace();
  await withProxiedApp(async (app, proxy) => {
    const costOf = async (count: number) => {
      const records = Array.from({ length: count }, (_, index) => ({
        email_jsonb: [{ email: `${count}-${index}@example.com` }],
      }));
      const init = {
        method: "POST",
        headers: { Authorization: `Bearer ${admin.token}`, "Content-Type": "application/json" },
        body: JSON.stringify({ records, on_conflict: "update" }),
      };
      proxy.watch();
      const { status, body } = await app.send("/api/contacts/bulk", init);
      assertEquals([status, body.counts.created], [200, count]);
      return proxy.statements;
    };
    await costOf(1);
    assertEquals(await costOf(200), await costOf(2));
  });
});
