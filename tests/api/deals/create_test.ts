/** deals.create: the position on the board, and refusals. */
import { assertEquals, assertMatch } from "@std/assert";
import { assertProblem } from "../../support/answers.ts";
import { createWorkspace, headerOf, test } from "../../support/workspace.ts";
import { columnOf, createDeals } from "./board.ts";

test("deals.create answers 201 with the deal at the top of its column", async () => {
  const workspace = await createWorkspace();
  const { admin } = workspace;
  const [first] = await createDeals(admin.api, "opportunity", 1);
  const input = {
    name: " Engine ",
    stage: "opportunity",
    category: "renewal",
    amount: 9_007_199_254_740_991,
    expected_closing_date: "2027-03-31",
    description: "Two of them",
  };
  const { status, body, headers } = await admin.api.post("/deals", input);
  assertEquals(status, 201);
  assertMatch(headerOf({ headers }, "Location"), new RegExp(`deals/${body.id}$`));
  assertEquals(headers.get("ETag"), `"${body.updated_at}"`);
  const { name, amount, index, sales_id, contact_ids, closed_at, archived_at, nb_notes } = body;
  assertEquals([name, amount, index, sales_id], ["Engine", input.amount, 0, admin.id]);
  assertEquals([contact_ids, closed_at, archived_at, nb_notes], [[], null, null, 0]);
  assertEquals(await columnOf(workspace, "opportunity"), [body.id, first]);
  assertEquals((await admin.api.get(`/deals/${body.id}`)).body, body);
});

test("deals.create refuses amounts that JSON cannot hold exactly, and malformed dates", async () => {
  const { admin } = await createWorkspace();
  const bad: Record<string, unknown> = {
    amount: 9_007_199_254_740_992,
    expected_closing_date: "2027-02-30",
    closed_at: "yesterday",
    name: "  ",
    contact_ids: [0],
  };
  for (const [field, value] of Object.entries(bad)) {
    const deal = { name: "Engine", stage: "won", [field]: value };
    const answer = await admin.api.post("/deals", deal);
    assertProblem(answer, 422, "validation_failed");
    assertEquals(Object.keys(answer.body.errors).map((key) => key.split(".")[0]), [field]);
  }
  const half = await admin.api.post("/deals", { name: "Engine", stage: "won", amount: 0.5 });
  assertProblem(half, 422, "validation_failed");
});

test("deals.create and deals.update refuse fields that have their own operations", async () => {
  const { admin } = await createWorkspace();
  const [id] = await createDeals(admin.api, "won", 1);
  for (const field of ["index", "archived_at", "workspace_id", "company_name", "id"]) {
    const answer = await admin.api.patch(`/deals/${id}`, { [field]: null });
    assertProblem(answer, 422, "validation_failed");
    assertEquals(Object.keys(answer.body.errors), [field]);
    const input = { name: "Engine", stage: "won", [field]: null };
    assertProblem(await admin.api.post("/deals", input), 422, "validation_failed");
  }
});

test("deals.create refuses a stage or category that is not configured, naming the configured ones", async () => {
  const { admin } = await createWorkspace();
  const stage = await admin.api.post("/deals", { name: "Engine", stage: "signed" });
  assertProblem(stage, 422, "unknown_stage");
  assertEquals(
    stage.body.errors.stage,
    "Use one of: opportunity, proposal-sent, in-negociation, won, lost, delayed.",
  );
  const category = await admin.api.post("/deals", { name: "E", stage: "won", category: "toys" });
  assertProblem(category, 422, "unknown_category");
  assertEquals(Object.keys(category.body.errors), ["category"]);
});

test("deals.create refuses companies, contacts and owners of another workspace", async () => {
  const [{ admin }, other] = await Promise.all([createWorkspace(), createWorkspace()]);
  const company = (await other.admin.api.post("/companies", { name: "Theirs" })).body.id;
  const contact = (await other.admin.api.post("/contacts", { first_name: "Theirs" })).body.id;
  const deal = { name: "Engine", stage: "won" };
  const wrong: [object, string, string][] = [
    [{ company_id: company }, "unknown_reference", "company_id"],
    [{ sales_id: other.admin.id }, "unknown_reference", "sales_id"],
    [{ contact_ids: [contact] }, "unknown_contact", "contact_ids"],
  ];
  for (const [change, code, field] of wrong) {
    const answer = await admin.api.post("/deals", { ...deal, ...change });
    assertProblem(answer, 422, code);
    assertEquals(Object.keys(answer.body.errors), [field]);
  }
  assertEquals((await admin.api.get("/deals")).body.data, []);
});
