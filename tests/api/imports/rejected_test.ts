/** imports: rows that break a rule. */
import { assertEquals } from "@std/assert";
import { createWorkspace, test } from "../../support/workspace.ts";
import { countsOf, createImport, csv, ended, importFile, runImport } from "./importing.ts";

const MIXED = csv(
  "First name,Email,First seen,Newsletter",
  "Ada,ada@example.com,2026-01-02,yes",
  "Grace,not an address,2026-13-40,perhaps",
  "=Alan,alan@example.com,,",
);

test("imports.rejected has the rows with their reasons, and they can be mended and sent again", async () => {
  const { admin } = await createWorkspace();
  const done = await importFile(admin, { content: MIXED });
  assertEquals(countsOf(done), { created: 2, updated: 0, skipped: 0, rejected: 1 });
  const { status, headers, body } = await admin.api.get(`/imports/${done.id}/rejected`);
  assertEquals(status, 200);
  assertEquals(headers.get("Content-Type"), "text/csv; charset=utf-8; header=present");
  assertEquals(
    body,
    csv(
      "First name,Email,First seen,Newsletter,import_error",
      "Grace,not an address,2026-13-40,perhaps,Email: Use an e-mail address. First seen: Use a date " +
        "such as 2026-12-31. Newsletter: Use true or false.",
    ),
  );
  const mended = body.replace("not an address", "grace@example.com").replace(
    "2026-13-40",
    "2026-01-03",
  )
    .replace("perhaps", "no");
  assertEquals((await importFile(admin, { content: mended })).created_count, 1);
});

test("imports.rejected puts an apostrophe before formulas", async () => {
  const { admin } = await createWorkspace();
  const content = csv("First name,Email", "=cmd()|x,wrong");
  const done = await importFile(admin, { content });
  const { body } = await admin.api.get(`/imports/${done.id}/rejected`);
  assertEquals(body.split("\r\n")[1], "'=cmd()|x,wrong,Email: Use an e-mail address.");
});

test("imports.run of all or nothing imports nothing when a row is rejected", async () => {
  const { admin } = await createWorkspace();
  const done = await importFile(admin, { content: MIXED, all_or_nothing: true });
  assertEquals([done.state, done.rejected_count], ["failed", 1]);
  assertEquals((await admin.api.get("/contacts")).body.data, []);
  const fixed = MIXED.replace("not an address", "g@example.com").replace("2026-13-40", "2026-01-03")
    .replace("perhaps", "no");
  const good = await importFile(admin, { content: fixed, all_or_nothing: true });
  assertEquals([good.state, good.created_count], ["completed", 3]);
});

test("imports.run rejects rows that the database refuses, and imports the others", async () => {
  const { admin } = await createWorkspace();
  const content = csv(
    "Deal name,Stage,Closed at,Amount",
    "One,opportunity,,1000",
    "Two,opportunity,2026-01-02,1",
    'Three,Won,2026-01-02,"2,500"',
    "Four,no such stage,,1.5",
  );
  const done = await importFile(admin, { content, record_type: "deals" });
  assertEquals(countsOf(done), { created: 2, updated: 0, skipped: 0, rejected: 2 });
  const { body } = await admin.api.get(`/imports/${done.id}/rejected`);
  assertEquals(
    body.includes("Closed at: Only a deal that is won or lost has a closing date."),
    true,
  );
  assertEquals(body.includes("Amount: Use a whole number."), true);
  const deals = (await admin.api.get("/deals?sort=id&select=name,stage,amount,index")).body.data;
  assertEquals(deals.map((deal: { amount: number }) => deal.amount), [1000, 2500]);
});

test("imports ask for the format of a date with two meanings", async () => {
  const { admin } = await createWorkspace();
  const content = csv("First name,First seen", "Ada,03/04/2026", "Grace,05/06/2026");
  const created = await createImport(admin, { content });
  assertEquals([created.state, created.columns[1].needs], ["incomplete", "date_format"]);
  const refused = await admin.api.post(`/imports/${created.id}/run`, {});
  assertEquals([refused.status, refused.body.code], [409, "import_not_ready"]);
  const columns = [{ column: "First seen", date_format: "day_first" }];
  const patched = await admin.api.patch(`/imports/${created.id}`, { columns });
  assertEquals([patched.status, patched.body.state], [200, "ready"]);
  await runImport(admin, created.id);
  const [ada] = (await admin.api.get("/contacts?sort=id")).body.data;
  assertEquals(ada.first_seen.slice(0, 10), "2026-04-03");
});

test("imports.update answers 422 to a column, a field or two columns for a field that do not fit", async () => {
  const { admin } = await createWorkspace();
  const { id } = await createImport(admin, { content: MIXED });
  for (
    const columns of [
      [{ column: "No such", field: null }],
      [{ column: "Email", field: "__proto__" }],
      [{ column: "Email", field: "first_name" }],
    ]
  ) {
    const { status, body } = await admin.api.patch(`/imports/${id}`, { columns });
    assertEquals([status, body.code], [422, "validation_failed"]);
  }
  assertEquals((await ended(admin, id)).state, "ready");
});
