/** imports of files that somebody made to break the import, or that somebody broke by accident. */
import { assert, assertEquals } from "@std/assert";
import { strToU8, zipSync } from "fflate";
import { assertProblem } from "../../support/answers.ts";
import { createWorkspace, sql, test } from "../../support/workspace.ts";
import { base64, countsOf, createImport, csv, importFile, runImport } from "./importing.ts";

/** Content or bytes of a file, the named format, and the beginning of what is wrong with it. */
const MISMATCHES: [string, Record<string, unknown>, string][] = [
  [
    "a workbook as CSV",
    { content_base64: base64(workbook("")), format: "csv" },
    "The file is an archive",
  ],
  [
    "a workbook as NDJSON",
    { content_base64: base64(workbook("")), format: "ndjson" },
    "The file is an",
  ],
  [
    "CSV as a workbook",
    { content_base64: btoa("a,b\n1,2"), format: "xlsx" },
    "The file is CSV or other",
  ],
  [
    "cards as CSV",
    { content: "BEGIN:VCARD\nEND:VCARD", format: "csv" },
    "The file is vCard, not CSV",
  ],
  [
    "CSV as cards",
    { content: "First name\nAda", format: "vcard" },
    "The file is CSV or other text, not",
  ],
  [
    "JSON lines as CSV",
    { content: '{"first_name":"Ada"}', format: "csv" },
    "The file is NDJSON, not",
  ],
  ["a JSON array", { content: '[{"first_name":"Ada"}]' }, "The file is one JSON array."],
  [
    "another archive",
    { content_base64: base64(zipSync({ a: strToU8("a") })) },
    "The file is no XLSX",
  ],
  [
    "an old workbook",
    { content_base64: base64(new Uint8Array([0xd0, 0xcf, 0x11, 0xe0, 0xa1])) },
    "Excel 97",
  ],
];

for (const [name, file, detail] of MISMATCHES) {
  test(`imports.create answers 422 to ${name}, and says so`, async () => {
    const { admin } = await createWorkspace();
    const answer = await admin.api.post("/imports", { record_type: "contacts", ...file });
    assertProblem(answer, 422, "invalid_file");
    assert(answer.body.detail.startsWith(detail), answer.body.detail);
  });
}

function workbook(rows: string, strings = ""): Uint8Array<ArrayBuffer> {
  return zipSync({
    "xl/workbook.xml": strToU8("<workbook/>"),
    "xl/sharedStrings.xml": strToU8(`<sst>${strings}</sst>`),
    "xl/worksheets/sheet1.xml": strToU8(`<worksheet><sheetData>${rows}</sheetData></worksheet>`),
  });
}

const PEOPLE_SHEET = '<row><c t="s"><v>0</v></c></row><row/><row><c t="str"><v>Ada</v></c></row>';

test("imports find the format of a file by its first bytes, sent or uploaded", async () => {
  const { admin } = await createWorkspace();
  const bytes = workbook(PEOPLE_SHEET, "<si><t>First name</t></si>");
  const files: [string, Uint8Array<ArrayBuffer>][] = [
    ["xlsx", bytes],
    ["csv", strToU8("First name\nAda") as Uint8Array<ArrayBuffer>],
    ["csv", strToU8("{first name},First name\nx,Ada") as Uint8Array<ArrayBuffer>],
    ["ndjson", strToU8(' {"first_name": "Ada"}\n') as Uint8Array<ArrayBuffer>],
    ["vcard", strToU8("\ufeffbegin:vcard\nFN:Ada\nend:vcard") as Uint8Array<ArrayBuffer>],
  ];
  for (const [format, file] of files) {
    const named = new TextDecoder().decode(file).startsWith("{first") ? { format } : {};
    const sent = await importFile(admin, { content_base64: base64(file), ...named });
    assertEquals([sent.format, sent.row_count - sent.rejected_count > 0], [format, true]);
    const { id, upload, format: unknown } = await createImport(admin, named);
    assertEquals(unknown, named.format ?? null);
    const put = await fetch(upload.upload_url, { method: "PUT", body: file });
    assertEquals(put.status, 200, await put.text());
    assertEquals((await admin.api.post(`/imports/${id}/inspect`)).body.format, format);
    assertEquals((await runImport(admin, id)).rejected_count, 0);
  }
});

test("imports.create answers 422 to a workbook whose cells repeat one long text", async () => {
  const { admin } = await createWorkspace();
  const rows = `<row>${'<c t="s"><v>0</v></c>'.repeat(400)}</row>`.repeat(50);
  const bytes = workbook(rows, `<si><t>${"x".repeat(1_000_000)}</t></si>`);
  const content_base64 = base64(bytes);
  const answer = await admin.api.post("/imports", { record_type: "contacts", content_base64 });
  assertProblem(answer, 422, "invalid_file");
  assert(answer.body.detail.startsWith("The workbook is too large."), answer.body.detail);
});

test("imports reject a row with a wrong quotation mark, and what it swallowed", async () => {
  const { admin } = await createWorkspace();
  const open = ["First name,Email", "Ada,ada@example.com", '"Grace,grace@example.com', "Alan,"];
  const done = await importFile(admin, { content: csv(...open) });
  assertEquals(countsOf(done), { created: 1, updated: 0, skipped: 0, rejected: 1 });
  const { body } = await admin.api.get(`/imports/${done.id}/rejected`);
  assert(body.includes("A quotation mark is not closed"), body);
  const inside = csv("First name,Email", '"Edsger" W.,e@example.com', 'Barbara,"b@example.com"');
  const other = await importFile(admin, { content: inside });
  assertEquals(countsOf(other), { created: 0, updated: 0, skipped: 0, rejected: 1 });
  const header = await admin.api.post("/imports", {
    record_type: "contacts",
    content: 'First name,"Email\nAda,ada@example.com',
  });
  assertProblem(header, 422, "invalid_file");
});

test("imports read a byte order mark in the middle of a file", async () => {
  const { admin } = await createWorkspace();
  const content = csv("Email,First name", "\ufeffada@example.com,\ufeffAda");
  const done = await importFile(admin, { content });
  assertEquals(countsOf(done), { created: 1, updated: 0, skipped: 0, rejected: 0 });
  assertEquals((await admin.api.get("/contacts")).body.data[0].first_name, "Ada");
});

test("imports reject texts inside arrays that cannot be stored, and deep ones", async () => {
  const { admin } = await createWorkspace();
  const deep = (levels: number) => "[".repeat(levels) + "]".repeat(levels);
  const lines = [
    '{"first_name":"Ada","tags":["vip"]}',
    '{"first_name":"A","tags":["a\\u0000b"]}',
    '{"first_name":"B","tags":["\\ud800"]}',
    '{"first_name":"C","email_jsonb":[{"email":"c@example.com","type":"\\u0000"}]}',
    `{"first_name":${deep(100_000)}}`,
    `{"first_name":"D","phone_jsonb":${deep(30)}}`,
    '{"first_name":"E","tags":[1e30,-1,1.5]}',
    '{"first_name":"F","company_id":1e30}',
  ];
  const done = await importFile(admin, { content: lines.join("\n") });
  assertEquals(countsOf(done), { created: 1, updated: 0, skipped: 0, rejected: 7 });
  const cells = csv(
    "First name,email_jsonb",
    `Ada,"${deep(100_000)}"`,
    'B,"[{""email"":""\\u0000""}]"',
  );
  const other = await importFile(admin, { content: cells });
  assertEquals(countsOf(other), { created: 0, updated: 0, skipped: 0, rejected: 2 });
});

test("imports.rejected has no formula in its header and its reasons, and tags that can be read again", async () => {
  const { admin } = await createWorkspace();
  const wrong = await importFile(admin, {
    content: csv("=cmd()|x,Email", "Ada,wrong"),
  });
  const formula = (await admin.api.get(`/imports/${wrong.id}/rejected`)).body;
  assertEquals(formula.split("\r\n")[0], "'=cmd()|x,Email,import_error");
  const { id } = await createImport(admin, { content: csv("=Email", "wrong") });
  const columns = [{ column: "=Email", field: "email_work" }];
  await admin.api.patch(`/imports/${id}`, { columns });
  await runImport(admin, id);
  const reason = (await admin.api.get(`/imports/${id}/rejected`)).body.split("\r\n")[1];
  assertEquals(reason, "wrong,'=Email: Use an e-mail address.");
  const json = '{"first_name":"Ada","tags":["vip","early"],"email_work":"wrong"}';
  const done = await importFile(admin, { content: json });
  const { body } = await admin.api.get(`/imports/${done.id}/rejected`);
  await importFile(admin, { content: body.replace("wrong", "ada@example.com") });
  const tags = (await admin.api.get("/tags?sort=name&select=name")).body.data;
  assertEquals(tags, [{ name: "early" }, { name: "vip" }]);
});

test("imports.run answers 409 to a dry run when a part of the file is imported", async () => {
  const { admin } = await createWorkspace();
  const rows = Array.from({ length: 3_000 }, (_, index) => `Row ${index}`);
  const { id } = await createImport(admin, {
    content: csv("First name", ...rows),
    policy: "create",
  });
  await sql`update public.imports set state = 'cancelled', position = 5000 where id = ${id}`;
  const dry = await admin.api.post(`/imports/${id}/run`, { dry_run: true });
  assertProblem(dry, 409, "import_not_ready");
  const { position } = (await admin.api.get(`/imports/${id}`)).body;
  assertEquals(position, 5_000);
});

test("imports of a file with a million columns are refused", async () => {
  const { admin } = await createWorkspace();
  const { id, upload } = await createImport(admin, {});
  const body = new TextEncoder().encode(`${"a,".repeat(1_000_000)}\n${"1,".repeat(1_000_000)}`);
  const put = await fetch(upload.upload_url, { method: "PUT", body });
  assertEquals(put.status, 200, await put.text());
  assertProblem(await admin.api.post(`/imports/${id}/inspect`), 422, "invalid_file");
});

test("imports end at an unexpected error, and the job does not try them for ever", async () => {
  const { admin } = await createWorkspace();
  const { id } = await createImport(admin, { content: csv("First name", "Ada") });
  await sql`update public.imports set layout = layout || '{"encoding": "none"}' where id = ${id}`;
  const done = await runImport(admin, id);
  assertEquals([done.state, done.row_count], ["failed", 0]);
  assert(done.error.startsWith("An unexpected error ended the import"), done.error);
});
