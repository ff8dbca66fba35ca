/** search.all: words, spellings, kinds, and isolation of workspaces. */
import { assertEquals, assertNotEquals } from "@std/assert";
import { assertProblem } from "../../support/answers.ts";
import { insertRow, insertRows } from "../../support/records.ts";
import { createWorkspace, test, type TestMember } from "../../support/workspace.ts";

interface Hit {
  kind: string;
  id: number;
  title: string;
  subtitle: string | null;
  rank: number;
  matched: string;
}

async function search(member: TestMember, q: string, more = ""): Promise<Hit[]> {
  const { status, body } = await member.api.get(`/search?q=${encodeURIComponent(q)}${more}`);
  assertEquals(status, 200, JSON.stringify(body));
  return body.data;
}

async function ids(member: TestMember, q: string, more = ""): Promise<string[]> {
  return (await search(member, q, more)).map(({ kind, id }) => `${kind} ${id}`);
}

test("search.all finds records of every kind by all of the words, as prefixes", async () => {
  const workspace = await createWorkspace();
  const { admin } = workspace;
  const company = await insertRow(workspace, "companies", {
    name: "Acme Düsseldorf",
    city: "Köln",
  });
  const contact = await insertRow(workspace, "contacts", {
    first_name: "José",
    last_name: "Lovelace",
    title: "Buyer",
    company_id: company,
    email_jsonb: [{ email: "jose@example.com", type: "Work" }],
  });
  const deal = await insertRow(workspace, "deals", { name: "Acme pumps", stage: "won" });
  const contact_note = await insertRow(workspace, "contact_notes", {
    contact_id: contact,
    text: "Wants the acme catalogue",
  });
  const deal_note = await insertRow(workspace, "deal_notes", { deal_id: deal, text: "Acme, pah" });
  assertEquals((await ids(admin, "acme")).sort(), [
    `companies ${company}`,
    `contact_notes ${contact_note}`,
    `contacts ${contact}`,
    `deal_notes ${deal_note}`,
    `deals ${deal}`,
  ]);
  for (
    const q of ["jose lovel", "LOVELACE José", "lovelace acme", "jose@example.com", "dussel buy"]
  ) {
    const [hit, ...others] = await search(admin, q, "&kinds=contacts");
    assertEquals([hit?.id, hit?.matched, others.length], [contact, "words", 0], q);
  }
  const [hit] = await search(admin, "lovelace");
  assertEquals([hit?.title, hit?.subtitle], ["José Lovelace", "Buyer, Acme Düsseldorf"]);
  const [note] = await search(admin, "catalogue");
  assertEquals(
    [note?.title, note?.subtitle, Reflect.get(note ?? {}, "contact_id")],
    ["Wants the acme catalogue", "José Lovelace", contact],
  );
  assertEquals(await ids(admin, "acme", "&kinds=deals,deal_notes"), [
    `deals ${deal}`,
    `deal_notes ${deal_note}`,
  ]);
});

test("search.all finds names, addresses and companies in spite of typing errors", async () => {
  const workspace = await createWorkspace();
  const { admin } = workspace;
  const company = await insertRow(workspace, "companies", { name: "Analytical Engines" });
  const [ada] = await insertRows(workspace, "contacts", [
    { first_name: "Ada", last_name: "Lovelace", company_id: company },
    { first_name: "Charles", last_name: "Babbage" },
  ]);
  const grace = await insertRow(workspace, "contacts", {
    last_name: "H.",
    email_jsonb: [{ email: "grace.hopper@navy.example.com" }],
  });
  const expected: [string, string, number][] = [
    ["Lovelce", "contacts", ada],
    ["lovlace", "contacts", ada],
    ["ada lovelce", "contacts", ada],
    ["Lovelaec Ada", "contacts", ada],
    ["grace.hoper@navy.example.com", "contacts", grace],
    ["hoppper", "contacts", grace],
    ["anlytical", "companies", company],
    ["analytical enginse", "companies", company],
  ];
  for (const [q, kind, id] of expected) {
    const hits = await search(admin, q, `&kinds=${kind}`);
    assertEquals(hits.map((hit) => [hit.id, hit.matched]), [[id, "similar"]], q);
  }
  for (const q of ["", "   ", "%", "'", "xyzzy", "ada qwertz", "(){}&|!:*\\", "\u0001"]) {
    assertEquals(await ids(admin, q, "&kinds=contacts,companies"), [], q);
  }
});

test("search.all ranks a name above a mention, and words above similar spellings", async () => {
  const workspace = await createWorkspace();
  const [mention, name, similar] = await insertRows(workspace, "contacts", [
    { last_name: "B", background: "knows Lovelace" },
    { last_name: "Lovelace" },
    { last_name: "Lovelac" },
  ]);
  assertEquals(
    await ids(workspace.admin, "lovelace"),
    [`contacts ${name}`, `contacts ${mention}`, `contacts ${similar}`],
  );
});

test("search.all returns at most `limit` records of each kind", async () => {
  const workspace = await createWorkspace();
  const rows = Array.from({ length: 1_500 }, (_, index) => ({ last_name: `Common ${index}` }));
  await insertRows(workspace, "contacts", rows);
  await insertRow(workspace, "companies", { name: "Common" });
  const hits = await search(workspace.admin, "common", "&limit=20");
  assertEquals(hits.filter(({ kind }) => kind === "contacts").length, 20);
  assertEquals(hits.filter(({ kind }) => kind === "companies").length, 1);
  assertEquals((await ids(workspace.admin, "common 77", "&kinds=contacts&limit=3")).length, 3);
});

test("search.all finds records only in the caller's workspace, and none in the trash", async () => {
  const [own, foreign] = await Promise.all([createWorkspace(), createWorkspace()]);
  const word = `w${crypto.randomUUID().replaceAll("-", "")}`;
  const contact_id = await insertRow(foreign, "contacts", { last_name: word });
  await insertRow(foreign, "contact_notes", { contact_id, text: word });
  assertEquals((await ids(foreign.admin, word)).length, 2);
  for (const q of [word, word.slice(0, -1), word.replace(/(.{5})./, "$1")]) {
    assertEquals(await ids(own.admin, q), []);
  }
  assertEquals((await foreign.admin.api.delete(`/contacts/${contact_id}`)).status, 204);
  assertEquals(await ids(foreign.admin, word), []);
});

test("search.all answers 400 to unknown kinds, limits out of range and long texts", async () => {
  const { admin } = await createWorkspace();
  for (
    const query of [
      "kinds=users",
      "kinds=",
      "limit=0",
      "limit=21",
      "limit=x",
      `q=${"a".repeat(201)}`,
    ]
  ) {
    const answer = await admin.api.get(`/search?${query}`);
    assertProblem(answer, 400, "invalid_parameter");
  }
});

test("search.all finds contacts by the current name of their current company", async () => {
  const workspace = await createWorkspace();
  const { admin } = workspace;
  const [one, two] = await insertRows(workspace, "companies", [
    { name: "Bluebird" },
    { name: "Redstart" },
  ]);
  const contact = await insertRow(workspace, "contacts", { last_name: "A", company_id: one });
  const found = [`contacts ${contact}`];
  assertEquals(await ids(admin, "bluebird", "&kinds=contacts"), found);
  const moved = await admin.api.patch(`/contacts/${contact}`, { company_id: two });
  assertEquals(moved.status, 200, JSON.stringify(moved.body));
  assertEquals(await ids(admin, "bluebird", "&kinds=contacts"), []);
  assertEquals(await ids(admin, "redstart", "&kinds=contacts"), found);
  const before = (await admin.api.get(`/contacts/${contact}`)).headers.get("ETag");
  await admin.api.patch(`/companies/${two}`, { name: "Greenfinch" });
  assertEquals(await ids(admin, "greenfinch", "&kinds=contacts"), found);
  assertNotEquals((await admin.api.get(`/contacts/${contact}`)).headers.get("ETag"), before);
});
