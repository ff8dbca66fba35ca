/** imports: formats, encodings, delimiters, uploads, and files that are refused. */
import { assert, assertEquals } from "@std/assert";
import { strToU8, zipSync } from "fflate";
import { assertProblem } from "../../support/answers.ts";
import { createWorkspace, test, type TestMember } from "../../support/workspace.ts";
import { base64, createImport, csv, importFile, runImport } from "./importing.ts";

const PEOPLE = csv("First name;Last name;Email", "Zoë;Müller;zoe@example.com");

async function namesOf({ api }: TestMember): Promise<string[]> {
  const { body } = await api.get("/contacts?sort=id&select=first_name,last_name");
  return body.data.map((row: { first_name: string; last_name: string }) =>
    `${row.first_name} ${row.last_name}`
  );
}

function utf16(text: string, littleEndian: boolean): Uint8Array {
  const bytes = new Uint8Array(text.length * 2);
  const view = new DataView(bytes.buffer);
  [...text].forEach((character, index) =>
    view.setUint16(index * 2, character.charCodeAt(0), littleEndian)
  );
  return bytes;
}

const ENCODINGS: Record<string, Uint8Array> = {
  "UTF-8": strToU8(PEOPLE),
  "UTF-8 with a mark": strToU8(`\ufeff${PEOPLE}`),
  "UTF-16 little endian": utf16(`\ufeff${PEOPLE}`, true),
  "UTF-16 big endian": utf16(`\ufeff${PEOPLE}`, false),
  "UTF-16 without a mark": utf16(PEOPLE, true),
  "Windows-1252": Uint8Array.from(PEOPLE, (character) => character.charCodeAt(0)),
};

for (const [name, bytes] of Object.entries(ENCODINGS)) {
  test(`imports read ${name}`, async () => {
    const { admin } = await createWorkspace();
    const done = await importFile(admin, { content_base64: base64(bytes) });
    assertEquals([done.state, done.rejected_count], ["completed", 0]);
    assertEquals(await namesOf(admin), ["Zoë Müller"]);
  });
}

for (const delimiter of [",", ";", "\t"]) {
  for (const newline of ["\r\n", "\n", "\r"]) {
    test(`imports find the delimiter ${JSON.stringify(delimiter + newline)}`, async () => {
      const { admin } = await createWorkspace();
      const lines = [["First name", "Last name", "Email"], [
        "Ada",
        '"Love\nlace"',
        "a@example.com",
      ]];
      const content = lines.map((cells) => cells.join(delimiter)).join(newline);
      const done = await importFile(admin, { content });
      assertEquals([done.state, done.created_count, done.rejected_count], ["completed", 1, 0]);
      assertEquals(await namesOf(admin), ["Ada Love\nlace"]);
    });
  }
}

test("imports read NDJSON with arrays, and reject lines that are no objects", async () => {
  const { admin } = await createWorkspace();
  const lines = [
    JSON.stringify({
      first_name: "Ada",
      email_jsonb: [{ email: "ada@example.com" }],
      tags: ["vip"],
    }),
    "{broken",
    JSON.stringify({ first_name: "Grace", ["__proto__"]: 1, constructor: 2 }),
  ];
  const done = await importFile(admin, { content: lines.join("\n"), format: "ndjson" });
  assertEquals([done.created_count, done.rejected_count], [2, 1]);
  const [ada] = (await admin.api.get("/contacts?sort=id")).body.data;
  assertEquals([ada.email_jsonb, ada.tags.length], [[{ email: "ada@example.com" }], 1]);
});

/** A workbook with one sheet: a shared string, an inline one, a number, a date and a boolean. */
function workbook(sheet: string): Uint8Array {
  const xml = (text: string) => strToU8(`<?xml version="1.0"?>${text}`);
  return zipSync({
    "xl/workbook.xml": xml(
      '<workbook xmlns:r="r"><sheets><sheet name="People" sheetId="1" r:id="rId7"/></sheets></workbook>',
    ),
    "xl/_rels/workbook.xml.rels": xml(
      '<Relationships><Relationship Id="rId7" Target="worksheets/sheet9.xml"/></Relationships>',
    ),
    "xl/sharedStrings.xml": xml(
      "<sst><si><t>First name</t></si><si><r><t>A</t></r><r><t>da &amp; Co</t></r></si></sst>",
    ),
    "xl/styles.xml": xml(
      '<styleSheet><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>',
    ),
    "xl/worksheets/sheet9.xml": xml(`<worksheet><sheetData>${sheet}</sheetData></worksheet>`),
  });
}

const SHEET =
  '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="inlineStr"><is><t>Email</t></is></c>' +
  '<c r="C1" t="str"><v>First seen</v></c><c r="D1" t="str"><v>Newsletter</v></c></row>' +
  '<row r="2"><c r="A2" t="s"><v>1</v></c><c r="C2" s="1"><v>46114</v></c><c r="D2" t="b"><v>1</v></c></row>';

test("imports read the first sheet of a workbook", async () => {
  const { admin } = await createWorkspace();
  const content_base64 = base64(workbook(SHEET));
  const done = await importFile(admin, { content_base64, format: "xlsx" });
  assertEquals([done.state, done.created_count, done.rejected_count], ["completed", 1, 0]);
  const [ada] = (await admin.api.get("/contacts")).body.data;
  assertEquals(
    [ada.first_name, ada.first_seen.slice(0, 10), ada.has_newsletter],
    ["Ada & Co", "2026-04-02", true],
  );
});

test("imports read a workbook without shared strings and styles", async () => {
  const { admin } = await createWorkspace();
  const cell = (text: string) => `<c t="inlineStr"><is><t>${text}</t></is></c>`;
  const bytes = zipSync({
    "xl/workbook.xml": strToU8("<workbook/>"),
    "xl/worksheets/sheet1.xml": strToU8(
      `<worksheet><sheetData><row>${cell("First name")}</row><row>${cell("Ada")}</row>` +
        "</sheetData></worksheet>",
    ),
  });
  const done = await importFile(admin, { content_base64: base64(bytes), format: "xlsx" });
  assertEquals([done.created_count, done.rejected_count], [1, 0]);
});

test("imports read a long workbook in pieces: prefixes, empty rows, characters of four bytes", async () => {
  const { admin } = await createWorkspace();
  const cell = (text: string) => `<x:c t="inlineStr"><x:is><x:t>${text}</x:t></x:is></x:c>`;
  const rows = Array.from(
    { length: 3_000 },
    (_, row) => `<x:row>${cell(`Zoë 😀 ${row}`)}${cell("Müller")}</x:row><x:row r="${row}"/>`,
  );
  const bytes = zipSync({
    "xl/workbook.xml": strToU8("<x:workbook/>"),
    "xl/worksheets/sheet1.xml": strToU8(
      `<x:worksheet><x:cols/><x:sheetData><x:row>${cell("First name")}${
        cell("Last name")
      }</x:row>` +
        `${rows.join("")}</x:sheetData><x:pageMargins/></x:worksheet>`,
    ),
  });
  const done = await importFile(admin, { content_base64: base64(bytes) });
  assertEquals([done.created_count, done.rejected_count], [3_000, 0]);
  const wanted = { first_name: "Zoë 😀 2999", last_name: "Müller" };
  const { data } =
    (await admin.api.get("/contacts?sort=-id&limit=1&select=first_name,last_name")).body;
  assertEquals(data, [wanted]);
  const damaged = await admin.api.get("/contacts?first_name=like.*\ufffd*&limit=1");
  assertEquals(damaged.body.data, []);
});

test("imports read the results of formulas in a workbook, never the formulas", async () => {
  const { admin } = await createWorkspace();
  const rows = SHEET.replace(
    '<c r="A2" t="s"><v>1</v></c>',
    '<c r="A2" t="str"><f>HYPERLINK("http://example.com")</f><v>Ada</v></c><c r="B2"><f>1+1</f></c>',
  );
  const done = await importFile(admin, { content_base64: base64(workbook(rows)), format: "xlsx" });
  assertEquals([done.created_count, done.rejected_count], [1, 0]);
  const [ada] = (await admin.api.get("/contacts")).body.data;
  assertEquals([ada.first_name, ada.email_jsonb], ["Ada", null]);
});

test("imports read headers and cells that are names of every object", async () => {
  const { admin } = await createWorkspace();
  const names = ["__proto__", "constructor", "toString", "hasOwnProperty"];
  const content = csv(`First name,${names.join(",")}`, `__proto__,${names.join(",")}`);
  const created = await createImport(admin, { content });
  const fields = created.columns.map(({ field }: { field: string | null }) => field);
  assertEquals(fields, ["first_name", null, null, null, null]);
  assertEquals((await runImport(admin, created.id)).created_count, 1);
  const json = names.map((name) => JSON.stringify({ [name]: name, first_name: name })).join("\n");
  const done = await importFile(admin, { content: json, format: "ndjson" });
  assertEquals([done.created_count, done.rejected_count], [4, 0]);
});

test("imports reject a cell that is too long, and characters that cannot be stored", async () => {
  const { admin } = await createWorkspace();
  const bytes = strToU8(csv("First name,Email", `${"x".repeat(100_000)},`, "a\0b,", "Ada,"));
  const done = await importFile(admin, { content_base64: base64(bytes) });
  assertEquals([done.created_count, done.rejected_count], [1, 2]);
  const { body } = await admin.api.get(`/imports/${done.id}/rejected`);
  assert(
    body.includes("First name: The text has characters that cannot be stored."),
    body.slice(-300),
  );
});

test("imports.create answers 422 to files that it cannot read", async () => {
  const { admin } = await createWorkspace();
  const bomb = zipSync({ "xl/worksheets/sheet1.xml": new Uint8Array(30_000_000) });
  assert(bomb.length < 1_000_000);
  const files: Record<string, unknown>[] = [
    { content_base64: base64(bomb), format: "xlsx" },
    { content_base64: base64(strToU8("no archive")), format: "xlsx" },
    { content_base64: base64(workbook("<row><c")), format: "xlsx" },
    { content_base64: base64(new Uint8Array([1, 2, 0, 3, 0, 0, 0, 4])) },
    { content: " \n" },
    { content: Array.from({ length: 10_000 }, (_, index) => `c${index}`).join(",") },
    { content: ",,\n1,2,3" },
    { content: "[1]", format: "ndjson" },
  ];
  for (const file of files) {
    const answer = await admin.api.post("/imports", { record_type: "contacts", ...file });
    assertProblem(answer, 422, "invalid_file");
  }
  assertEquals((await admin.api.get("/imports")).body.data, []);
});

test("imports.create answers 422 to content that does not fit", async () => {
  const { admin } = await createWorkspace();
  const files: Record<string, unknown>[] = [
    { content: "a", content_base64: "YQ==" },
    { content: "a", format: "xlsx" },
    { content_base64: "{}" },
    { content: "x".repeat(1_000_001) },
  ];
  for (const file of files) {
    const answer = await admin.api.post("/imports", { record_type: "contacts", ...file });
    assertProblem(answer, 422, "validation_failed");
  }
});

async function uploaded(member: TestMember, bytes: Uint8Array<ArrayBuffer>, format = "csv") {
  const created = await createImport(member, { format });
  assertEquals(created.state, "awaiting_upload");
  const early = await member.api.post(`/imports/${created.id}/inspect`);
  assertProblem(early, 409, "import_not_ready");
  const headers = { "Content-Type": "text/csv" };
  const put = await fetch(created.upload.upload_url, { method: "PUT", headers, body: bytes });
  assertEquals(put.status, 200, await put.text());
  return await member.api.post(`/imports/${created.id}/inspect`);
}

test("imports of an uploaded file are read in blocks", async () => {
  const { admin } = await createWorkspace();
  const lines = Array.from(
    { length: 9_000 },
    (_, index) => `Zoë ${index},zoe.${index}@example.com,"${"long text\n".repeat(15)}"`,
  );
  const bytes = new TextEncoder().encode(csv("First name,Email,Notes", ...lines));
  const { status, body } = await uploaded(admin, bytes);
  assertEquals([status, body.state, body.size], [200, "ready", bytes.length]);
  const done = await runImport(admin, body.id);
  assertEquals(
    [done.state, done.row_count, done.created_count, done.position],
    ["completed", 9_000, 9_000, bytes.length],
  );
  assertEquals((await admin.api.get("/contacts?count=exact&limit=1")).body.total, 9_000);
  assertEquals((await admin.api.delete(`/imports/${done.id}`)).status, 204);
});

test("imports of more chunks than one call works on are finished by calls of the job", async () => {
  const { admin } = await createWorkspace();
  const rows = Array.from({ length: 20_500 }, (_, index) => `Row ${index}`);
  const { id } = await createImport(admin, { content: csv("First name", ...rows) });
  const done = await runImport(admin, id);
  assertEquals([done.state, done.created_count], ["completed", 20_500]);
  const { body } = await admin.api.get(`/changes?import_id=${id}&limit=1`);
  assertEquals(body.data[0].operation, "jobs.continue_imports");
});

test("imports of a file with one endless row fail with its number", async () => {
  const { admin } = await createWorkspace();
  const rows = csv("First name,Email", "Ada,ada@example.com");
  const bytes = new TextEncoder().encode(`${rows}"${"x".repeat(3_000_000)}`);
  const { body } = await uploaded(admin, bytes);
  const done = await runImport(admin, body.id);
  assertEquals([done.state, done.created_count], ["failed", 1]);
  assert(done.error.startsWith("Row 2 is longer than 1 MB."), done.error);
});

test("imports.inspect refuses an uploaded file that is not text", async () => {
  const { admin } = await createWorkspace();
  const answer = await uploaded(admin, Uint8Array.from([0, 1, 2, 0, 255, 254, 0, 7]));
  assertProblem(answer, 422, "invalid_file");
});
