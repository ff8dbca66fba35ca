/** contacts.duplicates: what is found, scores, filters, pages, dismissals and merges. */
import { assert, assertEquals, assertGreater, assertGreaterOrEqual } from "@std/assert";
import { assertProblem } from "../../support/answers.ts";
import { present } from "../../support/exactly.ts";
import { everythingIn, insertRow, insertRows } from "../../support/records.ts";
import { type Api, createWorkspace, sql, test } from "../../support/workspace.ts";

interface Pair {
  records: { id: number }[];
  score: number;
  reasons: string[];
}

const work = (email: string) => [{ email, type: "Work" }];
const phone = (number: string) => [{ number, type: "Work" }];

async function pairsOf(api: Api, query = ""): Promise<[number[], string[], number][]> {
  const { status, body } = await api.get(`/contacts/duplicates?limit=100&${query}`);
  assertEquals(status, 200, JSON.stringify(body));
  return body.data.map(({ records, reasons, score }: Pair) => [
    records.map(({ id }) => id),
    reasons,
    score,
  ]);
}

test("contacts.duplicates finds equal addresses in any case and equal phones by their digits", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const [a, b, c, d, e] = await insertRows(workspace, "contacts", [
    { first_name: "Ada", last_name: "Lovelace", email_jsonb: work("ada@example.com") },
    { first_name: "Augusta", last_name: "King", email_jsonb: work(" ADA@Example.com") },
    { first_name: "Charles", last_name: "Babbage", phone_jsonb: phone("+44 (20) 7946-0001") },
    { first_name: "Charles", last_name: "Babbage", phone_jsonb: phone("020 79460001") },
    { first_name: "George", last_name: "Boole", phone_jsonb: phone("020 79460001") },
  ]);
  const pairs = await pairsOf(api);
  assertEquals(pairs.map(([ids, reasons]) => [ids, reasons]), [
    [[c, d], ["same_phone"]],
    [[a, b], ["same_email"]],
    [[c, e], ["same_phone"]],
    [[d, e], ["same_phone"]],
  ]);
  const [[, , best] = [], [, , shared] = [], [, , other] = []] = pairs;
  assertGreater(best ?? 0, 0.9);
  assertEquals([shared, other], [0.5, 0.25]);
  assertEquals((await pairsOf(api, "min_score=0.3")).length, 2);
  assertEquals((await pairsOf(api, "reason=same_email")).length, 1);
  assertEquals((await pairsOf(api, "reason=same_email,same_phone")).length, 4);
});

test("contacts.duplicates finds similar names in one company or e-mail domain, and no others", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const [one, two] = await insertRows(workspace, "companies", [{ name: "A" }, { name: "B" }]);
  const names: [string, string, string, string][] = [
    ["Ada", "Lovelace", "Ada", "Lovelase"],
    ["Robert", "Smith", "Bob", "Smith"],
    ["José", "Muñoz", "Munoz", "Jose"],
    ["J.", "Hopper", "John", "Hopper"],
    ["Ada Maria", "Byron", "Ada", "Byron"],
  ];
  for (const [first_name, last_name, first, last] of names) {
    const ids = await insertRows(workspace, "contacts", [
      { first_name, last_name, company_id: one },
      { first_name: first, last_name: last, company_id: one },
      { first_name, last_name, company_id: two },
    ]);
    const { body } = await api.get(`/contacts/${ids[0]}/duplicates`);
    assertEquals(
      body.data.map(({ record, reasons }: { record: { id: number }; reasons: string[] }) => [
        record.id,
        reasons,
      ]),
      [[ids[1], ["similar_name_same_company"]]],
      `${first_name} ${last_name}`,
    );
    assertGreaterOrEqual(body.data[0].score, 0.6);
  }
  const [own, colleague, provider, other] = await insertRows(workspace, "contacts", [
    { first_name: "Grace", last_name: "Murray", email_jsonb: work("g.murray@navy.example") },
    { first_name: "Grace", last_name: "Murray", email_jsonb: work("grace@navy.example") },
    { first_name: "Grace", last_name: "Murray", email_jsonb: work("grace@gmail.com") },
    { first_name: "Grace", last_name: "Murray", email_jsonb: work("murray@gmail.com") },
  ]);
  const { body } = await api.get(`/contacts/${own}/duplicates`);
  assertEquals(body.data.map(({ record }: Pair & { record: { id: number } }) => record.id), [
    colleague,
  ]);
  assertEquals(body.data[0].reasons, ["similar_name_same_domain"]);
  for (const id of [provider, other]) {
    assertEquals((await api.get(`/contacts/${id}/duplicates`)).body.data, []);
  }
});

test("contacts.duplicates leaves different people of one company alone", async () => {
  const workspace = await createWorkspace();
  const company_id = await insertRow(workspace, "companies", { name: "A" });
  await insertRows(workspace, "contacts", [
    { first_name: "John", last_name: "Smith", company_id },
    { first_name: "Jane", last_name: "Smith", company_id },
    { first_name: "John", last_name: "Miller", company_id },
    { first_name: "Anna", last_name: "Schmidt", company_id },
    { company_id },
    { company_id },
  ]);
  assertEquals(await pairsOf(workspace.admin.api), []);
});

test("contacts.duplicates pages by cursor without a gap, and refuses the cursor of other filters", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  await insertRows(
    workspace,
    "contacts",
    Array.from({ length: 8 }, () => ({ email_jsonb: work("info@example.com") })),
  );
  const seen: string[] = [];
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<Api["get"]>> = await api.get(
      `/contacts/duplicates?limit=5${cursor ? `&cursor=${cursor}` : ""}`,
    );
    seen.push(...page.body.data.map(({ records }: Pair) => records.map(({ id }) => id).join()));
    cursor = page.body.next_cursor;
  } while (cursor);
  assertEquals([seen.length, new Set(seen).size], [28, 28]);
  const first = await api.get("/contacts/duplicates?limit=5");
  const wrong = await api.get(
    `/contacts/duplicates?limit=5&min_score=0.2&cursor=${first.body.next_cursor}`,
  );
  assertProblem(wrong, 400, "invalid_cursor");
  const [version, binding] = JSON.parse(atob(first.body.next_cursor));
  for (const key of [["x", "1", "2"], ["1e99", "1", "2"], ["0.5", "9".repeat(20), "2"]]) {
    const changed = btoa(JSON.stringify([version, binding, 1, ...key])).replaceAll("=", "");
    const answer = await api.get(`/contacts/duplicates?limit=5&cursor=${changed}`);
    assertProblem(answer, 400, "invalid_cursor");
  }
  assertProblem(await api.get("/contacts/duplicates?reason=same_shoes"), 400, "invalid_parameter");
  assertProblem(await api.get("/contacts/duplicates?min_score=2"), 400, "invalid_parameter");
  const whole = await api.get("/contacts/duplicates?limit=5000");
  assertEquals([whole.body.data.length, whole.body.next_cursor], [28, null]);
  assertProblem(await api.get("/contacts/duplicates?limit=5001"), 400, "invalid_parameter");
});

test("contacts.duplicates finds the pairs twice at most, however many pages follow", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const ids = await insertRows(
    workspace,
    "contacts",
    Array.from({ length: 8 }, () => ({ email_jsonb: work("info@example.com") })),
  );
  const searches = async () => {
    const rows = await sql<{ id: string }[]>`
      select id from private.duplicate_searches where workspace_id = ${workspace.id}`;
    return rows.map(({ id }) => id);
  };
  const page = async (cursor: string | null) => {
    const { status, body } = await api.get(
      `/contacts/duplicates?limit=3${cursor ? `&cursor=${cursor}` : ""}`,
    );
    assertEquals(status, 200, JSON.stringify(body));
    return body;
  };
  const first = await page(null);
  assertEquals(await searches(), [], "the first page stores nothing");
  const second = await page(first.next_cursor);
  const stored = await searches();
  assertEquals(stored.length, 1);
  const seen = [...first.data, ...second.data];
  // A contact that is deleted meanwhile is in no further page.
  const last = present(ids[7], "id");
  await api.delete(`/contacts/${last}`);
  for (let cursor = second.next_cursor; cursor;) {
    const next = await page(cursor);
    seen.push(...next.data);
    cursor = next.next_cursor;
  }
  assertEquals(await searches(), stored);
  const later = seen.slice(6).flatMap(({ records }: Pair) => records.map(({ id }) => id));
  assertEquals(later.includes(last), false);
  // Of 28 pairs, 7 have this contact, and none of these was on the first two pages.
  assertEquals(seen.length, 21);
  await sql`
    update private.duplicate_searches set found_at = found_at - interval '11 minutes'
    where workspace_id = ${workspace.id}`;
  assertEquals((await page(second.next_cursor)).data.length, 3);
  assertEquals((await searches()).filter((id) => stored.includes(id)), [], "they were found anew");
});

test("contacts.duplicates compares fewer records of a key when a workspace has too many pairs", async () => {
  const few = await createWorkspace();
  const many = await createWorkspace();
  // Groups of 20 records with 12 keys in common: 190 pairs each, when all are compared.
  const insertGroups = async (workspaceId: string, groups: number) => {
    await sql`
      insert into private.contact_duplicate_keys (workspace_id, key, record_id)
      select ${workspaceId}, member / 20 * 12 + key, member
      from generate_series(0, ${groups * 20 - 1}::int) as member
      cross join generate_series(0, 11) as key`;
  };
  const countPairs = async (workspaceId: string) => {
    const [row] = await sql<{ pairs: number }[]>`
      select count(*)::int as pairs from private.all_pairs(${workspaceId}, 'contacts')`;
    return row?.pairs;
  };
  await insertGroups(few.id, 10);
  await insertGroups(many.id, 1_000);
  assertEquals([await countPairs(few.id), await countPairs(many.id)], [1_900, 19_000]);
});

test("contacts.duplicates compares 300 contacts with one address with the oldest only", async () => {
  const workspace = await createWorkspace();
  const company_id = await insertRow(workspace, "companies", { name: "A" });
  const ids = await insertRows(
    workspace,
    "contacts",
    Array.from({ length: 300 }, (_, index) => ({
      first_name: "Ada",
      last_name: "Lovelace",
      company_id,
      email_jsonb: work(index % 2 ? "info@example.com" : `ada${index}@example.com`),
    })),
  );
  const [{ count = 0, oldest = 0 } = {}] = await sql.begin(async (tx) => {
    await tx`select set_config('request.jwt.claims', ${
      JSON.stringify({ sub: workspace.admin.user_id, role: "authenticated" })
    }, true)`;
    return await tx<{ count: number; oldest: number }[]>`
      select count(*)::int as count, min(id)::int as oldest from private.contact_duplicates()`;
  });
  assertEquals(oldest, ids[0]);
  assert(count >= 299 && count < 900, String(count));
  const { body } = await workspace.admin.api.get(`/contacts/${ids.at(-1)}/duplicates`);
  assertEquals(body.data[0].record.id, ids[1]);
});

test("contacts.duplicates follows changes, deletions and restorations", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const [a, b] = await insertRows(workspace, "contacts", [
    { first_name: "Ada", email_jsonb: work("ada@example.com") },
    { first_name: "Ada" },
  ]);
  assertEquals(await pairsOf(api), []);
  await api.patch(`/contacts/${b}`, { email_jsonb: work("ada@example.com") });
  assertEquals((await pairsOf(api)).map(([ids]) => ids), [[a, b]]);
  await api.delete(`/contacts/${a}`);
  assertEquals(await pairsOf(api), []);
  assertProblem(await api.get(`/contacts/${a}/duplicates`), 410, "deleted");
  await api.post(`/contacts/${a}/restore`);
  assertEquals((await pairsOf(api)).map(([ids]) => ids), [[a, b]]);
  await api.patch(`/contacts/${a}`, { email_jsonb: work("other@example.com") });
  assertEquals(await pairsOf(api), []);
});

test("contacts.duplicates shows nothing of another workspace", async () => {
  const [one, two] = [await createWorkspace(), await createWorkspace()];
  const values = { first_name: "Ada", email_jsonb: work("ada@example.com") };
  const own = await insertRow(one, "contacts", values);
  await insertRow(two, "contacts", values);
  assertEquals(await pairsOf(one.admin.api), []);
  assertEquals((await one.admin.api.get(`/contacts/${own}/duplicates`)).body.data, []);
  assertProblem(await two.admin.api.get(`/contacts/${own}/duplicates`), 404, "not_found");
});

test("contacts.dismiss_duplicate hides a pair for the workspace, and can be taken back and undone", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const rep = await workspace.addMember("rep");
  const values = { first_name: "Ada", email_jsonb: work("ada@example.com") };
  const [a, b] = await insertRows(workspace, "contacts", [values, values]);
  const dismissed = await rep.api.post("/contacts/duplicates/dismiss", {
    ids: [b, a],
    note: "mother and daughter",
  });
  assertEquals([dismissed.status, dismissed.body.dismissed_by, dismissed.body.note], [
    200,
    rep.id,
    "mother and daughter",
  ]);
  assertEquals(await pairsOf(api), []);
  assertEquals((await api.get(`/contacts/${a}/duplicates`)).body.data, []);
  const [shown] = (await api.get("/contacts/duplicates?dismissed=true")).body.data;
  assertEquals(shown.dismissed, {
    member_id: rep.id,
    dismissed_at: dismissed.body.created_at,
  });
  const before = await everythingIn(workspace.id);
  const again = await api.post("/contacts/duplicates/dismiss", { ids: [a, b] });
  assertEquals(again.body, dismissed.body);
  assertEquals(await everythingIn(workspace.id), before);
  const path = `/contacts/duplicates/dismiss?ids=${a},${b}`;
  const removed = await api.delete(path);
  assertEquals([removed.status, (await pairsOf(api)).length], [204, 1]);
  assertEquals((await api.delete(path)).status, 204);
  const undo = await api.post(`/changes/${removed.headers.get("Portico-Change")}/undo`, {});
  assertEquals([undo.status, await pairsOf(api)], [200, []]);
});

test("contacts.dismiss_duplicate refuses one contact twice, unknown ones and deleted ones", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const [a, b] = await insertRows(workspace, "contacts", [{}, {}]);
  const foreign = await insertRow(await createWorkspace(), "contacts", {});
  const post = (ids: unknown) => api.post("/contacts/duplicates/dismiss", { ids });
  for (const ids of [[a, a], [a], [a, b, b], "1,2"]) {
    assertProblem(await post(ids), 422, "validation_failed");
  }
  assertProblem(await post([a, foreign]), 404, "not_found");
  await api.delete(`/contacts/${b}`);
  assertProblem(await post([a, b]), 410, "deleted");
  assertProblem(await api.delete("/contacts/duplicates/dismiss"), 400, "invalid_parameter");
});

test("contacts.merge ends a pair, and a dismissal follows the loser to the winner and back", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const values = { first_name: "Ada", email_jsonb: work("ada@example.com") };
  const [a, b, c] = await insertRows(workspace, "contacts", [values, values, values]);
  await api.post("/contacts/duplicates/dismiss", { ids: [b, c] });
  assertEquals((await pairsOf(api)).map(([ids]) => ids), [[a, b], [a, c]]);
  const merged = await api.post(`/contacts/${a}/merge`, { loser_ids: [b] });
  assertEquals(merged.body.moved.contact_dismissals, 1);
  assertEquals(await pairsOf(api), []);
  assertEquals((await pairsOf(api, "dismissed=true")).map(([ids]) => ids), [[a, c]]);
  await api.post(`/changes/${merged.body.merge_id}/undo`, {});
  assertEquals((await pairsOf(api)).map(([ids]) => ids), [[a, b], [a, c]]);
  assertEquals((await pairsOf(api, "dismissed=true")).map(([ids]) => ids), [[b, c]]);
  assertEquals((await api.post(`/contacts/${b}/merge`, { loser_ids: [c] })).status, 200);
  assertEquals((await pairsOf(api)).map(([ids]) => ids), [[a, b]]);
  await api.post("/contacts/duplicates/dismiss", { ids: [a, b] });
  await api.delete(`/contacts/${a}`);
  await api.post(`/contacts/${a}/restore`);
  assertEquals(await pairsOf(api), []);
});
