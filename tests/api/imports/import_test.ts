/** imports: from a file to records, the policies, and the undo of the whole. */
import { assertEquals } from "@std/assert";
import { createWorkspace, test, type TestMember } from "../../support/workspace.ts";
import { countsOf, createImport, csv, importFile, runImport } from "./importing.ts";

const PEOPLE = csv(
  "First name,Last name,Email,Mobile,Company,Tags,Newsletter",
  'Ada,Lovelace,Ada@Example.com,+44 20 7946 0001,Analytical Engines,"vip, early",yes',
  "Grace,Hopper,grace@example.com,,analytical engines,VIP,no",
);

async function contactsOf({ api }: TestMember) {
  return (await api.get("/contacts?sort=id&include=tag_records")).body.data;
}

test("imports.create maps the columns by their headers and shows samples", async () => {
  const { admin } = await createWorkspace();
  const created = await createImport(admin, { content: PEOPLE });
  assertEquals(created.state, "ready");
  assertEquals(
    created.columns.map((
      column: { column: string; field: string },
    ) => [column.column, column.field]),
    [
      ["First name", "first_name"],
      ["Last name", "last_name"],
      ["Email", "email_work"],
      ["Mobile", "phone_other"],
      ["Company", "company"],
      ["Tags", "tags"],
      ["Newsletter", "has_newsletter"],
    ],
  );
  assertEquals(created.columns[0].samples, ["Ada", "Grace"]);
});

test("imports.run creates records, with companies and tags by name made once", async () => {
  const { admin } = await createWorkspace();
  const done = await importFile(admin, { content: PEOPLE });
  assertEquals([done.state, done.row_count], ["completed", 2]);
  assertEquals(countsOf(done), { created: 2, updated: 0, skipped: 0, rejected: 0 });
  const [ada, grace] = await contactsOf(admin);
  assertEquals(ada.email_jsonb, [{ email: "ada@example.com", type: "Work" }]);
  assertEquals(ada.phone_jsonb, [{ number: "+44 20 7946 0001", type: "Other" }]);
  assertEquals([ada.has_newsletter, grace.has_newsletter], [true, false]);
  assertEquals(ada.company_id, grace.company_id);
  assertEquals(ada.tag_records.map((tag: { name: string }) => tag.name), ["vip", "early"]);
  assertEquals(grace.tags, [ada.tags[0]]);
  assertEquals((await admin.api.get("/companies?count=exact")).body.total, 1);
  assertEquals((await admin.api.get("/tags?count=exact")).body.total, 2);
});

test("imports.run twice with the same file creates nothing the second time", async () => {
  const { admin } = await createWorkspace();
  await importFile(admin, { content: PEOPLE });
  const before = await contactsOf(admin);
  const again = await importFile(admin, { content: PEOPLE });
  assertEquals(countsOf(again), { created: 0, updated: 0, skipped: 2, rejected: 0 });
  assertEquals(await contactsOf(admin), before);
});

const CHANGED = csv(
  "First name,Job title,Email,Phone",
  "Augusta,Countess,ada@example.com,020 1",
  "New,,new@example.com,",
);

for (
  const [policy, name, counts] of [
    ["merge", "Ada", { created: 1, updated: 1, skipped: 0, rejected: 0 }],
    ["update", "Augusta", { created: 1, updated: 1, skipped: 0, rejected: 0 }],
    ["skip", "Ada", { created: 1, updated: 0, skipped: 1, rejected: 0 }],
    ["create", "Ada", { created: 2, updated: 0, skipped: 0, rejected: 0 }],
  ] as const
) {
  test(`imports.run with the policy ${policy} treats an existing contact as it says`, async () => {
    const { admin } = await createWorkspace();
    await importFile(admin, { content: PEOPLE });
    const done = await importFile(admin, { content: CHANGED, policy });
    assertEquals(countsOf(done), counts);
    const [ada] = await contactsOf(admin);
    assertEquals(ada.first_name, name);
    const fills = policy === "merge" || policy === "update";
    assertEquals(ada.title, fills ? "Countess" : null);
    assertEquals(ada.phone_jsonb.length, fills ? 2 : 1);
  });
}

test("imports.run joins rows of one new contact within the file", async () => {
  const { admin } = await createWorkspace();
  const content = csv(
    "First name,Email,Phone",
    "Ada,ada@example.com,",
    ",ADA@example.com,020 7946",
  );
  const done = await importFile(admin, { content });
  assertEquals(countsOf(done), { created: 1, updated: 1, skipped: 0, rejected: 0 });
  const [ada] = await contactsOf(admin);
  assertEquals([ada.first_name, ada.phone_jsonb[0].number], ["Ada", "020 7946"]);
});

test("imports.run with dry_run counts and changes nothing, and the import can run afterwards", async () => {
  const { admin } = await createWorkspace();
  const { id } = await createImport(admin, { content: PEOPLE });
  const dry = await runImport(admin, id, { dry_run: true });
  assertEquals([dry.state, dry.dry_run], ["completed", true]);
  assertEquals(countsOf(dry), { created: 2, updated: 0, skipped: 0, rejected: 0 });
  for (const path of ["/contacts", "/companies", "/tags", `/changes?import_id=${id}`]) {
    assertEquals((await admin.api.get(path)).body.data, [], path);
  }
  const done = await runImport(admin, id);
  assertEquals([done.state, done.dry_run, done.created_count], ["completed", false, 2]);
  const repeated = await admin.api.post(`/imports/${id}/run`, {});
  assertEquals([repeated.status, repeated.body], [202, done]);
});

test("imports.undo takes back the whole import, and can be repeated", async () => {
  const { admin } = await createWorkspace();
  await importFile(admin, { content: PEOPLE });
  const before = await contactsOf(admin);
  const done = await importFile(admin, { content: CHANGED, policy: "update" });
  const [change] = (await admin.api.get("/changes?limit=1")).body.data;
  assertEquals(change.import_id, done.id);
  const undone = await admin.api.post(`/imports/${done.id}/undo`, {});
  assertEquals([undone.status, undone.body], [200, { undone: 1, complete: true }]);
  const fieldsOf = (rows: Record<string, unknown>[]) =>
    rows.map(({ updated_at: _updatedAt, ...fields }) => fields);
  assertEquals(fieldsOf(await contactsOf(admin)), fieldsOf(before));
  const again = await admin.api.post(`/imports/${done.id}/undo`, {});
  assertEquals(again.body, { undone: 0, complete: true });
  assertEquals((await admin.api.get(`/imports/${done.id}`)).body.state, "undone");
});

test("imports.run finds a contact by any of its addresses, however many it has", async () => {
  const { admin } = await createWorkspace();
  const addresses = Array.from({ length: 50 }, (_, index) => ({
    email: `ada.${index}@example.com`,
    type: "Work",
  }));
  const created = await admin.api.post("/contacts", { first_name: "Ada", email_jsonb: addresses });
  assertEquals(created.status, 201);
  for (const { email } of addresses.slice(9, 12).concat(addresses.slice(-1))) {
    const content = csv("Email,Job title", `${email.toUpperCase()},Countess ${email}`);
    const done = await importFile(admin, { content, policy: "update" });
    assertEquals(countsOf(done), { created: 0, updated: 1, skipped: 0, rejected: 0 }, email);
  }
  const tasks = csv("Contact email,Type,Subject", "ada.30@example.com,call,Ring her");
  const done = await importFile(admin, { record_type: "tasks", content: tasks });
  assertEquals(countsOf(done).created, 1);
});
