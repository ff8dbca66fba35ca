/** Bulk operations: all or nothing, or an outcome for each record; permissions for each record. */
import { assert, assertEquals } from "@std/assert";
import { problemsOf } from "../../supabase/functions/_shared/facts.ts";
import { assertProblem } from "../support/answers.ts";
import { present } from "../support/exactly.ts";
import { contactOf, everythingIn, insertRow, insertRows, rowOf } from "../support/records.ts";
import { operations } from "../support/registry.ts";
import { createWorkspace, test } from "../support/workspace.ts";

const names = (count: number, values: Record<string, unknown> = {}) =>
  Array.from({ length: count }, (_, index) => ({ last_name: `N${index}`, ...values }));

async function column(table: string, name: string, ids: number[]): Promise<unknown[]> {
  return (await Promise.all(ids.map((id) => rowOf(table, id)))).map((row) => row?.[name]);
}

test("contacts.bulk sets fields and tags of many contacts at once", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const [a, b, c] = await insertRows(workspace, "tags", [
    { name: "A", color: "#fff" },
    { name: "B", color: "#fff" },
    { name: "C", color: "#fff" },
  ]);
  const ids = await insertRows(workspace, "contacts", [
    { tags: [a, b] },
    { tags: [c, a] },
    { tags: null },
    { last_name: "untouched", tags: [a] },
  ]);
  const body = { ids: ids.slice(0, 3), set: { status: "hot" }, add_tags: [b, c], remove_tags: [a] };
  const answer = await api.post("/contacts/bulk", body);
  assertEquals(answer.status, 200, JSON.stringify(answer.body));
  assertEquals(answer.body, {
    data: ids.slice(0, 3).map((id) => ({ id, outcome: "updated", status: 200 })),
    counts: { requested: 3, succeeded: 3, failed: 0 },
    dry_run: false,
  });
  assertEquals(await column("contacts", "tags", ids), [[b, c], [c, b], [b, c], [a]]);
  assertEquals(await column("contacts", "status", ids), ["hot", "hot", "hot", null]);
});

test("contacts.bulk changes what a filter matches, and nothing on a dry run", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  await insertRows(workspace, "contacts", names(5, { status: "cold", background: "fair" }));
  await insertRows(workspace, "contacts", names(3, { background: "fair" }));
  await insertRows(await createWorkspace(), "contacts", names(2, { status: "cold" }));
  const before = await everythingIn(workspace.id);
  const filter = { "status@in": "cold,warm", last_seen: null, q: "fair" };
  const change = { filter, set: { has_newsletter: true } };
  const dry = await api.post("/contacts/bulk", { ...change, dry_run: true });
  assertEquals([dry.body.counts.succeeded, dry.body.dry_run], [5, true]);
  assertEquals(await everythingIn(workspace.id), before);
  assertEquals((await api.post("/contacts/bulk", change)).body.counts.succeeded, 5);
  const { body } = await api.get("/contacts?has_newsletter=true&count=exact");
  assertEquals(body.total, 5);
  const none = await api.post("/contacts/bulk", { filter: { status: "no such" }, delete: true });
  assertEquals([none.status, none.body.counts.requested], [200, 0]);
});

/** Table → values of a row, and a filter that matches it. */
const MANY: Record<string, [values: Record<string, unknown>, filter: Record<string, unknown>]> = {
  companies: [{ name: "Acme" }, { name: "Acme" }],
  contacts: [{ last_name: "Lovelace", status: "cold" }, { status: "cold" }],
  deals: [{ name: "Engine", stage: "opportunity" }, { stage: "opportunity" }],
  tasks: [{ text: "Call", type: "call" }, { type: "call" }],
};

for (const operation of operations.filter((each) => problemsOf(each).has("too_many_records"))) {
  test(`${operation.id} answers 422 with the count to a filter that matches too many`, async () => {
    const workspace = await createWorkspace();
    const { api } = workspace.admin;
    const table = operation.path.split("/")[1] ?? "";
    const [values, filter] = present(MANY[table], table);
    const parent = table === "tasks" ? { contact_id: await contactOf(workspace) } : {};
    await insertRows(workspace, table, Array(1_001).fill({ ...values, ...parent }));
    const answer = await api.post(`/${table}/bulk`, { filter, delete: true });
    assertProblem(answer, 422, "too_many_records");
    assertEquals([answer.body.count, answer.body.maximum], [1_001, 1_000]);
    assertEquals((await api.get(`/${table}?count=exact&limit=1`)).body.total, 1_001);
  });
}

test("tasks.bulk refuses a type that is not configured", async () => {
  const workspace = await createWorkspace();
  const contact_id = await contactOf(workspace);
  const ids = await insertRows(workspace, "tasks", [{ text: "Call", type: "call", contact_id }]);
  const body = { ids, set: { type: "no such type" } };
  assertProblem(await workspace.admin.api.post("/tasks/bulk", body), 422, "unknown_type");
});

test("contacts.bulk changes all or nothing, and names records that are missing or not allowed", async () => {
  const workspace = await createWorkspace();
  const rep = await workspace.addMember("rep");
  const own = await insertRow(workspace, "contacts", { sales_id: rep.id });
  const other = await insertRow(workspace, "contacts", {});
  const foreign = await insertRow(await createWorkspace(), "contacts", {});
  const before = await everythingIn(workspace.id);
  const missing = await rep.api.post("/contacts/bulk", {
    ids: [own, foreign, 999_999_999],
    set: { status: "hot" },
  });
  assertProblem(missing, 404, "not_found");
  assertEquals(missing.body.missing_ids, [foreign, 999_999_999]);
  const deleting = await rep.api.post("/contacts/bulk", { ids: [own, other], delete: true });
  assertProblem(deleting, 403, "forbidden");
  assertEquals(deleting.body.forbidden_ids, [other]);
  const giving = { ids: [own, other], set: { sales_id: rep.id } };
  const taken = await rep.api.post("/contacts/bulk", giving);
  assertProblem(taken, 403, "owner_change_not_allowed");
  assertEquals(taken.body.forbidden_ids, [other]);
  const unknown = { ids: [own, other], set: { company_id: 999_999_999 } };
  assertProblem(await rep.api.post("/contacts/bulk", unknown), 422, "unknown_reference");
  const tagged = { ids: [own], add_tags: [999_999_999] };
  assertProblem(await rep.api.post("/contacts/bulk", tagged), 422, "unknown_tag");
  assertEquals(await everythingIn(workspace.id), before);
});

test("contacts.bulk answers 207 with each outcome when it is partial", async () => {
  const workspace = await createWorkspace();
  const rep = await workspace.addMember("rep");
  const owned = { sales_id: rep.id };
  const [a, b] = await insertRows(workspace, "contacts", [owned, owned]);
  const other = await insertRow(workspace, "contacts", {});
  const body = { ids: [b, 999_999_999, other, a, a], delete: true, partial: true };
  const answer = await rep.api.post("/contacts/bulk", body);
  assertEquals([answer.status, answer.body], [207, {
    data: [
      { id: b, outcome: "deleted", status: 204 },
      { id: 999_999_999, outcome: "not_found", status: 404, code: "not_found" },
      { id: other, outcome: "refused", status: 403, code: "forbidden" },
      { id: a, outcome: "deleted", status: 204 },
    ],
    counts: { requested: 4, succeeded: 2, failed: 2 },
    dry_run: false,
  }]);
  assertEquals(await column("contacts", "id", [a, b, other]), [undefined, undefined, other]);
  assertEquals((await workspace.admin.api.post(`/contacts/${a}/restore`)).status, 200);
});

test("contacts.bulk refuses the whole request when no record accepts the change, also when it is partial", async () => {
  const workspace = await createWorkspace();
  const ids = await insertRows(workspace, "contacts", names(1_000));
  const before = await everythingIn(workspace.id);
  const body = { ids, set: { company_id: 999_999_999 }, partial: true };
  const answer = await workspace.admin.api.post("/contacts/bulk", body);
  assertProblem(answer, 422, "unknown_reference");
  assertEquals(await everythingIn(workspace.id), before);
});

test("tasks.bulk and companies.bulk change and delete by ids and by filter", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const contact_id = await insertRow(workspace, "contacts", {});
  await insertRows(workspace, "tasks", Array.from({ length: 4 }, () => ({ contact_id })));
  const due = { filter: { contact_id }, set: { due_date: "2026-12-02T09:00:00Z" } };
  assertEquals((await api.post("/tasks/bulk", due)).body.counts.succeeded, 4);
  const companies = await insertRows(workspace, "companies", [{ name: "A" }, { name: "B" }]);
  await insertRow(workspace, "contacts", { company_id: companies[0] });
  const deleting = await api.post("/companies/bulk", { ids: companies, delete: true });
  assertEquals(deleting.body.counts.succeeded, 2);
  assertEquals((await api.get("/contacts?count=exact")).body.total, 1);
  assertEquals((await api.post(`/companies/${companies[0]}/restore`)).status, 200);
  assertEquals((await api.get("/contacts?count=exact")).body.total, 2);
});

test("contacts.bulk answers 422 to a request without a change or without records", async () => {
  const workspace = await createWorkspace();
  const id = await insertRow(workspace, "contacts", {});
  const set = { status: "hot" };
  const wrong: [unknown, string][] = [
    [{ set }, "ids"],
    [{ ids: [id], filter: { id }, set }, "ids"],
    [{ ids: [], set }, "ids"],
    [{ ids: Array.from({ length: 1_001 }, (_, index) => index + 1), set }, "ids"],
    [{ filter: {}, set }, "filter"],
    [{ filter: { no_such: 1 }, set }, "filter.no_such"],
    [{ filter: { limit: 5 }, set }, "filter.limit"],
    [{ filter: { id: "abc" }, set }, "filter.id"],
    [{ filter: { "id@like": "1" }, set }, "filter.id@like"],
    [{ filter: { first_seen: "2026-02-30" }, set }, "filter.first_seen"],
    [{ ids: [id] }, "set"],
    [{ ids: [id], set: {} }, "set"],
    [{ ids: [id], set, delete: true }, "set"],
    [{ ids: [id], delete: false }, "delete"],
    [{ ids: [id], set: { id: 5 } }, "id"],
    [{ ids: [id], set: { workspace_id: workspace.id } }, "workspace_id"],
    [{ ids: [id], set: { status: 5 } }, "set.status"],
    [{ ids: [id], set: { tags: [] }, add_tags: [1] }, "add_tags"],
    [{ ids: [id], add_tags: [] }, "add_tags"],
  ];
  const before = await everythingIn(workspace.id);
  for (const [body, field] of wrong) {
    const answer = await workspace.admin.api.post("/contacts/bulk", body);
    assertProblem(answer, 422, "validation_failed");
    const named = Object.keys(answer.body.errors);
    assert(
      named.some((name) => name === field || name.endsWith(`.${field}`)),
      `${field}: ${named} for ${JSON.stringify(body)}`,
    );
  }
  const elsewhere = await workspace.admin.api.post("/companies/bulk", { ids: [id], add_tags: [1] });
  assertProblem(elsewhere, 422, "validation_failed");
  assertEquals(await everythingIn(workspace.id), before);
});
