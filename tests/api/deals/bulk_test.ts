/** deals.bulk: records that the database refuses, and the board. */
import { assertEquals } from "@std/assert";
import { assertProblem } from "../../support/answers.ts";
import { insertRows } from "../../support/records.ts";
import { createWorkspace, sql, test } from "../../support/workspace.ts";

test("deals.bulk finds the records that the database refuses, and changes the others", async () => {
  const workspace = await createWorkspace();
  const closed = { name: "closed", stage: "won", closed_at: "2026-01-01T00:00:00Z" };
  const ids = await insertRows(
    workspace,
    "deals",
    Array.from(
      { length: 40 },
      (_, index) => index === 7 || index === 31 ? closed : { name: "open", stage: "opportunity" },
    ),
  );
  const { status, body } = await workspace.admin.api.post("/deals/bulk", {
    ids,
    set: { closed_at: null },
    partial: true,
  });
  assertEquals([status, body.counts], [207, { requested: 40, succeeded: 38, failed: 2 }]);
  const refused = body.data.filter((item: { code?: string }) => item.code);
  assertEquals(refused.map((item: { id: number }) => item.id), [ids[7], ids[31]]);
  assertEquals(refused[0].code, "closing_date_required");
  const all = await workspace.admin.api.post("/deals/bulk", { ids, set: { closed_at: null } });
  assertProblem(all, 422, "closing_date_required");
});

test("deals.bulk keeps the positions of the board without gaps when stages change and deals are deleted", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const ids: number[] = [];
  for (let index = 0; index < 6; index++) {
    const stage = index < 3 ? "opportunity" : "proposal-sent";
    const answer = await api.post("/deals", { name: `Deal ${index}`, stage });
    assertEquals(answer.status, 201, JSON.stringify(answer.body));
    ids.push(answer.body.id);
  }
  const moved = await api.post("/deals/bulk", {
    ids: [ids[0], ids[1]],
    set: { stage: "proposal-sent" },
  });
  assertEquals(moved.status, 200, JSON.stringify(moved.body));
  assertEquals((await api.post("/deals/bulk", { ids: [ids[4]], delete: true })).status, 200);
  const rows = await sql<{ stage: string; index: number; id: number }[]>`
    select stage, index, id::int as id from public.deals
    where workspace_id = ${workspace.id} order by stage, index`;
  assertEquals(rows.map(({ stage, index }) => [stage, index]), [
    ["opportunity", 0],
    ["proposal-sent", 0],
    ["proposal-sent", 1],
    ["proposal-sent", 2],
    ["proposal-sent", 3],
  ]);
  assertEquals(new Set(rows.slice(1, 3).map(({ id }) => id)), new Set([ids[0], ids[1]]));
});

test("deals.bulk refuses values that are not configured, and closing dates of open deals", async () => {
  const workspace = await createWorkspace();
  const ids = await insertRows(workspace, "deals", [{ name: "open", stage: "opportunity" }]);
  const refused = {
    unknown_stage: { stage: "no such stage" },
    unknown_category: { category: "no such category" },
    closing_date_not_allowed: { closed_at: "2026-01-01T00:00:00Z" },
  };
  for (const [code, set] of Object.entries(refused)) {
    assertProblem(await workspace.admin.api.post("/deals/bulk", { ids, set }), 422, code);
  }
});
