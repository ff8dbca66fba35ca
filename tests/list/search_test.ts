/** `q` of lists: all words must occur, each as a prefix; other characters are harmless. */
import { assertEquals } from "@std/assert";
import { assertProblem } from "../support/answers.ts";
import { insertRow, insertRows } from "../support/records.ts";
import { createWorkspace, test, type Workspace } from "../support/workspace.ts";

async function found(workspace: Workspace, path: string, q: string, name: string): Promise<string> {
  const { status, body } = await workspace.admin.api.get(
    `${path}?q=${encodeURIComponent(q)}&select=${name}&sort=id`,
  );
  assertEquals(status, 200, `${q}: ${JSON.stringify(body)}`);
  return body.data.map((record: Record<string, string>) => record[name]).join(",");
}

async function people(): Promise<Workspace> {
  const workspace = await createWorkspace();
  const [acme, zeta] = await insertRows(workspace, "companies", [
    { name: "Acme Rockets", description: "makes anvils" },
    { name: "Zeta" },
  ]);
  await insertRows(workspace, "contacts", [
    {
      first_name: "José",
      last_name: "Núñez-O'Brien",
      title: "Head of R&D",
      company_id: acme,
      email_jsonb: [{ email: "jose.nunez+news@sub.example.com" }],
      phone_jsonb: [{ number: "+44 (20) 7946-0001" }],
    },
    {
      first_name: "Ada",
      last_name: "Lovelace",
      company_id: zeta,
      background: "loves acme products",
    },
    { first_name: "John", last_name: "Smith", company_id: acme },
    { first_name: "John", last_name: "Doe" },
    { first_name: "Łukasz", last_name: "Straße", title: 'C++ (senior), "lead"' },
  ]);
  return workspace;
}

test("contacts.list finds records in which every word occurs, ignoring accents, case and punctuation", async () => {
  const workspace = await people();
  const expected: Record<string, string> = {
    "jose": "José",
    "JOSÉ nunez": "José",
    "núñez": "José",
    "nunez-o'brien": "José",
    "o'brien": "José",
    "O’Brien": "José",
    "nunez obrien": "",
    "jose.nunez+news@sub.example.com": "José",
    "sub.example.com": "José",
    "example": "José",
    "+44 (20) 7946-0001": "José",
    "442079460001": "José",
    "7946": "José",
    "r&d": "José",
    "head of r&d": "José",
    "john doe": "John",
    "doe, john": "John",
    "(john) [doe]": "John",
    "jo do": "John",
    "john": "John,John",
    "lukasz": "Łukasz",
    "strasse": "Łukasz",
    '"lead" (senior), c++': "Łukasz",
    "smith doe": "",
    "acme": "José,Ada,John",
    "john acme": "John",
    "acme john smith": "John",
    "acme rockets": "José,John",
    "jose anvils": "",
    "zeta": "Ada",
    "a b c d e f": "",
  };
  for (const [q, names] of Object.entries(expected)) {
    assertEquals(await found(workspace, "/contacts", q, "first_name"), names, q);
  }
});

test("contacts.list answers 200 to operators, quotes, backslashes, wildcards and zero bytes in q", async () => {
  const workspace = await people();
  for (
    const q of [
      "'",
      "''",
      '"',
      "\\",
      "\\'",
      "a & b | !c",
      "john:*",
      "john:*A",
      "!john",
      "<->",
      "john <-> smith",
      "(",
      "((((",
      "%",
      "*",
      "---",
      "; drop table contacts; --",
      "\0",
      "jo\0hn",
      "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 👩‍👩‍👧",
      "\u202e",
      "x".repeat(1_000),
      "x ".repeat(499),
    ]
  ) await found(workspace, "/contacts", q, "first_name");
  assertEquals(await found(workspace, "/contacts", "john:*", "first_name"), "John,John");
  assertEquals(await found(workspace, "/contacts", "---", "first_name"), "");
  assertEquals(
    await found(workspace, "/contacts", "  ", "first_name"),
    await found(workspace, "/contacts", "", "first_name"),
  );
  const long = await workspace.admin.api.get(`/contacts?q=${"x".repeat(1_001)}`);
  assertProblem(long, 400, "invalid_parameter");
});

test("contacts.list ranks names above texts, and follows a requested sort", async () => {
  const workspace = await createWorkspace();
  await insertRows(workspace, "contacts", [
    { first_name: "Zoe", background: "met Ada" },
    { first_name: "Ada" },
    { first_name: "Bob", title: "Ada's brother" },
  ]);
  const names = async (query: string) =>
    (await workspace.admin.api.get(`/contacts?q=ada${query}`)).body.data
      .map(({ first_name }: { first_name: string }) => first_name).join();
  assertEquals(await names(""), "Ada,Bob,Zoe");
  assertEquals(await names("&sort=-first_name"), "Zoe,Bob,Ada");
  assertEquals(await names("&first_name=Zoe"), "Zoe");
});

test("contacts.list searches only the caller's workspace, and follows changes", async () => {
  const [workspace, elsewhere] = await Promise.all([createWorkspace(), createWorkspace()]);
  const { api } = workspace.admin;
  const acme = await insertRow(elsewhere, "companies", { name: "Acme" });
  await insertRow(elsewhere, "contacts", { first_name: "Eve", company_id: acme });
  assertEquals(await found(workspace, "/contacts", "eve", "first_name"), "");
  assertEquals(await found(workspace, "/contacts", "acme", "first_name"), "");
  const company = await api.post("/companies", { name: "Initech" });
  const contact = await api.post("/contacts", { first_name: "Ada", company_id: company.body.id });
  assertEquals(await found(workspace, "/contacts", "initech", "first_name"), "Ada");
  await api.patch(`/companies/${company.body.id}`, { name: "Initrode" });
  assertEquals(await found(workspace, "/contacts", "initech", "first_name"), "");
  assertEquals(await found(workspace, "/contacts", "ada initrode", "first_name"), "Ada");
  await api.patch(`/contacts/${contact.body.id}`, { first_name: "Grace" });
  assertEquals(await found(workspace, "/contacts", "ada", "first_name"), "");
  await api.delete(`/contacts/${contact.body.id}`);
  assertEquals(await found(workspace, "/contacts", "initrode", "first_name"), "");
});

test("companies.list finds by name, website, place and text", async () => {
  const workspace = await createWorkspace();
  await insertRows(workspace, "companies", [
    { name: "Acme & Sons, Ltd.", website: "https://www.acme.example/about", city: "Köln" },
    { name: "Zeta", description: "sells to Acme", phone_number: "020 7946 0001" },
  ]);
  const expected: Record<string, string> = {
    "acme & sons, ltd.": "Acme & Sons, Ltd.",
    "https://www.acme.example/about": "Acme & Sons, Ltd.",
    "koln": "Acme & Sons, Ltd.",
    "acme": "Acme & Sons, Ltd.,Zeta",
    "02079460001": "Zeta",
  };
  for (const [q, names] of Object.entries(expected)) {
    assertEquals(await found(workspace, "/companies", q, "name"), names, q);
  }
});
