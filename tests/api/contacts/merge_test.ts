/** contacts.merge: the winner's values, the records that move, permissions, and repetitions. */
import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { exactly } from "../../support/exactly.ts";
import {
  countRows,
  danglingContacts,
  everythingIn,
  insertRow,
  insertRows,
  rowOf,
} from "../../support/records.ts";
import { createWorkspace, sql, stack, test, type Workspace } from "../../support/workspace.ts";
import { assertProblem } from "../../support/answers.ts";

/** A winner and losers with tasks, notes and a deal each. */
async function family<Count extends number>(workspace: Workspace, losers: Count) {
  const winner = await insertRow(workspace, "contacts", { first_name: "Ada 0" });
  const names = Array.from({ length: losers }, (_, index) => ({ first_name: `Ada ${index + 1}` }));
  const others = await insertRows(workspace, "contacts", names);
  for (const contact_id of [winner, ...others]) {
    await insertRows(workspace, "tasks", [{ contact_id, text: "call" }, {
      contact_id,
      text: "write",
    }]);
    await insertRow(workspace, "contact_notes", { contact_id, text: "met" });
    await insertRow(workspace, "deals", { name: "deal", stage: "won", contact_ids: [contact_id] });
  }
  return { winner, loser_ids: exactly(losers, others) };
}

async function idsOf(table: string, contactId: number): Promise<number[]> {
  const rows = await sql<{ id: number }[]>`
    select id::int as id from ${
    sql("public." + table)
  } where contact_id = ${contactId} order by id`;
  return rows.map(({ id }) => id);
}

test("contacts.merge moves tasks, notes and deals and sends the losers to the trash", async () => {
  const workspace = await createWorkspace();
  const { winner, loser_ids } = await family(workspace, 2);
  const before = await countRows(workspace.id, ["tasks", "contact_notes", "deals", "companies"]);
  const { status, body } = await workspace.admin.api.post(`/contacts/${winner}/merge`, {
    loser_ids,
  });
  assertEquals(status, 200, JSON.stringify(body));
  assertMatch(body.merge_id, /^[0-9a-f-]{36}$/);
  assertEquals(body.moved, { tasks: 4, contact_notes: 2, deals: 2, contact_dismissals: 0 });
  assertEquals([body.merged_ids, body.dry_run], [loser_ids, false]);
  assertEquals(body.winner, (await workspace.admin.api.get(`/contacts/${winner}`)).body);
  assertEquals(body.winner.nb_tasks, 6);
  assertEquals((await idsOf("tasks", winner)).length, 6);
  assertEquals((await idsOf("contact_notes", winner)).length, 3);
  assertEquals(
    await countRows(workspace.id, ["tasks", "contact_notes", "deals", "companies"]),
    before,
  );
  assertEquals(await danglingContacts(workspace.id), []);
  const trash = await sql`
    select record_id::int as id, reason, merged_into::int as merged_into, deleted_by::int as deleted_by,
      record ->> 'first_name' as first_name, request_id is not null as has_request
    from private.trash where workspace_id = ${workspace.id} order by id`;
  assertEquals(
    [...trash],
    loser_ids.map((id, index) => ({
      id,
      reason: "merged",
      merged_into: winner,
      deleted_by: workspace.admin.id,
      first_name: `Ada ${index + 1}`,
      has_request: true,
    })),
  );
});

test("contacts.merge rewrites deals.contact_ids in order, without duplicates and deleted ids", async () => {
  const workspace = await createWorkspace();
  const [five, seven, nine, eleven] = await insertRows(workspace, "contacts", [
    { first_name: "5" },
    { first_name: "7" },
    { first_name: "9" },
    { first_name: "11" },
  ]);
  const lists: [number[], number[]][] = [
    [[five, seven, nine], [seven, nine]],
    [[nine, five], [nine, seven]],
    [[seven, nine, five], [seven, nine]],
    [[five, eleven, seven], [seven]],
    [[nine, eleven, five], [nine, seven]],
    [[], []],
  ];
  const deals: { id: number; expected: number[] }[] = [];
  for (const [contact_ids, expected] of lists) {
    const id = await insertRow(workspace, "deals", { name: "deal", stage: "won", contact_ids });
    deals.push({ id, expected });
  }
  const untouched = await insertRow(workspace, "deals", {
    name: "deal",
    stage: "won",
    contact_ids: [nine],
  });
  const before = await rowOf("deals", untouched);
  const answer = await workspace.admin.api.post(`/contacts/${seven}/merge`, {
    loser_ids: [five, eleven],
  });
  assertEquals(answer.body.moved, { tasks: 0, contact_notes: 0, deals: 5, contact_dismissals: 0 });
  for (const [index, { id, expected }] of deals.entries()) {
    assertEquals((await rowOf("deals", id))?.contact_ids, expected, `deal ${index}`);
  }
  assertEquals(await rowOf("deals", untouched), before);
});

test("contacts.merge combines tags, e-mails in any case and phones by their digits, the winner's first", async () => {
  const workspace = await createWorkspace();
  const [red, blue, green] = await insertRows(workspace, "tags", [
    { name: "red", color: "red" },
    { name: "blue", color: "blue" },
    { name: "green", color: "green" },
  ]);
  const ids = await insertRows(workspace, "contacts", [
    {
      tags: [blue, red],
      email_jsonb: [{ email: "ada@example.com", type: "Work" }, { email: " ", type: "Home" }],
      phone_jsonb: [{ number: "+44 20 7946-0001", type: "Work" }, { number: "ask Bob" }],
    },
    {
      tags: [green, blue],
      email_jsonb: [{ email: "ADA@example.com", type: "Home" }, { email: "ada@home.example" }],
      phone_jsonb: [{ number: "(442)079460001" }, { number: "0033 1" }, { number: "" }],
    },
    {
      tags: null,
      email_jsonb: [{ email: "Ada@Home.example", type: "Other" }, { email: "third@example.com" }],
      phone_jsonb: [{ number: 331 }, { number: "00331" }, { number: "ask Bob" }],
    },
  ]);
  const [winner, ...loser_ids] = ids;
  const { body } = await workspace.admin.api.post(`/contacts/${winner}/merge`, { loser_ids });
  assertEquals(body.winner.tags, [blue, red, green]);
  assertEquals(body.winner.email_jsonb, [
    { email: "ada@example.com", type: "Work" },
    { email: "ada@home.example" },
    { email: "third@example.com" },
  ]);
  assertEquals(body.winner.phone_jsonb, [
    { number: "+44 20 7946-0001", type: "Work" },
    { number: "ask Bob" },
    { number: "0033 1" },
    { number: 331 },
  ]);
});

test("contacts.merge fills blank fields from the first loser that has a value", async () => {
  const workspace = await createWorkspace();
  const company_id = await insertRow(workspace, "companies", { name: "Acme" });
  const [winner, second, third] = await insertRows(workspace, "contacts", [
    {
      first_name: "Ada",
      last_name: "",
      title: "  ",
      gender: null,
      status: "cold",
      has_newsletter: false,
    },
    { first_name: "Adele", last_name: " ", title: "Boss", status: "hot", has_newsletter: true },
    { last_name: "King", title: "Chief", gender: "female", company_id, background: "poet's child" },
  ]);
  const { body } = await workspace.admin.api.post(`/contacts/${winner}/merge`, {
    loser_ids: [second, third],
  });
  const { first_name, last_name, title, gender, status, has_newsletter, background } = body.winner;
  assertEquals([first_name, last_name, title, gender], ["Ada", "King", "Boss", "female"]);
  assertEquals([status, has_newsletter, background], ["cold", false, "poet's child"]);
  assertEquals([body.winner.company_id, body.winner.company_name], [company_id, "Acme"]);
});

test("contacts.merge keeps the earliest first_seen and the latest last_seen to the microsecond", async () => {
  const workspace = await createWorkspace();
  const [winner, ...loser_ids] = await insertRows(workspace, "contacts", [
    { first_seen: "2024-01-01T00:00:00.000002Z", last_seen: "2024-06-01T00:00:00.123456Z" },
    { first_seen: "2024-01-01T02:00:00.000001+02:00", last_seen: null },
    { first_seen: null, last_seen: "2024-06-01T00:00:00.123457Z" },
  ]);
  const { body } = await workspace.admin.api.post(`/contacts/${winner}/merge`, { loser_ids });
  assertEquals(body.winner.first_seen, "2024-01-01T00:00:00.000001+00:00");
  assertEquals(body.winner.last_seen, "2024-06-01T00:00:00.123457+00:00");
});

test("contacts.merge takes a column from the contact that `fields` names, even a blank value", async () => {
  const workspace = await createWorkspace();
  const rep = await workspace.addMember("rep");
  const [winner, loser] = await insertRows(workspace, "contacts", [
    { first_name: "Ada", title: "Analyst", status: "cold" },
    { first_name: "Augusta", title: null, status: "hot", sales_id: rep.id },
  ]);
  const fields = { first_name: loser, title: loser, status: winner, sales_id: loser };
  const { status, body } = await workspace.admin.api.post(`/contacts/${winner}/merge`, {
    loser_ids: [loser],
    fields,
  });
  assertEquals(status, 200, JSON.stringify(body));
  const { first_name, title, sales_id } = body.winner;
  assertEquals([first_name, title, body.winner.status, sales_id], [
    "Augusta",
    null,
    "cold",
    rep.id,
  ]);
});

test("contacts.merge answers 422 when `fields` names another contact or an unknown column", async () => {
  const workspace = await createWorkspace();
  const { winner, loser_ids } = await family(workspace, 1);
  const other = await insertRow(workspace, "contacts");
  const post = (fields: unknown) =>
    workspace.admin.api.post(`/contacts/${winner}/merge`, { loser_ids, fields });
  const foreign = await post({ title: other });
  assertProblem(foreign, 422, "validation_failed");
  assertEquals(Object.keys(foreign.body.errors), ["fields.title"]);
  assertProblem(await post({ workspace_id: winner }), 422, "validation_failed");
  assertProblem(await post({ title: "x" }), 422, "validation_failed");
});

test("contacts.merge accepts 20 losers, and answers 422 to 21, to none and to malformed ids", async () => {
  const workspace = await createWorkspace();
  const { winner, loser_ids } = await family(workspace, 21);
  const post = (ids: unknown) =>
    workspace.admin.api.post(`/contacts/${winner}/merge`, { loser_ids: ids });
  for (const ids of [loser_ids, [], ["1"], [0], [-1], [1.5], [2 ** 53], null, 7]) {
    const answer = await post(ids);
    assertProblem(answer, 422, "validation_failed");
    assert(Object.keys(answer.body.errors)[0]?.startsWith("loser_ids"), JSON.stringify(ids));
  }
  const answer = await post(loser_ids.slice(0, 20));
  assertEquals(answer.body.moved, {
    tasks: 40,
    contact_notes: 20,
    deals: 20,
    contact_dismissals: 0,
  });
});

test("contacts.merge counts a repeated loser once", async () => {
  const workspace = await createWorkspace();
  const { winner, loser_ids } = await family(workspace, 1);
  const { body } = await workspace.admin.api.post(`/contacts/${winner}/merge`, {
    loser_ids: [...loser_ids, ...loser_ids],
  });
  assertEquals([body.merged_ids, body.moved.tasks], [loser_ids, 2]);
});

test("contacts.merge with dry_run shows the merge and changes nothing", async () => {
  const workspace = await createWorkspace();
  const { winner, loser_ids } = await family(workspace, 2);
  const before = await everythingIn(workspace.id);
  const request = { loser_ids, fields: { first_name: loser_ids[0] } };
  const path = `/contacts/${winner}/merge`;
  const dry = await workspace.admin.api.post(path, { ...request, dry_run: true });
  assertEquals([dry.status, dry.body.dry_run, dry.body.merge_id], [200, true, null]);
  assertEquals(await everythingIn(workspace.id), before);
  const wet = await workspace.admin.api.post(path, request);
  const comparable = (
    { winner: { updated_at: _, ...rest }, moved, merged_ids }: typeof wet.body,
  ) => ({
    rest,
    moved,
    merged_ids,
  });
  assertEquals(comparable(dry.body), comparable(wet.body));
  assertNotEquals(await everythingIn(workspace.id), before);
});

test("contacts.merge answers a repetition like the first request and changes nothing", async () => {
  const workspace = await createWorkspace();
  const { winner, loser_ids } = await family(workspace, 2);
  const path = `/contacts/${winner}/merge`;
  const first = await workspace.admin.api.post(path, { loser_ids });
  const other = await insertRow(workspace, "contacts");
  await workspace.admin.api.post(path, { loser_ids: [other] });
  const before = await everythingIn(workspace.id);
  const again = await workspace.admin.api.post(path, { loser_ids });
  assertEquals([again.status, again.body], [200, first.body]);
  const backwards = await workspace.admin.api.post(path, { loser_ids: loser_ids.toReversed() });
  assertEquals(backwards.body.merge_id, first.body.merge_id);
  assertEquals(await everythingIn(workspace.id), before);
});

test("contacts.merge answers 422 to a self-merge and changes nothing", async () => {
  const workspace = await createWorkspace();
  const { winner, loser_ids } = await family(workspace, 1);
  const before = await everythingIn(workspace.id);
  for (const ids of [[winner], [...loser_ids, winner]]) {
    const answer = await workspace.admin.api.post(`/contacts/${winner}/merge`, { loser_ids: ids });
    assertProblem(answer, 422, "self_merge");
    assertEquals(Object.keys(answer.body.errors), ["loser_ids"]);
  }
  assertEquals(await everythingIn(workspace.id), before);
});

test("contacts.merge answers 404 naming ids that are missing or of another workspace", async () => {
  const [workspace, elsewhere] = await Promise.all([createWorkspace(), createWorkspace()]);
  const { winner, loser_ids: [loser] } = await family(workspace, 1);
  const foreign = await insertRow(elsewhere, "contacts", { first_name: "Eve" });
  const missing = 999_999_999;
  const before = [await everythingIn(workspace.id), await everythingIn(elsewhere.id)];
  const losers = await workspace.admin.api.post(`/contacts/${winner}/merge`, {
    loser_ids: [loser, foreign, missing],
  });
  assertProblem(losers, 404, "not_found");
  assertEquals(losers.body.missing_ids, [foreign, missing]);
  const winners = await workspace.admin.api.post(`/contacts/${foreign}/merge`, {
    loser_ids: [loser],
  });
  assertProblem(winners, 404, "not_found");
  assertEquals(winners.body.missing_ids, [foreign]);
  assertEquals([await everythingIn(workspace.id), await everythingIn(elsewhere.id)], before);
});

test("contacts.merge answers 403 to a rep who does not own all of the contacts", async () => {
  const workspace = await createWorkspace();
  const rep = await workspace.addMember("rep");
  const ids = await insertRows(workspace, "contacts", [
    { first_name: "mine", sales_id: rep.id },
    { first_name: "mine too", sales_id: rep.id },
    { first_name: "the admin's" },
    { first_name: "nobody's", sales_id: null },
  ]);
  const [mine, mineToo, foreign, nobodys] = ids;
  await insertRow(workspace, "tasks", { contact_id: mineToo });
  const before = await everythingIn(workspace.id);
  for (const [winner, loser] of [[mine, foreign], [foreign, mine], [mine, nobodys]]) {
    for (const dry_run of [true, false]) {
      const body = { loser_ids: [loser], dry_run };
      assertProblem(await rep.api.post(`/contacts/${winner}/merge`, body), 403, "forbidden");
    }
  }
  assertEquals(await everythingIn(workspace.id), before);
  const own = await rep.api.post(`/contacts/${mine}/merge`, { loser_ids: [mineToo] });
  assertEquals([own.status, own.body.moved.tasks], [200, 1]);
});

test("contacts.merge lets a manager merge contacts of others, with tasks of a third member", async () => {
  const workspace = await createWorkspace();
  const [manager, rep] = [await workspace.addMember("manager"), await workspace.addMember("rep")];
  const [winner, loser] = await insertRows(workspace, "contacts", [{}, {}]);
  const task = await insertRow(workspace, "tasks", { contact_id: loser, sales_id: rep.id });
  const { status, body } = await manager.api.post(`/contacts/${winner}/merge`, {
    loser_ids: [loser],
  });
  assertEquals([status, body.moved.tasks], [200, 1]);
  assertEquals((await rowOf("tasks", task))?.sales_id, rep.id);
});

test("contacts.get answers 410 for a loser with the last winner, and contacts.restore refuses it", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const [a, b, c] = await insertRows(workspace, "contacts", [{}, {}, {}]);
  await api.post(`/contacts/${b}/merge`, { loser_ids: [a] });
  const direct = await api.get(`/contacts/${a}`);
  assertProblem(direct, 410, "merged");
  assertEquals(direct.body.merged_into, b);
  await api.post(`/contacts/${c}/merge`, { loser_ids: [b] });
  for (const id of [a, b]) {
    const gone = await api.get(`/contacts/${id}`);
    assertProblem(gone, 410, "merged");
    assertEquals(gone.body.merged_into, c);
    assertProblem(await api.patch(`/contacts/${id}`, { title: "x" }), 410, "merged");
    const restored = await api.post(`/contacts/${id}/restore`);
    assertProblem(restored, 410, "merged");
  }
  const late = await api.post(`/contacts/${b}/merge`, { loser_ids: [c] });
  assertProblem(late, 410, "merged");
  assertEquals(late.body.merged_into, c);
  assertProblem(await api.post(`/contacts/${c}/merge`, { loser_ids: [a] }), 404, "not_found");
});

test("contacts.merge answers 410 to a winner in the trash", async () => {
  const workspace = await createWorkspace();
  const { winner, loser_ids } = await family(workspace, 1);
  await workspace.admin.api.delete(`/contacts/${winner}`);
  const answer = await workspace.admin.api.post(`/contacts/${winner}/merge`, { loser_ids });
  assertProblem(answer, 410, "deleted");
});

test("contacts.merge answers two identical requests at the same time alike", async () => {
  const workspace = await createWorkspace();
  for (let round = 0; round < 5; round++) {
    const { winner, loser_ids } = await family(workspace, 2);
    const post = () => workspace.admin.api.post(`/contacts/${winner}/merge`, { loser_ids });
    const [first, second] = await Promise.all([post(), post()]);
    assertEquals(
      [first.status, second.status],
      [200, 200],
      JSON.stringify([first.body, second.body]),
    );
    assertEquals(first.body, second.body);
  }
});

test("atomic.merge_contacts takes ids as numbers or numeric strings and answers Atomic's shape", async () => {
  const workspace = await createWorkspace();
  const { winner, loser_ids: [second, third] } = await family(workspace, 2);
  const { api } = workspace.admin;
  const slug = new URL("/functions/v1/merge_contacts", stack.apiUrl).href;
  const first = await api.post(slug, { loserId: String(second), winnerId: String(winner) });
  assertEquals([first.status, first.body], [200, { success: true, winnerId: winner }]);
  const next = await api.post(slug, { loserId: third, winnerId: winner });
  assertEquals([next.status, next.body], [200, { success: true, winnerId: winner }]);
  assertEquals((await idsOf("tasks", winner)).length, 6);
  assertProblem(await api.post(slug, { loserId: winner, winnerId: winner }), 422, "self_merge");
  assertProblem(await api.post(slug, { loserId: 999999999, winnerId: winner }), 404, "not_found");
  for (const loserId of ["", "1e3", "0x1", " 1", null, undefined, -1, "99999999999999999999"]) {
    assertProblem(await api.post(slug, { loserId, winnerId: winner }), 422, "validation_failed");
  }
});
