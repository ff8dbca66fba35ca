/** Requests that are small to send and costly to answer are refused, or cost little. */
import { assert, assertEquals, assertGreater, assertLess, assertStringIncludes } from "@std/assert";
import { assertProblem } from "../support/answers.ts";
import { dataUrl, imageBytes } from "../support/pictures.ts";
import { insertRow, insertRows } from "../support/records.ts";
import { createWorkspace, sql, stack, test, type TestMember } from "../support/workspace.ts";

const PAGE_BYTES = 4_000_000;

test("lists refuse patterns that take long to compare", async () => {
  const { admin } = await createWorkspace();
  const refused = [
    `last_name@like=${"a".repeat(201)}`,
    `last_name@ilike=${"*a".repeat(6)}`,
    ["first_name", "last_name", "title", "status"].map((name) => `${name}@like=a*`).join("&"),
    `last_name=${"a".repeat(1_001)}`,
    `last_name@in=a,${"a".repeat(1_001)}`,
  ];
  for (const query of refused) {
    assertProblem(await admin.api.get(`/contacts?${query}`), 400, "invalid_parameter");
  }
  const allowed = `last_name@like=${"*a".repeat(5)}&first_name@ilike=b*&title@ilike=c*`;
  assertEquals((await admin.api.get(`/contacts?${allowed}`)).status, 200);
});

test("lists take no patterns on text that may be long", async () => {
  const { admin } = await createWorkspace();
  for (
    const [table, column] of [
      ["contacts", "background"],
      ["companies", "description"],
      ["deals", "description"],
      ["tasks", "text"],
      ["contact_notes", "text"],
      ["deal_notes", "text"],
    ]
  ) {
    const answer = await admin.api.get(`/${table}?${column}@like=a*`);
    assertProblem(answer, 400, "unknown_parameter");
    assertStringIncludes(answer.body.errors[`${column}@like`], `Use ${column} with one of: eq,`);
    assertEquals((await admin.api.get(`/${table}?${column}=a`)).status, 200, table);
  }
});

test("a bulk bounds the patterns of its filter as a list does", async () => {
  const { admin } = await createWorkspace();
  const filter = Object.fromEntries(
    ["first_name", "last_name", "title", "status"].map((name) => [`${name}@like`, "a*"]),
  );
  const answer = await admin.api.post("/contacts/bulk", { filter, delete: true });
  assertProblem(answer, 422, "validation_failed");
});

test("a bulk without a limiting condition is refused unless it says all", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const contact = await insertRow(workspace, "contacts", { last_name: "Lovelace" });
  await insertRow(workspace, "tasks", { contact_id: contact, text: "Call" });
  const unlimited: [string, object][] = [
    ["contacts", {}],
    ["contacts", { q: "" }],
    ["contacts", { q: " \n" }],
    ["tasks", { time_zone: "UTC" }],
  ];
  for (const [resource, filter] of unlimited) {
    const answer = await api.post(`/${resource}/bulk`, { filter, delete: true });
    assertProblem(answer, 422, "validation_failed");
    assertStringIncludes(answer.body.errors.filter, "all: true");
  }
  const both = await api.post("/tasks/bulk", { all: true, filter: { text: "a" }, delete: true });
  assertProblem(both, 422, "validation_failed");
  const done = await api.post("/tasks/bulk", { all: true, delete: true });
  assertEquals([done.status, done.body.counts], [200, { requested: 1, succeeded: 1, failed: 0 }]);
  assertEquals((await api.get(`/contacts/${contact}`)).status, 200);
});

test("a body is refused by its depth before it is parsed", async () => {
  const { admin } = await createWorkspace();
  const texts = [
    "[".repeat(999_000),
    `{"avatar":${"[".repeat(200)}${"]".repeat(200)}}`,
    `{"avatar":${'{"a":'.repeat(20_000)}1${"}".repeat(20_001)}`,
  ];
  for (const body of texts) {
    assertProblem(await postContact(admin, body), 422, "validation_failed");
  }
  const shallow = `{"avatar":{"src":"[[[{{{","deep":${"[".repeat(90)}${"]".repeat(90)}}}`;
  assertEquals((await postContact(admin, shallow)).status, 201);
});

test("a page and a block of an export end at a number of bytes", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  // Three bytes each.
  const background = "€".repeat(10_000);
  const avatar = { src: dataUrl(imageBytes(16_384)) };
  const rows = Array.from(
    { length: 100 },
    (_, index) => ({ last_name: `N${index}`, background, avatar }),
  );
  const expected = await insertRows(workspace, "contacts", rows);
  const seen: number[] = [];
  let cursor = "";
  let pages = 0;
  do {
    pages += 1;
    const page = await api.get(`/contacts?sort=id&limit=100${cursor}`);
    assertEquals(page.status, 200);
    assertLess(bytesOf(page.body.data), PAGE_BYTES + 1_000);
    seen.push(...page.body.data.map(({ id }: { id: number }) => id));
    cursor = page.body.next_cursor ? `&cursor=${page.body.next_cursor}` : "";
  } while (cursor);
  assertEquals(seen, expected);
  assertGreater(pages, 1);
  const narrow = await api.get("/contacts?sort=id&limit=100&select=id,last_name");
  assertEquals([narrow.body.data.length, narrow.body.next_cursor], [100, null]);
  const exported = await exportedIds(workspace.admin);
  assertEquals(exported, expected);
});

test("a stored answer is not sent to a member who may no longer call the operation", async () => {
  const workspace = await createWorkspace();
  const admin = await workspace.addMember("admin");
  const headers = { "Idempotency-Key": crypto.randomUUID() };
  const user = { email: `${crypto.randomUUID()}@example.com`, first_name: "A", last_name: "B" };
  assertEquals((await admin.api.post("/users", user, headers)).status, 201);
  await sql`update public.sales set role = 'rep' where id = ${admin.id}`;
  assertProblem(await admin.api.post("/users", user, headers), 403, "admin_required");
  await sql`update public.sales set disabled = true where id = ${admin.id}`;
  assertProblem(await admin.api.post("/users", user, headers), 403, "member_disabled");
});

function bytesOf(value: unknown): number {
  return new TextEncoder().encode(JSON.stringify(value)).length;
}

async function postContact(member: TestMember, body: string) {
  const response = await fetch(`${stack.functionUrl}/contacts`, {
    method: "POST",
    headers: { Authorization: `Bearer ${member.token}`, "Content-Type": "application/json" },
    body,
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

async function exportedIds(member: TestMember): Promise<number[]> {
  const response = await fetch(`${stack.functionUrl}/contacts?format=ndjson`, {
    headers: { Authorization: `Bearer ${member.token}` },
  });
  assert(response.ok);
  const lines = (await response.text()).trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line).id);
}
