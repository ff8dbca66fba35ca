/** Closing dates: a deal has one exactly when it is in a closed stage. */
import { assertEquals, assertGreaterOrEqual } from "@std/assert";
import { assertProblem } from "../../support/answers.ts";
import { createWorkspace, sql, test } from "../../support/workspace.ts";
import { createDeals } from "./board.ts";

const DATE = "2026-05-04T10:00:00+00:00";

test("deals.move closes a deal that is won or lost, and opens it again", async () => {
  const { admin: { api } } = await createWorkspace();
  const [id] = await createDeals(api, "opportunity", 1);
  const started = Date.now();
  for (const stage of ["won", "lost"]) {
    const { body } = await api.post(`/deals/${id}/move`, { stage });
    assertGreaterOrEqual(Date.parse(body.closed_at), started - 1_000, body.closed_at);
    const opened = await api.post(`/deals/${id}/move`, { stage: "delayed" });
    assertEquals(opened.body.closed_at, null);
  }
  const dated = await api.post(`/deals/${id}/move`, { stage: "won", closed_at: DATE });
  assertEquals(dated.body.closed_at, DATE);
  const lost = await api.post(`/deals/${id}/move`, { stage: "lost" });
  assertEquals(lost.body.closed_at, DATE);
});

test("deals.create and deals.update accept the closing date of a closed deal", async () => {
  const { admin: { api } } = await createWorkspace();
  const { body: deal } = await api.post("/deals", { name: "Old", stage: "won", closed_at: DATE });
  assertEquals(deal.closed_at, DATE);
  const path = `/deals/${deal.id}`;
  const later = "2026-06-01T00:00:00+00:00";
  assertEquals((await api.patch(path, { closed_at: later })).body.closed_at, later);
  assertEquals((await api.patch(path, { amount: 1 })).body.closed_at, later);
  assertEquals((await api.patch(path, { stage: "delayed" })).body.closed_at, null);
  const both = await api.patch(path, { stage: "lost", closed_at: DATE });
  assertEquals([both.body.stage, both.body.closed_at], ["lost", DATE]);
});

test("deals.update refuses to clear the closing date of a closed deal, and to set one on an open deal", async () => {
  const { admin: { api } } = await createWorkspace();
  const [won] = await createDeals(api, "won", 1);
  const [open] = await createDeals(api, "opportunity", 1);
  const cleared = await api.patch(`/deals/${won}`, { closed_at: null });
  assertProblem(cleared, 422, "closing_date_required");
  const refused = [
    await api.patch(`/deals/${open}`, { closed_at: DATE }),
    await api.post(`/deals/${open}/move`, { stage: "delayed", closed_at: DATE }),
    await api.post("/deals", { name: "New", stage: "opportunity", closed_at: DATE }),
  ];
  for (const answer of refused) {
    assertProblem(answer, 422, "closing_date_not_allowed");
    assertEquals(Object.keys(answer.body.errors), ["closed_at"]);
  }
  assertEquals((await api.get(`/deals/${open}`)).body.stage, "opportunity");
});

test("deals.restore keeps the closing date", async () => {
  const { admin: { api } } = await createWorkspace();
  const { body } = await api.post("/deals", { name: "Old", stage: "won", closed_at: DATE });
  await api.delete(`/deals/${body.id}`);
  assertEquals((await api.post(`/deals/${body.id}/restore`)).body.closed_at, DATE);
});

test("configuration.update sets and clears closing dates when the closed stages change", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const [won] = await createDeals(api, "won", 1);
  const [delayed] = await createDeals(api, "delayed", 1);
  const before = (await api.get(`/deals/${delayed}`)).body;
  const config = { closedStages: { won: ["delayed"], lost: ["lost"] } };
  assertEquals((await api.patch("/configuration", { config })).status, 200);
  assertEquals((await api.get(`/deals/${won}`)).body.closed_at, null);
  assertEquals((await api.get(`/deals/${delayed}`)).body.closed_at, before.updated_at);
  await api.post(`/deals/${won}/move`, { stage: "delayed", closed_at: DATE });
  const dates = await sql`
    select count(closed_at)::int as dates from public.deals where workspace_id = ${workspace.id}`;
  assertEquals(dates[0]?.dates, 2);
});
