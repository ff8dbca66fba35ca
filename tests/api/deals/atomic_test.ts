/** Deals as Atomic CRM's frontend writes them, through the Data API. */
import { assertEquals } from "@std/assert";
import { createWorkspace, sql, stack, test, type TestMember } from "../../support/workspace.ts";
import { columnOf, createDeals } from "./board.ts";

async function rest(member: TestMember, method: string, path: string, body: unknown) {
  const response = await fetch(`${stack.apiUrl}/rest/v1/${path}`, {
    method,
    headers: {
      apikey: stack.publishableKey,
      Authorization: `Bearer ${member.token}`,
      "Content-Type": "application/json",
      Accept: "application/vnd.pgrst.object+json",
      Prefer: "return=representation",
    },
    body: JSON.stringify(body),
  });
  const answer = await response.json();
  assertEquals(response.ok, true, JSON.stringify(answer));
  return answer;
}

test("Atomic CRM creates a deal and moves the others down, one by one", async () => {
  const workspace = await createWorkspace();
  const { admin } = workspace;
  const [b, a] = await createDeals(admin.api, "won", 2);
  const deal = { name: "New", stage: "won", category: "copywriting", index: 0, contact_ids: [] };
  const created = await rest(admin, "POST", "deals", deal);
  await Promise.all([
    rest(admin, "PATCH", `deals?id=eq.${a}`, { index: 1 }),
    rest(admin, "PATCH", `deals?id=eq.${b}`, { index: 2 }),
  ]);
  assertEquals(await columnOf(workspace, "won"), [created.id, a, b]);
  assertEquals(typeof created.closed_at, "string");
});

test("Atomic CRM drags a deal into another column, and archives it", async () => {
  const workspace = await createWorkspace();
  const { admin } = workspace;
  const [b, a] = await createDeals(admin.api, "opportunity", 2);
  const [c] = await createDeals(admin.api, "lost", 1);
  await Promise.all([
    rest(admin, "PATCH", `deals?id=eq.${a}`, { index: 0, stage: "lost" }),
    rest(admin, "PATCH", `deals?id=eq.${b}`, { index: 0 }),
    rest(admin, "PATCH", `deals?id=eq.${c}`, { index: 1 }),
  ]);
  assertEquals(await columnOf(workspace, "opportunity"), [b]);
  assertEquals(await columnOf(workspace, "lost"), [a, c]);
  const archived = await rest(admin, "PATCH", `deals?id=eq.${c}`, {
    archived_at: new Date().toISOString(),
  });
  assertEquals([archived.stage, archived.index], ["lost", 1]);
  const moved = await rest(admin, "PATCH", `deals?id=eq.${a}`, { stage: "own-stage" });
  assertEquals([moved.stage, moved.closed_at], ["own-stage", null]);
});

test("Atomic CRM stores a whole configuration, and the gateway follows it", async () => {
  const workspace = await createWorkspace();
  const { admin } = workspace;
  const config = {
    title: "Mine",
    dealStages: [{ value: "Lead In", label: "Lead" }, { value: "signed", label: "Signed" }],
    dealPipelineStatuses: ["signed", "gone"],
    lightModeLogo: null,
    googleWorkplaceDomain: "example.com",
  };
  await rest(admin, "PATCH", "configuration?id=eq.1", { config });
  const { body } = await admin.api.get("/configuration");
  assertEquals([body.config.title, body.config.lightModeLogo], ["Mine", ""]);
  assertEquals(body.config.dealPipelineStatuses, ["signed"]);
  assertEquals(body.config.closedStages, { won: [], lost: [] });
  assertEquals(body.config.googleWorkplaceDomain, "example.com");
  assertEquals((await admin.api.post("/deals", { name: "D", stage: "Lead In" })).status, 201);
  const [row] = await sql`
    select config from public.configuration where workspace_id = ${workspace.id}`;
  assertEquals(row?.config, config);
});
