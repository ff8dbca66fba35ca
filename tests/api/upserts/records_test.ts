/** Bulks with records: created, changed, skipped and rejected ones, each with its outcome. */
import { assert, assertEquals } from "@std/assert";
import { assertProblem } from "../../support/answers.ts";
import { everythingIn, insertRow, insertRows, rowOf } from "../../support/records.ts";
import { createWorkspace, headerOf, test, type TestMember } from "../../support/workspace.ts";

type Values = Record<string, unknown>;

const email = (address: string) => ({ email_jsonb: [{ email: address, type: "Work" }] });
const hubspot = (id: string) => ({ external_ids: [{ source: "hubspot", id }] });

/** Sends records, and returns the outcomes as `outcome id`, with `code` for rejected ones. */
async function outcomes(
  { api }: Pick<TestMember, "api">,
  body: Values,
  resource = "contacts",
): Promise<unknown[]> {
  const { status, body: answer } = await api.post(`/${resource}/bulk`, body);
  assertEquals(status, body.partial ? 207 : 200, JSON.stringify(answer));
  assertEquals(
    answer.data.map(({ index }: Values) => index),
    answer.data.map((_: unknown, index: number) => index),
  );
  return answer.data.map(({ outcome, id, code }: Values) =>
    code === undefined ? [outcome, id] : [outcome, id, code]
  );
}

test("contacts.bulk creates records in their order, in one change that can be undone", async () => {
  const workspace = await createWorkspace();
  const { api, id: sales_id } = workspace.admin;
  const before = await everythingIn(workspace.id);
  const company_id = await insertRow(workspace, "companies", { name: "Acme" });
  const records = [
    { first_name: "Ada", ...email("Ada@Example.com"), ...hubspot("1") },
    { last_name: "Hopper", company_id, status: "hot" },
    {},
    { first_name: "Ada", avatar: { src: "https://a.example/a.png" } },
  ];
  const answer = await api.post("/contacts/bulk", { records });
  assertEquals(answer.status, 200, JSON.stringify(answer.body));
  const ids: number[] = answer.body.data.map(({ id }: { id: number }) => id);
  assertEquals(answer.body, {
    data: ids.map((id, index) => ({ index, outcome: "created", status: 201, id })),
    counts: { requested: 4, created: 4, updated: 0, skipped: 0, rejected: 0 },
    dry_run: false,
  });
  const [ada, hopper, empty, other] = await Promise.all(ids.map((id) => rowOf("contacts", id)));
  assertEquals([ada?.first_name, ada?.sales_id, ada?.email_jsonb, ada?.external_ids], [
    "Ada",
    sales_id,
    [{ email: "ada@example.com", type: "Work" }],
    [{ source: "hubspot", id: "1" }],
  ]);
  assertEquals([hopper?.first_name, hopper?.last_name, hopper?.company_id, hopper?.status], [
    null,
    "Hopper",
    company_id,
    "hot",
  ]);
  assertEquals([empty?.first_name, other?.avatar], [null, { src: "https://a.example/a.png" }]);
  await api.post(`/changes/${headerOf(answer, "Portico-Change")}/undo`, {});
  assertEquals((await api.get("/contacts?count=exact")).body.total, 0);
  assert(before !== undefined);
});

test("contacts.bulk finds records by id, id in another system and address", async () => {
  const workspace = await createWorkspace();
  const [byId, byExternal, byEmail] = await insertRows(workspace, "contacts", [
    { first_name: "A" },
    { first_name: "B", ...hubspot("b") },
    { first_name: "C", ...email("c@example.com") },
  ]);
  const records = [
    { id: byId, title: "1" },
    { ...hubspot("b"), title: "2" },
    { ...email("C@example.com"), title: "3" },
    { ...email("d@example.com"), title: "4" },
  ];
  const { admin } = workspace;
  const refused = await admin.api.post("/contacts/bulk", { records });
  assertProblem(refused, 422, "records_rejected");
  assertEquals(
    refused.body.rejected.map(({ index, id, code }: Values) => [index, id, code]),
    [[0, byId, "conflict"], [1, byExternal, "conflict"], [2, byEmail, "conflict"]],
  );
  assertEquals(Object.keys(refused.body.errors), ["records.0", "records.1", "records.2"]);
  const [, , , created] = await outcomes(admin, { records, on_conflict: "update" }) as number[][];
  const id = created?.[1];
  const again = { records, on_conflict: "update" };
  assertEquals(await outcomes(admin, again), [
    ["skipped", byId],
    ["skipped", byExternal],
    ["skipped", byEmail],
    ["skipped", id],
  ]);
  const titles = await Promise.all(
    [byId, byExternal, byEmail, id].map((one) => rowOf("contacts", one ?? 0)),
  );
  assertEquals(titles.map((row) => row?.title), ["1", "2", "3", "4"]);
  assertEquals(titles[0]?.first_name, "A");
  const skipping = { records, on_conflict: "skip" };
  assertEquals((await outcomes(admin, skipping)).length, 4);
  const onlyId = { records: records.slice(2, 3), match_on: ["id"] };
  assertEquals((await outcomes(admin, onlyId) as string[][])[0]?.[0], "created");
});

test("contacts.bulk replaces, fills, keeps and repeats records as on_conflict says", async () => {
  const workspace = await createWorkspace();
  const { admin } = workspace;
  const tags = await insertRows(workspace, "tags", [
    { name: "A", color: "#fff" },
    { name: "B", color: "#fff" },
  ]);
  const stored = {
    first_name: "Ada",
    title: null,
    status: "hot",
    tags: [tags[0]],
    ...email("ada@example.com"),
    ...hubspot("1"),
  };
  const sent = {
    first_name: "Augusta",
    title: "Countess",
    status: null,
    tags: [tags[1]],
    email_jsonb: [{ email: "ada@example.com" }, { email: "ada@home.example" }],
    external_ids: [{ source: "pipedrive", id: "9" }],
  };
  const after = async (on_conflict: string) => {
    const id = await insertRow(workspace, "contacts", stored);
    const [outcome] = await outcomes(admin, {
      records: [{ ...sent, id }],
      on_conflict,
      partial: true,
    });
    const row = await rowOf("contacts", id);
    await admin.api.delete(`/contacts/${id}`);
    const { first_name, title, status, tags } = row ?? {};
    const lists = [row?.email_jsonb, row?.external_ids].map((list) => [list].flat().length);
    return { outcome, values: [first_name, title, status, tags, ...lists], id };
  };
  const update = await after("update");
  assertEquals(update.outcome, ["updated", update.id]);
  assertEquals(update.values, ["Augusta", "Countess", null, tags, 2, 2]);
  const merge = await after("merge");
  assertEquals(merge.values, ["Ada", "Countess", "hot", tags, 2, 2]);
  const skip = await after("skip");
  assertEquals([skip.outcome, skip.values], [["skipped", skip.id], [
    "Ada",
    null,
    "hot",
    [tags[0]],
    1,
    1,
  ]]);
  const create = await after("create");
  assertEquals(create.outcome, ["rejected", null, "validation_failed"]);
  await insertRow(workspace, "contacts", stored);
  const twice = { records: [email("ada@example.com"), email("ada@example.com")] };
  const created = await outcomes(admin, { ...twice, on_conflict: "create" });
  assertEquals((created as string[][]).map(([outcome]) => outcome), ["created", "created"]);
});

test("contacts.bulk takes records of one call with the same key as one record", async () => {
  const { admin } = await createWorkspace();
  const records = [
    { first_name: "Ada", ...email("a@example.com") },
    { ...email("A@example.com"), title: "Countess" },
    { ...hubspot("7"), first_name: "Grace" },
    { ...hubspot("7"), title: "Admiral" },
  ];
  const refused = await admin.api.post("/contacts/bulk", { records });
  assertProblem(refused, 422, "records_rejected");
  assertEquals(refused.body.errors, {
    "records.1":
      "The record is the same contact as records.0. Send on_conflict to change or to skip it.",
    "records.3":
      "The record is the same contact as records.2. Send on_conflict to change or to skip it.",
  });
  assertEquals((await admin.api.get("/contacts?count=exact")).body.total, 0);
  const partial = await outcomes(admin, { records, partial: true }) as unknown[][];
  assertEquals(partial.map(([outcome]) => outcome), ["created", "rejected", "created", "rejected"]);
  await admin.api.post("/contacts/bulk", { all: true, delete: true });
  const united = await outcomes(admin, { records, on_conflict: "update" }) as unknown[][];
  assertEquals(united.map(([outcome]) => outcome), ["created", "updated", "created", "updated"]);
  const [[, ada] = [], [, same] = []] = united;
  assertEquals(ada, same);
  const row = await rowOf("contacts", Number(ada));
  assertEquals([row?.first_name, row?.title], ["Ada", "Countess"]);
  const skipped = await outcomes(admin, {
    records: [{ ...email("new@example.com") }, { ...email("new@example.com") }],
    on_conflict: "skip",
  }) as unknown[][];
  assertEquals(skipped.map(([outcome]) => outcome), ["created", "skipped"]);
  assertEquals(skipped[0]?.[1], skipped[1]?.[1]);
});

test("contacts.bulk finds a record by what an earlier record of the call adds to it", async () => {
  const workspace = await createWorkspace();
  const id = await insertRow(workspace, "contacts", { first_name: "Ada", ...hubspot("1") });
  const records = [{ ...hubspot("1"), ...email("new@example.com") }, {
    ...email("new@example.com"),
    title: "Countess",
  }];
  assertEquals(await outcomes(workspace.admin, { records, on_conflict: "update" }), [
    ["updated", id],
    ["updated", id],
  ]);
});

test("contacts.bulk names what is wrong with each record, and changes nothing", async () => {
  const workspace = await createWorkspace();
  const foreign = await createWorkspace();
  const foreignCompany = await insertRow(foreign, "companies", { name: "Foreign" });
  const foreignContact = await insertRow(foreign, "contacts", {});
  const foreignTag = await insertRow(foreign, "tags", { name: "F", color: "#fff" });
  const rep = await workspace.addMember("rep");
  const gone = await workspace.addMember("rep");
  await workspace.admin.api.delete(`/users/${gone.id}`);
  const other = await insertRow(workspace, "contacts", { first_name: "Other" });
  const records = [
    { first_name: "Good" },
    { email_jsonb: [{ email: "no address" }] },
    { frist_name: "Ada", workspace_id: foreign.id },
    { company_id: foreignCompany },
    { tags: [foreignTag] },
    { id: foreignContact, title: "Mine" },
    { sales_id: gone.id },
    { sales_id: foreign.admin.id },
    { id: other, sales_id: rep.id },
    { avatar: { src: 5 } },
    "no record",
    { id: other, title: "Countess" },
  ];
  const before = await everythingIn(workspace.id);
  const whole = await rep.api.post("/contacts/bulk", { records, on_conflict: "update" });
  assertProblem(whole, 422, "records_rejected");
  assertEquals(await everythingIn(workspace.id), before);
  const answer = await rep.api.post("/contacts/bulk", {
    records,
    on_conflict: "update",
    partial: true,
  });
  assertEquals(answer.status, 207, JSON.stringify(answer.body));
  const shown = answer.body.data.map(({ code, status, errors, outcome }: Values) =>
    code ? [code, status, Object.keys(errors ?? {})] : outcome
  );
  assertEquals(shown, [
    "created",
    ["validation_failed", 422, ["email_jsonb.0.email"]],
    ["validation_failed", 422, ["frist_name", "workspace_id"]],
    ["unknown_reference", 422, ["company_id"]],
    ["unknown_tag", 422, ["tags"]],
    ["not_found", 404, ["id"]],
    ["unknown_reference", 422, ["sales_id"]],
    ["unknown_reference", 422, ["sales_id"]],
    ["owner_change_not_allowed", 403, ["sales_id"]],
    ["validation_failed", 422, ["avatar.src"]],
    ["validation_failed", 422, []],
    "updated",
  ]);
  assertEquals(answer.body.counts, {
    requested: 12,
    created: 1,
    updated: 1,
    skipped: 0,
    rejected: 10,
  });
  assertEquals((await rowOf("contacts", foreignContact))?.title, null);
});

test("contacts.bulk changes nothing in a dry run, and answers a repeated request once", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const before = await everythingIn(workspace.id);
  const body = { records: [{ first_name: "Ada" }, { first_name: "Grace" }] };
  const dry = await api.post("/contacts/bulk", { ...body, dry_run: true });
  assertEquals([dry.status, dry.body.counts.created, dry.body.data[0].id], [200, 2, null]);
  assertEquals(await everythingIn(workspace.id), before);
  const headers = { "Idempotency-Key": crypto.randomUUID() };
  const first = await api.post("/contacts/bulk", body, headers);
  const second = await api.post("/contacts/bulk", body, headers);
  assertEquals(second.body, first.body);
  assertEquals(headerOf(second, "Idempotency-Replayed"), "true");
  assertEquals((await api.get("/contacts?count=exact")).body.total, 2);
});

test("contacts.bulk makes no record twice when requests with the same addresses run together", async () => {
  const { admin } = await createWorkspace();
  const records = Array.from({ length: 20 }, (_, index) => email(`n${index}@example.com`));
  const answers = await Promise.all(
    Array.from(
      { length: 4 },
      () => admin.api.post("/contacts/bulk", { records, on_conflict: "update" }),
    ),
  );
  assertEquals(answers.map(({ status }) => status), [200, 200, 200, 200]);
  assertEquals((await admin.api.get("/contacts?count=exact")).body.total, 20);
});

test("contacts.bulk bounds a request: 1,000 records, 1 MB", async () => {
  const { api } = (await createWorkspace()).admin;
  const many = Array.from({ length: 1_001 }, () => ({}));
  const tooMany = await api.post("/contacts/bulk", { records: many });
  assertProblem(tooMany, 422, "validation_failed");
  assertEquals(Object.keys(tooMany.body.errors), ["records"]);
  const large = { records: [{ background: "x".repeat(1_048_577) }] };
  assertProblem(await api.post("/contacts/bulk", large), 413, "body_too_large");
  const thousand = await api.post("/contacts/bulk", { records: many.slice(1) });
  assertEquals([thousand.status, thousand.body.counts.created], [200, 1_000]);
});

test("contacts.bulk tells the two forms of its body apart", async () => {
  const { api } = (await createWorkspace()).admin;
  const wrong: [unknown, string[]][] = [
    [{ records: [] }, ["records"]],
    [{ records: "all" }, ["records"]],
    [{ records: [{}], on_conflict: "no such" }, ["on_conflict"]],
    [{ records: [{}], match_on: ["name"] }, ["match_on.0"]],
    [{ records: [{}], partial: 1 }, ["partial"]],
    [{ records: [{}], no_such: 1 }, ["no_such"]],
    [{ ids: [1], set: { status: "hot" }, on_conflict: "update" }, ["on_conflict"]],
    [{ records: [{}], ids: [1] }, ["ids"]],
    [{}, ["ids", "set"]],
  ];
  for (const [body, fields] of wrong) {
    const answer = await api.post("/contacts/bulk", body);
    assertProblem(answer, 422, "validation_failed");
    assertEquals(Object.keys(answer.body.errors).sort(), fields, JSON.stringify(body));
  }
});

test("contacts.bulk names the record that is no object, and the one with text that cannot be stored", async () => {
  const { admin: { api } } = await createWorkspace();
  const answer = await api.post("/contacts/bulk", { records: [{}, null] });
  assertProblem(answer, 422, "records_rejected");
  assertEquals(Object.keys(answer.body.errors), ["records.1"]);
  const [{ errors }] = answer.body.rejected;
  assertEquals(errors, undefined);
  const records = [{}, { email_jsonb: [{ email: "a@example.com" }, { email: "\0" }] }];
  const unstorable = await api.post("/contacts/bulk", { records, partial: true });
  assertProblem(unstorable, 422, "validation_failed");
  assertEquals(Object.keys(unstorable.body.errors), ["records.1.email_jsonb.1.email"]);
  const empty = await api.post("/contacts/bulk", {});
  assertEquals(empty.body.errors.ids, "Use one of records, ids, filter and all.");
});

test("a merge keeps the owner of a record, whatever owner the body has", async () => {
  const workspace = await createWorkspace();
  const rep = await workspace.addMember("rep");
  const left = await workspace.addMember("rep");
  await workspace.admin.api.patch(`/users/${left.id}`, { disabled: true });
  const id = await insertRow(workspace, "contacts", { sales_id: workspace.admin.id });
  for (const sales_id of [rep.id, left.id]) {
    const records = [{ id, sales_id, title: "Countess" }];
    const [first] = await outcomes(rep, { records, on_conflict: "merge" }) as unknown[][];
    assertEquals(first?.length, 2);
    const update = await rep.api.post("/contacts/bulk", { records, on_conflict: "update" });
    assertProblem(update, 422, "records_rejected");
  }
  const stored = await rowOf("contacts", id);
  assertEquals([stored?.sales_id, stored?.title], [workspace.admin.id, "Countess"]);
});

test("companies.bulk finds companies by name, and deals.bulk when it is asked to", async () => {
  const workspace = await createWorkspace();
  const company = await insertRow(workspace, "companies", { name: "Acme", context_links: ["a"] });
  const companies = {
    records: [{ name: "ACME", city: "London", context_links: ["b"] }, { name: "Navy" }],
    on_conflict: "merge",
  };
  const [found] = await outcomes(workspace.admin, companies, "companies");
  assertEquals(found, ["updated", company]);
  const row = await rowOf("companies", company);
  assertEquals([row?.name, row?.city, row?.context_links], ["Acme", "London", ["a", "b"]]);
  const deal = await insertRow(workspace, "deals", { name: "Engine", stage: "opportunity" });
  const records = [{ name: "engine", stage: "opportunity", amount: 5 }];
  const updating = { records, on_conflict: "update" };
  const [created] = await outcomes(workspace.admin, updating, "deals") as unknown[][];
  assertEquals(created?.[0], "created");
  await workspace.admin.api.delete(`/deals/${created?.[1]}`);
  const byName = { ...updating, match_on: ["name"] };
  assertEquals(await outcomes(workspace.admin, byName, "deals"), [["updated", deal]]);
});

test("bulks need the fields of a new record only for records that are new", async () => {
  const workspace = await createWorkspace();
  const { admin } = workspace;
  const contact_id = await insertRow(workspace, "contacts", {});
  const resources: [string, Values, Values, string][] = [
    ["companies", { name: "A" }, { city: "London" }, "name"],
    ["deals", { name: "D", stage: "opportunity" }, { amount: 5 }, "name"],
    ["tasks", { contact_id }, { text: "Call" }, "contact_id"],
  ];
  for (const [resource, stored, values, field] of resources) {
    const id = await insertRow(workspace, resource, stored);
    const changing = { records: [{ id, ...values }], on_conflict: "update" };
    assertEquals(await outcomes(admin, changing, resource), [["updated", id]]);
    const answer = await admin.api.post(`/${resource}/bulk`, { records: [values] });
    assertProblem(answer, 422, "records_rejected");
    assertEquals(Object.keys(answer.body.errors), [`records.0.${field}`]);
  }
});

test("a bulk with records refuses the whole request when the database refuses more than 50", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const records = Array.from({ length: 60 }, (_, index) => ({
    name: `D${index}`,
    stage: index < 5 ? "opportunity" : "no-such-stage",
  }));
  const before = await everythingIn(workspace.id);
  const answer = await api.post("/deals/bulk", { records, partial: true });
  assertProblem(answer, 422, "unknown_stage");
  assertEquals(await everythingIn(workspace.id), before);
  const few = await api.post("/deals/bulk", { records: records.slice(0, 20), partial: true });
  assertEquals([few.body.counts.created, few.body.counts.rejected], [5, 15]);
  assertEquals(few.body.data[5].code, "unknown_stage");
});
