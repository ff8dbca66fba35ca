/**
 * imports of vCard files: cards as Outlook (2.1), Google Contacts and iPhones (3.0) and Nextcloud (4.0)
 * write them, and cards that are broken.
 */
import { assert, assertEquals } from "@std/assert";
import { assertProblem } from "../../support/answers.ts";
import { createWorkspace, test, type TestMember } from "../../support/workspace.ts";
import { base64, countsOf, createImport, csv, importFile, runImport } from "./importing.ts";

async function contactsOf({ api }: TestMember) {
  const { data } = (await api.get("/contacts?sort=id&include=company,tag_records")).body;
  return data.map(({ tag_records, company, ...contact }: Record<string, unknown>) => ({
    first_name: contact.first_name,
    last_name: contact.last_name,
    title: contact.title,
    company: (company as { name: string } | null)?.name ?? null,
    email_jsonb: contact.email_jsonb,
    phone_jsonb: contact.phone_jsonb,
    background: contact.background,
    linkedin_url: contact.linkedin_url,
    tags: (tag_records as { name: string }[]).map(({ name }) => name),
  }));
}

const GOOGLE = csv(
  "BEGIN:VCARD",
  "VERSION:3.0",
  "FN:Zoë Müller",
  "N:Müller;Zoë;Marie;;",
  "EMAIL;TYPE=INTERNET;TYPE=WORK:Zoe@example.com",
  "EMAIL;TYPE=INTERNET;TYPE=HOME:zoe@home.example",
  "TEL;TYPE=CELL:+49 170 1234567",
  "TEL;TYPE=WORK;TYPE=FAX:+49 30 99",
  "ORG:Engines\\, Wheels & Co.;Research",
  "TITLE:Head of Research\\; Labs",
  "NOTE:Met in Rome.\\nLikes long notes that Google folds after seventy-five by",
  " tes\\, as RFC 2426 asks for.",
  "item1.URL:https\\://www.linkedin.com/in/zoe",
  "item1.X-ABLabel:PROFILE",
  "CATEGORIES:Friends,Rome\\, 2026",
  "PHOTO:https://lh3.googleusercontent.com/contacts/photo",
  "END:VCARD",
);

/** As Outlook writes it, in Windows-1252, with a line feed in a note. */
const OUTLOOK = csv(
  "BEGIN:VCARD",
  "VERSION:2.1",
  "N;LANGUAGE=de;CHARSET=Windows-1252:Größe;Jürgen;;Dr.",
  "FN;CHARSET=Windows-1252:Dr. Jürgen Größe",
  "ORG;CHARSET=Windows-1252:Käse;Einkauf",
  "TITLE:Buyer",
  "NOTE;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:First line=0D=0A=",
  "second line with =C3=BC and a soft=",
  "  break",
  "TEL;WORK;VOICE:+49 (30) 555-1",
  "TEL;HOME;VOICE:+49 (30) 555-2",
  "TEL;WORK;FAX:+49 (30) 555-3",
  "ADR;WORK;PREF;ENCODING=QUOTED-PRINTABLE:;;Hauptstr. 1=0D=0A2. Hof;Berlin;;10115;Germany",
  "LABEL;WORK;PREF;ENCODING=QUOTED-PRINTABLE:Hauptstr. 1=0D=0A=",
  "10115 Berlin",
  "URL;WORK:http://www.example.com",
  "EMAIL;PREF;INTERNET:juergen@example.com",
  "PHOTO;TYPE=JPEG;ENCODING=BASE64:",
  " /9j/4AAQSkZJRgABAQEAYABgAAD/2wBDAAgGBgcGBQgHBwcJCQgKDBQNDAsLDBkSEw8UHRof",
  " Hh0aHBwgJC4nICIsIxwcKDcpLDAxNDQ0Hyc5PTgyPC4zNDL/wAARCAABAAEDASIAAhEBAxEB",
  "",
  "REV:20260102T030405Z",
  "END:VCARD",
);

/** As old telephones write names. */
const QUOTED_PRINTABLE = csv(
  "BEGIN:VCARD",
  "VERSION:2.1",
  "N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=4D=C3=BC=6C=6C=65=72;=5A=6F=C3=AB;;;",
  "FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=5A=6F=C3=AB=20=4D=C3=BC=6C=6C=65=72",
  "TEL;CELL;PREF:+4917012345",
  "END:VCARD",
);

const IPHONE = csv(
  "BEGIN:VCARD",
  "VERSION:3.0",
  "PRODID:-//Apple Inc.//iPhone OS 18.1//EN",
  "N:Hopper;Grace;;;",
  "FN:Grace Hopper",
  "ORG:Navy;",
  "item1.EMAIL;type=INTERNET;type=pref:grace@navy.example",
  "item1.X-ABLabel:_$!<Work>!$_",
  "EMAIL;type=INTERNET;type=HOME:grace@home.example",
  "TEL;type=CELL;type=VOICE;type=pref:+1 (202) 555-0101",
  "X-SOCIALPROFILE;type=linkedin;x-user=grace:https://www.linkedin.com/in/grace",
  "PHOTO;ENCODING=b;TYPE=JPEG:/9j/4AAQSkZJRgABAQAAAQABAAD/4gIoSUNDX1BST0ZJTEUAAQEAAAIY",
  "  AAAAAAIQAABtbnRyUkdCIFhZWiAAAAAAAAAAAAAAAABhY3NwAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
  "END:VCARD",
);

const NEXTCLOUD = csv(
  "BEGIN:VCARD",
  "VERSION:4.0",
  "UID:urn:uuid:4fbe8971-0bc3-424c-9c26-36c3e1eff6b1",
  "FN:Ada Lovelace",
  'TEL;VALUE=uri;PREF=1;TYPE="voice,work":tel:+44-20-7946-0001',
  'EMAIL;TYPE=home;LABEL="a: b; c":ada@example.com',
  "ROLE:Countess",
  "CATEGORIES:vip,early",
  "END:VCARD",
);

const NOTHING = {
  email_jsonb: null,
  phone_jsonb: null,
  background: null,
  title: null,
  company: null,
};

test("imports read cards of Google Contacts", async () => {
  const { admin } = await createWorkspace();
  const created = await createImport(admin, { content: GOOGLE, file_name: "contacts.vcf" });
  assertEquals([created.format, created.state], ["vcard", "ready"]);
  await runImport(admin, created.id);
  assertEquals(await contactsOf(admin), [{
    first_name: "Zoë Marie",
    last_name: "Müller",
    title: "Head of Research; Labs",
    company: "Engines, Wheels & Co.",
    email_jsonb: [
      { email: "zoe@example.com", type: "Work" },
      { email: "zoe@home.example", type: "Home" },
    ],
    phone_jsonb: [{ number: "+49 170 1234567", type: "Other" }],
    background:
      "Met in Rome.\nLikes long notes that Google folds after seventy-five bytes, as RFC 2426 asks for.",
    linkedin_url: "https://www.linkedin.com/in/zoe",
    tags: ["Friends", "Rome, 2026"],
  }]);
});

test("imports read cards of Outlook in Windows-1252, and quoted-printable text", async () => {
  const { admin } = await createWorkspace();
  const bytes = Uint8Array.from(OUTLOOK, (character) => character.charCodeAt(0));
  const created = await createImport(admin, { content_base64: base64(bytes) });
  const left = created.columns.filter(({ field }: { field: string | null }) => field === null);
  assertEquals(
    left.map(({ column, samples }: { column: string; samples: string[] }) => [column, samples]),
    [
      ["website", ["http://www.example.com"]],
      ["address", ["Hauptstr. 1\n2. Hof, Berlin, 10115, Germany"]],
      ["birthday", []],
    ],
  );
  await runImport(admin, created.id);
  assertEquals(await contactsOf(admin), [{
    first_name: "Jürgen",
    last_name: "Größe",
    title: "Buyer",
    company: "Käse",
    email_jsonb: [{ email: "juergen@example.com", type: "Other" }],
    phone_jsonb: [
      { number: "+49 (30) 555-1", type: "Work" },
      { number: "+49 (30) 555-2", type: "Home" },
    ],
    background: "First line\nsecond line with ü and a soft  break",
    linkedin_url: null,
    tags: [],
  }]);
  const old = await importFile(admin, { content: QUOTED_PRINTABLE, policy: "create" });
  assertEquals(countsOf(old).created, 1);
  const [, zoe] = await contactsOf(admin);
  assertEquals([zoe.first_name, zoe.last_name], ["Zoë", "Müller"]);
});

test("imports read cards of iPhones and of version 4.0 in one file", async () => {
  const { admin } = await createWorkspace();
  await importFile(admin, { content: `\ufeff${IPHONE}\r\n${NEXTCLOUD}`, source: "phone" });
  assertEquals(await contactsOf(admin), [{
    ...NOTHING,
    first_name: "Grace",
    last_name: "Hopper",
    company: "Navy",
    email_jsonb: [
      { email: "grace@navy.example", type: "Work" },
      { email: "grace@home.example", type: "Home" },
    ],
    phone_jsonb: [{ number: "+1 (202) 555-0101", type: "Other" }],
    linkedin_url: "https://www.linkedin.com/in/grace",
    tags: [],
  }, {
    ...NOTHING,
    first_name: "Ada",
    last_name: "Lovelace",
    title: "Countess",
    email_jsonb: [{ email: "ada@example.com", type: "Home" }],
    phone_jsonb: [{ number: "+44-20-7946-0001", type: "Work" }],
    linkedin_url: null,
    tags: ["vip", "early"],
  }]);
  const [, ada] = (await admin.api.get("/contacts?sort=id")).body.data;
  const external = [{ source: "phone", id: "4fbe8971-0bc3-424c-9c26-36c3e1eff6b1" }];
  assertEquals(ada.external_ids, external);
  const again = await importFile(admin, { content: `${IPHONE}${NEXTCLOUD}`, source: "phone" });
  assertEquals(countsOf(again), { created: 0, updated: 0, skipped: 2, rejected: 0 });
});

test("imports of an uploaded file of cards are read in blocks, whatever ends its lines", async () => {
  const { admin } = await createWorkspace();
  const photo = ` ${"A".repeat(73)}\n`.repeat(20);
  const cards = Array.from(
    { length: 1_500 },
    (_, index) =>
      `BEGIN:VCARD\nVERSION:3.0\nN:Müller;Zoë ${index};;;\nPHOTO;ENCODING=b:\n${photo}` +
      `EMAIL:zoe.${index}@example.com\nEND:VCARD\n`,
  );
  const { id, upload } = await createImport(admin, {});
  const body = new TextEncoder().encode(cards.join(""));
  assert(body.length > 2_000_000);
  const put = await fetch(upload.upload_url, { method: "PUT", body });
  assertEquals(put.status, 200, await put.text());
  assertEquals((await admin.api.post(`/imports/${id}/inspect`)).body.format, "vcard");
  const done = await runImport(admin, id);
  assertEquals(countsOf(done), { created: 1_500, updated: 0, skipped: 0, rejected: 0 });
});

test("imports reject what is no whole card, and cards with a wrong address", async () => {
  const { admin } = await createWorkspace();
  const content = [
    csv("BEGIN:VCARD", "VERSION:3.0", "FN:Ada", "EMAIL:no address", "END:VCARD"),
    csv("FN:Without a beginning", "END:VCARD"),
    IPHONE,
    csv("BEGIN:VCARD", "VERSION:3.0", "FN:Without an end"),
  ].join("");
  const done = await importFile(admin, { content });
  assertEquals(countsOf(done), { created: 1, updated: 0, skipped: 0, rejected: 3 });
  const { body } = await admin.api.get(`/imports/${done.id}/rejected`);
  assertEquals(body.match(/The text is no whole vCard/g)?.length, 2);
  const mended = body.split("\r\n").slice(0, 2).join("\r\n").replace(
    "no address",
    "ada@example.com",
  );
  assertEquals(countsOf(await importFile(admin, { content: mended })).created, 1);
});

test("imports of cards as other records are refused", async () => {
  const { admin } = await createWorkspace();
  const answer = await admin.api.post("/imports", { record_type: "deals", content: GOOGLE });
  assertProblem(answer, 422, "invalid_file");
});

test("imports read hostile cards in linear time", async () => {
  const { admin } = await createWorkspace();
  const lines = [
    `X${";A".repeat(40_000)}`,
    `X${';"'.repeat(40_000)}`,
    `X;${"QUOTED-PRINTABLE".repeat(8_000)}`,
    `N:${"\\".repeat(100_000)}`,
    `NOTE;ENCODING=QUOTED-PRINTABLE:${"=4".repeat(50_000)}`,
    `ORG:${"https://".repeat(10_000)}`,
    `URL:https://${"a.".repeat(50_000)}`,
    "a.TEL:1\r\n".repeat(20_000),
  ];
  const card = csv("BEGIN:VCARD", "VERSION:2.1", "FN:Ada", ...lines, "END:VCARD");
  const created = await createImport(admin, { content: card });
  assertEquals((await runImport(admin, created.id)).rejected_count, 1);
});
