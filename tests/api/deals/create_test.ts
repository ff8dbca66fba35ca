/** Deals as records: create, get, change, delete, restore, and the list of them. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { assertProblem } from "../../support/answers.ts";
import { createWorkspace, sql, test } from "../../support/workspace.ts";
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
  assertMatch(headers.get("Location") ?? "", new RegExp(`deals/${body.id}$`));
  assertEquals(headers.get("ETag"), `"${body.updated_at}"`);
  const { name, amount, index, sales_id, contact_ids, closed_at, archived_at, nb_notes } = body;
  assertEquals([name, amount, index, sales_id], ["Engine", input.amount, 0, admin.id]);
  assertEquals([contact_ids, closed_at, archived_at, nb_notes], [[], null, null, 0]);
  assertEquals(await columnOf(workspace, "opportunity"), [body.id, first]);
  assertEquals((await admin.api.get(`/deals/${body.id}`)).body, body);
});

test("deals.create refuses amounts that JSON cannot hold exactly, and dates that are none", async () => {
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

test("deals.create and deals.update refuse what has calls of its own", async () => {
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

test("deals.create refuses a stage or category that is not configured, naming those that are", async () => {
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

test("deals.get includes company, owner and the contacts in their order", async () => {
  const { admin } = await createWorkspace();
  const { api } = admin;
  const company_id = (await api.post("/companies", { name: "Engines Ltd" })).body.id;
  const ada = (await api.post("/contacts", { first_name: "Ada" })).body.id;
  const bea = (await api.post("/contacts", { first_name: "Bea", title: "CEO" })).body.id;
  const deal = { name: "Engine", stage: "won", company_id, contact_ids: [bea, ada] };
  const { id } = (await api.post("/deals", deal)).body;
  const { body } = await api.get(`/deals/${id}?include=company,owner,contacts`);
  assertEquals(body.company, { id: company_id, name: "Engines Ltd", website: null });
  assertEquals(body.company_name, "Engines Ltd");
  assertEquals(body.owner, { id: admin.id, first_name: "Ada", last_name: "Admin" });
  assertEquals(body.contacts, [
    { id: bea, first_name: "Bea", last_name: null, title: "CEO" },
    { id: ada, first_name: "Ada", last_name: null, title: null },
  ]);
});

test("deals.update changes what is given, and null clears", async () => {
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
  assert(updated_at > before.updated_at);
});

test("deals.update answers 412 for a version that has passed, and leaves the deal", async () => {
  const { admin } = await createWorkspace();
  const [id] = await createDeals(admin.api, "won", 1);
  const path = `/deals/${id}`;
  const ifMatch = { "If-Match": (await admin.api.get(path)).headers.get("ETag") ?? "" };
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

test("deals keep a stage and category that are no longer configured while others change", async () => {
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

test("deals.delete is for owner, managers and admins, closes the gap, and repeats", async () => {
  const workspace = await createWorkspace();
  const { admin, addMember } = workspace;
  const [rep, manager] = await Promise.all([addMember("rep"), addMember("manager")]);
  const [a, b, c] = await createDeals(admin.api, "won", 3);
  const [own] = await createDeals(rep.api, "won", 1);
  assertProblem(await rep.api.delete(`/deals/${b}`), 403, "forbidden");
  assertEquals(await columnOf(workspace, "won"), [own, c, b, a]);
  assertEquals((await rep.api.delete(`/deals/${own}`)).status, 204);
  assertEquals((await manager.api.delete(`/deals/${b}`)).status, 204);
  assertEquals((await manager.api.delete(`/deals/${b}`)).status, 204);
  assertEquals(await columnOf(workspace, "won"), [c, a]);
  assertProblem(await admin.api.get(`/deals/${b}`), 410, "deleted");
  assertProblem(await admin.api.delete("/deals/999999999"), 404, "not_found");
});

test("deals.restore brings the deal back with its notes, into its column", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const [a, b, c] = await createDeals(api, "won", 3);
  await sql`
    insert into public.deal_notes (workspace_id, deal_id, text) values (${workspace.id}, ${b}, 'n')`;
  const before = (await api.get(`/deals/${b}`)).body;
  await api.delete(`/deals/${b}`);
  const { status, body } = await api.post(`/deals/${b}/restore`);
  assertEquals(status, 200);
  assertEquals(body, { ...before, nb_notes: 1, updated_at: body.updated_at });
  const column = await columnOf(workspace, "won");
  assertEquals(column.toSorted(), [a, b, c].toSorted());
  assertEquals((await api.post(`/deals/${b}/restore`)).status, 200);
});

test("deals of another workspace are 404 for every call, and stay as they are", async () => {
  const [workspace, other] = await Promise.all([createWorkspace(), createWorkspace()]);
  const [id] = await createDeals(workspace.admin.api, "won", 1);
  const { api } = other.admin;
  const path = `/deals/${id}`;
  const answers = [
    await api.get(path),
    await api.patch(path, { amount: 1 }),
    await api.patch(path, { stage: "lost" }),
    await api.delete(path),
    await api.post(`${path}/restore`),
    await api.post(`${path}/archive`),
    await api.post(`${path}/unarchive`),
    await api.post(`${path}/move`, { stage: "lost" }),
  ];
  for (const answer of answers) assertProblem(answer, 404, "not_found");
  assertEquals((await api.get("/deals")).body.data, []);
  const board = (await api.get("/deals/board")).body.data;
  assertEquals(board.reduce((sum: number, { count }: { count: number }) => sum + count, 0), 0);
  assertEquals(await columnOf(workspace, "won"), [id]);
});

test("deals.list filters by contact, searches, and sorts the last changed first", async () => {
  const { admin: { api } } = await createWorkspace();
  const contact = (await api.post("/contacts", { first_name: "Ada" })).body.id;
  const [a, b] = await createDeals(api, "won", 2);
  await api.patch(`/deals/${a}`, { contact_ids: [contact], description: "Brass wheels" });
  await api.post(`/deals/${b}/archive`);
  const ids = async (query: string) =>
    (await api.get(`/deals?${query}`)).body.data.map(({ id }: { id: number }) => id);
  assertEquals(await ids(""), [b, a]);
  assertEquals(await ids(`contact_ids@cs=${contact}`), [a]);
  assertEquals(await ids("q=bras whe"), [a]);
  assertEquals(await ids("archived_at=is.null"), [a]);
  assertEquals(await ids("archived_at@is=not.null&closed_at@gte=2020-01-01"), [b]);
  assertEquals(await ids("sort=stage,index"), [a, b]);
});
