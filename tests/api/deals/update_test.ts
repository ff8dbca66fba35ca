/** deals.update: fields, versions, stages, and values that are no longer configured. */
import { assertEquals, assertGreater } from "@std/assert";
import { assertProblem } from "../../support/answers.ts";
import { createWorkspace, headerOf, sql, test } from "../../support/workspace.ts";
import { columnOf, createDeals } from "./board.ts";

test("deals.update changes the given fields, and clears fields by null", async () => {
  const { admin } = await createWorkspace();
  const deal = { name: "Engine", stage: "won", amount: 5, category: "other" };
  const { body: before } = await admin.api.post("/deals", deal);
  const { status, body } = await admin.api.patch(`/deals/${before.id}`, {
    amount: null,
    description: "x",
  });
  assertEquals(status, 200);
  const { updated_at } = body;
  assertEquals(body, { ...before, amount: null, description: "x", updated_at });
  assertGreater(updated_at, before.updated_at);
});

test("deals.update answers 412 to an outdated version, and changes nothing", async () => {
  const { admin } = await createWorkspace();
  const [id] = await createDeals(admin.api, "won", 1);
  const path = `/deals/${id}`;
  const ifMatch = { "If-Match": headerOf(await admin.api.get(path), "ETag") };
  assertEquals((await admin.api.patch(path, { amount: 1 }, ifMatch)).status, 200);
  const refused = [
    await admin.api.patch(path, { amount: 2 }, ifMatch),
    await admin.api.patch(path, { stage: "lost" }, ifMatch),
    await admin.api.post(`${path}/move`, { stage: "lost" }, ifMatch),
    await admin.api.post(`${path}/archive`, undefined, ifMatch),
    await admin.api.delete(path, ifMatch),
  ];
  for (const answer of refused) {
    assertEquals([answer.status, answer.body.code], [412, "precondition_failed"]);
    assertEquals(answer.body.current.amount, 1);
  }
  assertEquals((await admin.api.get(path)).body.stage, "won");
});

test("deals.update with a stage puts the deal at the top of the new column", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const [a, b, c] = await createDeals(api, "opportunity", 3);
  const [d] = await createDeals(api, "delayed", 1);
  const { body } = await api.patch(`/deals/${b}`, { stage: "delayed" });
  assertEquals([body.stage, body.index], ["delayed", 0]);
  assertEquals(await columnOf(workspace, "opportunity"), [c, a]);
  assertEquals(await columnOf(workspace, "delayed"), [b, d]);
});

test("deals.update keeps a stage and category that are no longer configured when other fields change", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const [row] = await sql`
    insert into public.deals (workspace_id, name, stage, category, index)
    values (${workspace.id}, 'Old', 'Lead In', 'Toys', 0) returning id::int as id`;
  const path = `/deals/${row?.id}`;
  const same = { amount: 7, stage: "Lead In", category: "Toys" };
  const { status, body } = await api.patch(path, same);
  assertEquals([status, body.stage, body.category, body.amount], [200, "Lead In", "Toys", 7]);
  assertProblem(await api.patch(path, { stage: "Lead Out" }), 422, "unknown_stage");
  assertEquals((await api.get("/deals?stage=Lead In")).body.data.length, 1);
});
