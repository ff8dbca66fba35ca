/** tasks.list: order, filters, included records. */
import { assertEquals } from "@std/assert";
import { contactOf, insertRow, insertRows } from "../../support/records.ts";
import { createWorkspace, test } from "../../support/workspace.ts";
import { idsOf } from "./idsOf.ts";

test("tasks.list sorts by due date, tasks without one last", async () => {
  const workspace = await createWorkspace();
  const contact_id = await contactOf(workspace);
  const [none, late, early] = await insertRows(workspace, "tasks", [
    { contact_id },
    { contact_id, due_date: "2026-12-24T00:00:00Z" },
    { contact_id, due_date: "2026-12-01T00:00:00Z" },
  ]);
  const ids = await idsOf(workspace.admin.api, "");
  assertEquals(ids, [early, late, none].map(Number));
});

test("tasks.list filters by owner, by contact, and by done date", async () => {
  const workspace = await createWorkspace();
  const rep = await workspace.addMember("rep");
  const [first, second] = [await contactOf(workspace), await contactOf(workspace)];
  const [, done, open] = await insertRows(workspace, "tasks", [
    { contact_id: first },
    { contact_id: first, done_date: "2026-01-05T12:00:00Z" },
    { contact_id: second, sales_id: rep.id },
  ]);
  const { api } = workspace.admin;
  assertEquals(await idsOf(api, `sales_id=${rep.id}`), [Number(open)]);
  assertEquals((await idsOf(api, `contact_id=${first}`)).length, 2);
  const range = "done_date@gte=2026-01-05&done_date@lt=2026-01-06";
  assertEquals(await idsOf(api, range), [Number(done)]);
  assertEquals((await idsOf(api, "done_date=is.null")).length, 2);
});

test("tasks.list includes contact and owner, without a query for each", async () => {
  const workspace = await createWorkspace();
  const company_id = await insertRow(workspace, "companies", { name: "Analytical" });
  const contact_id = await contactOf(workspace, { last_name: "Lovelace", company_id });
  await insertRow(workspace, "tasks", { contact_id });
  const { body } = await workspace.admin.api.get("/tasks?include=contact,owner");
  assertEquals(body.data[0].contact, {
    id: contact_id,
    first_name: "Ada",
    last_name: "Lovelace",
    company_name: "Analytical",
  });
  assertEquals(body.data[0].owner.id, workspace.admin.id);
});
