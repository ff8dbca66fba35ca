/** configuration.update: changes by key, refusals, and permissions. */
import { assertEquals, assertGreater } from "@std/assert";
import { assertProblem } from "../../support/answers.ts";
import { createWorkspace, headerOf, sql, test } from "../../support/workspace.ts";

test("configuration.update changes the given keys, keeps unknown keys, and resets a key to its default by null", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const before = (await api.get("/configuration")).body;
  const config = {
    title: "Engines",
    currency: "CHF",
    dealCategories: [{ value: "brass-work", label: "Brass work" }],
    noteStatuses: [{ value: "new", label: "New", color: "#0af" }],
    customKey: { nested: [1] },
  };
  const first = await api.patch("/configuration", { config });
  assertEquals(first.status, 200);
  assertEquals(first.body.config, { ...before.config, ...config });
  assertEquals(first.body.reassigned, {});
  const second = await api.patch("/configuration", { config: { currency: null, customKey: null } });
  const { customKey: _, ...kept } = config;
  assertEquals(second.body.config, { ...before.config, ...kept, currency: "USD" });
  assertGreater(second.body.updated_at, first.body.updated_at);
  const [row] = await sql`
    select config from public.configuration where workspace_id = ${workspace.id}`;
  assertEquals(Object.keys(row?.config).sort(), ["dealCategories", "noteStatuses", "title"]);
});

test("configuration.update answers 422 naming the field that is not valid, and changes nothing", async () => {
  const { admin: { api } } = await createWorkspace();
  const before = (await api.get("/configuration")).body;
  const pair = { value: "a", label: "A" };
  const wrong: [Record<string, unknown>, string][] = [
    [{ title: "" }, "config.title"],
    [{ title: 1 }, "config.title"],
    [{ currency: "EURO" }, "config.currency"],
    [{ currency: "QQQ" }, "config.currency"],
    [{ dealStages: [] }, "config.dealStages"],
    [{ dealStages: [pair, pair] }, "config.dealStages.1.value"],
    [{ dealStages: [{ ...pair, value: "Not a slug" }] }, "config.dealStages.0.value"],
    [{ dealStages: [{ value: "a" }] }, "config.dealStages.0.label"],
    [{ dealStages: [{ ...pair, extra: 1 }] }, "config.dealStages.0.extra"],
    [{ companySectors: "tech" }, "config.companySectors"],
    [{ taskTypes: [{ value: "a", label: " " }] }, "config.taskTypes.0.label"],
    [{ noteStatuses: [pair] }, "config.noteStatuses.0.color"],
    [{ noteStatuses: [{ ...pair, color: "red" }] }, "config.noteStatuses.0.color"],
    [{ dealPipelineStatuses: ["signed"] }, "config.dealPipelineStatuses"],
    [{ closedStages: { won: ["won"], lost: ["signed"] } }, "config.closedStages.lost"],
    [{ closedStages: { won: ["won"], lost: ["won"] } }, "config.closedStages.lost"],
    [{ closedStages: { won: ["won"] } }, "config.closedStages.lost"],
  ];
  for (const [config, field] of wrong) {
    const answer = await api.patch("/configuration", { config });
    assertProblem(answer, 422, "validation_failed");
    assertEquals(Object.keys(answer.body.errors), [field]);
  }
  assertProblem(await api.patch("/configuration", { title: "Mine" }), 422, "validation_failed");
  assertEquals((await api.get("/configuration")).body, before);
});

test("configuration.update answers 412 to an outdated version", async () => {
  const { admin: { api } } = await createWorkspace();
  const ifMatch = { "If-Match": headerOf(await api.get("/configuration"), "ETag") };
  const patch = (title: string) => api.patch("/configuration", { config: { title } }, ifMatch);
  assertEquals((await patch("First")).status, 200);
  const refused = await patch("Second");
  assertEquals([refused.status, refused.body.code], [412, "precondition_failed"]);
  assertEquals(refused.body.current.config.title, "First");
});

test("configuration.update is only for admins, and changes only their own workspace", async () => {
  const [{ admin, addMember }, other] = await Promise.all([createWorkspace(), createWorkspace()]);
  const [manager, rep] = await Promise.all([addMember("manager"), addMember("rep")]);
  for (const { api } of [manager, rep]) {
    const answer = await api.patch("/configuration", { config: { title: "Mine" } });
    assertProblem(answer, 403, "admin_required");
  }
  await admin.api.patch("/configuration", { config: { title: "Ours" } });
  assertEquals((await other.admin.api.get("/configuration")).body.config.title, "CRM");
});
