/** configuration.update: removing stages that have deals. */
import { assertEquals } from "@std/assert";
import { assertProblem } from "../../support/answers.ts";
import { type Api, createWorkspace, sql, test } from "../../support/workspace.ts";
import { columnOf, createDeals } from "../deals/board.ts";

const STAGES = ["opportunity", "won", "lost"].map((value) => ({ value, label: value }));

function patch(api: Api, body: object) {
  return api.patch("/configuration", { config: { dealStages: STAGES }, ...body });
}

test("configuration.update answers 409 stage_in_use with the numbers of deals, archived ones included", async () => {
  const { admin: { api } } = await createWorkspace();
  const [archived] = await createDeals(api, "delayed", 2);
  await api.post(`/deals/${archived}/archive`);
  await createDeals(api, "proposal-sent", 1);
  const before = (await api.get("/configuration")).body;
  const answer = await patch(api, {});
  assertProblem(answer, 409, "stage_in_use");
  assertEquals(answer.body.stages, { delayed: 2, "proposal-sent": 1 });
  const half = await patch(api, { reassign_to: { delayed: "lost" } });
  assertEquals([half.status, half.body.stages], [409, { "proposal-sent": 1 }]);
  assertEquals((await api.get("/configuration")).body, before);
});

test("configuration.update moves deals to the end of the columns that reassign_to names", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const [b, a] = await createDeals(api, "delayed", 2);
  const [c] = await createDeals(api, "lost", 1);
  const [d] = await createDeals(api, "delayed", 1);
  await api.post(`/deals/${d}/archive`);
  const { status, body } = await patch(api, { reassign_to: { delayed: "lost" } });
  assertEquals([status, body.reassigned], [200, { delayed: 3 }]);
  assertEquals(body.config.dealStages, STAGES);
  assertEquals(await columnOf(workspace, "lost"), [c, a, b]);
  const { body: archived } = await api.get(`/deals/${d}`);
  assertEquals([archived.stage, typeof archived.closed_at], ["lost", "string"]);
  assertProblem(await api.post("/deals", { name: "D", stage: "delayed" }), 422, "unknown_stage");
});

test("configuration.update with dry_run shows the deals that would move, and moves none", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const [id] = await createDeals(api, "delayed", 1);
  const before = (await api.get("/configuration")).body;
  const { status, body } = await patch(api, { reassign_to: { delayed: "won" }, dry_run: true });
  assertEquals([status, body.reassigned, body.config.dealStages], [200, { delayed: 1 }, STAGES]);
  assertEquals((await api.get("/configuration")).body, before);
  assertEquals(await columnOf(workspace, "delayed"), [id]);
});

test("configuration.update reassigns deals of stages that are not configured any more", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const [row] = await sql`
    insert into public.deals (workspace_id, name, stage)
    values (${workspace.id}, 'Old', 'Lead In') returning id::int as id`;
  const answer = await api.patch("/configuration", { reassign_to: { "Lead In": "opportunity" } });
  assertEquals([answer.status, answer.body.reassigned], [200, { "Lead In": 1 }]);
  assertEquals(await columnOf(workspace, "opportunity"), [row?.id]);
});

test("configuration.update refuses to reassign stages that stay, or to stages that do not exist", async () => {
  const { admin: { api } } = await createWorkspace();
  await createDeals(api, "delayed", 1);
  for (const reassign_to of [{ won: "lost" }, { delayed: "proposal-sent" }, { delayed: "x" }]) {
    const answer = await patch(api, { reassign_to });
    assertProblem(answer, 422, "validation_failed");
    assertEquals(Object.keys(answer.body.errors), [`reassign_to.${Object.keys(reassign_to)[0]}`]);
  }
});

test("configuration.update keeps the closing date of deals that move between closed stages", async () => {
  const { admin: { api } } = await createWorkspace();
  const closed_at = "2026-05-04T10:00:00+00:00";
  const { body } = await api.post("/deals", { name: "Old", stage: "won", closed_at });
  const config = {
    dealStages: [{ value: "open", label: "Open" }, { value: "signed", label: "Signed" }],
    dealPipelineStatuses: ["signed"],
    closedStages: { won: ["signed"], lost: [] },
  };
  const answer = await api.patch("/configuration", { config, reassign_to: { won: "signed" } });
  assertEquals(answer.status, 200, JSON.stringify(answer.body));
  const { body: deal } = await api.get(`/deals/${body.id}`);
  assertEquals([deal.stage, deal.closed_at], ["signed", closed_at]);
});

test("configuration.update keeps removed categories on the deals that have them", async () => {
  const { admin: { api } } = await createWorkspace();
  const { body } = await api.post("/deals", { name: "Old", stage: "won", category: "renewal" });
  const config = { dealCategories: [{ value: "other", label: "Other" }] };
  assertEquals((await api.patch("/configuration", { config })).status, 200);
  const patched = await api.patch(`/deals/${body.id}`, { amount: 1 });
  assertEquals([patched.status, patched.body.category], [200, "renewal"]);
  const again = await api.post("/deals", { name: "New", stage: "won", category: "renewal" });
  assertProblem(again, 422, "unknown_category");
});

test("configuration.update leaves no deal in a stage that is removed at the same time", async () => {
  const { admin: { api }, id } = await createWorkspace();
  const answers = await Promise.all([
    ...Array.from({ length: 8 }, () => api.post("/deals", { name: "D", stage: "delayed" })),
    patch(api, { reassign_to: { delayed: "won" } }),
    ...Array.from({ length: 8 }, () => api.post("/deals", { name: "D", stage: "delayed" })),
  ]);
  const codes = new Set(answers.map(({ status, body }) => `${status} ${body.code ?? ""}`));
  assertEquals(
    [...codes].filter((code) => !["201 ", "200 ", "422 unknown_stage"].includes(code)),
    [],
  );
  const left = await sql`
    select from public.deals where workspace_id = ${id} and stage = 'delayed'`;
  assertEquals(left.length, 0);
});
