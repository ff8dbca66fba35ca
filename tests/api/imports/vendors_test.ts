/**
 * imports of files with the header rows of other products, as they write them:
 *
 * - Google Contacts until 2024 (`Given Name`, `E-mail 1 - Type`) and since then (`First Name`,
 *   `E-mail 1 - Label`): headers of exports in public repositories, the same in all of them.
 * - Outlook: the 92 columns of the classic desktop program, as `Windows (comma separated values)`.
 * - HubSpot: the columns of an export of contacts, companies and deals, with the names of
 *   https://knowledge.hubspot.com/contacts/hubspots-default-contact-properties.
 * - Pipedrive: the columns of its list views, `Person - Email - Work` and so on, as programs that
 *   read such exports name them; https://support.pipedrive.com/en/article/exporting-data-from-pipedrive
 *   says that a file has the columns of the view.
 */
import { assertEquals } from "@std/assert";
import { createWorkspace, test, type TestMember } from "../../support/workspace.ts";
import { countsOf, createImport, csv, importFile } from "./importing.ts";

/** A row with these cells. The others are empty. */
function row(header: string, cells: Record<string, string>): string {
  const names = header.split(",");
  for (const name of Object.keys(cells)) assertEquals(names.includes(name), true, name);
  return names.map((name) => `"${(cells[name] ?? "").replaceAll('"', '""')}"`).join(",");
}

/** Header → field, of the columns that are imported. */
function mapped(body: { columns: { column: string; field: string | null }[] }) {
  return Object.fromEntries(
    body.columns.filter(({ field }) => field !== null).map(({ column, field }) => [column, field]),
  );
}

async function onlyContact({ api }: TestMember) {
  const { data } = (await api.get("/contacts?include=company,tag_records")).body;
  assertEquals(data.length, 1);
  const [{ first_name, last_name, title, company, background, ...others }] = data;
  const tags = others.tag_records.map(({ name }: { name: string }) => name);
  const { email_jsonb, phone_jsonb } = others;
  return {
    first_name,
    last_name,
    title,
    company: company?.name,
    background,
    tags,
    email_jsonb,
    phone_jsonb,
  };
}

const GOOGLE_UNTIL_2024 =
  "Name,Given Name,Additional Name,Family Name,Yomi Name,Given Name Yomi,Additional Name Yomi," +
  "Family Name Yomi,Name Prefix,Name Suffix,Initials,Nickname,Short Name,Maiden Name,Birthday,Gender," +
  "Location,Billing Information,Directory Server,Mileage,Occupation,Hobby,Sensitivity,Priority,Subject," +
  "Notes,Language,Photo,Group Membership,E-mail 1 - Type,E-mail 1 - Value,E-mail 2 - Type," +
  "E-mail 2 - Value,Phone 1 - Type,Phone 1 - Value,Phone 2 - Type,Phone 2 - Value,Address 1 - Type," +
  "Address 1 - Formatted,Organization 1 - Type,Organization 1 - Name,Organization 1 - Yomi Name," +
  "Organization 1 - Title,Organization 1 - Department,Website 1 - Type,Website 1 - Value";

const GOOGLE =
  "First Name,Middle Name,Last Name,Phonetic First Name,Phonetic Middle Name,Phonetic Last Name," +
  "Name Prefix,Name Suffix,Nickname,File As,Organization Name,Organization Title," +
  "Organization Department,Birthday,Notes,Photo,Labels,E-mail 1 - Label,E-mail 1 - Value," +
  "E-mail 2 - Label,E-mail 2 - Value,E-mail 3 - Label,E-mail 3 - Value,E-mail 4 - Label," +
  "E-mail 4 - Value,Phone 1 - Label,Phone 1 - Value,Phone 2 - Label,Phone 2 - Value,Address 1 - Label," +
  "Address 1 - Formatted,Website 1 - Label,Website 1 - Value,Event 1 - Label,Event 1 - Value," +
  "Custom Field 1 - Label,Custom Field 1 - Value";

const OUTLOOK =
  "Title,First Name,Middle Name,Last Name,Suffix,Company,Department,Job Title,Business Street," +
  "Business Street 2,Business Street 3,Business City,Business State,Business Postal Code," +
  "Business Country/Region,Home Street,Home Street 2,Home Street 3,Home City,Home State," +
  "Home Postal Code,Home Country/Region,Other Street,Other Street 2,Other Street 3,Other City," +
  "Other State,Other Postal Code,Other Country/Region,Assistant's Phone,Business Fax,Business Phone," +
  "Business Phone 2,Callback,Car Phone,Company Main Phone,Home Fax,Home Phone,Home Phone 2,ISDN," +
  "Mobile Phone,Other Fax,Other Phone,Pager,Primary Phone,Radio Phone,TTY/TDD Phone,Telex,Account," +
  "Anniversary,Assistant's Name,Billing Information,Birthday,Business Address PO Box,Categories," +
  "Children,Directory Server,E-mail Address,E-mail Type,E-mail Display Name,E-mail 2 Address," +
  "E-mail 2 Type,E-mail 2 Display Name,E-mail 3 Address,E-mail 3 Type,E-mail 3 Display Name,Gender," +
  "Government ID Number,Hobby,Home Address PO Box,Initials,Internet Free Busy,Keywords,Language," +
  "Location,Manager's Name,Mileage,Notes,Office Location,Organizational ID Number," +
  "Other Address PO Box,Priority,Private,Profession,Referred By,Sensitivity,Spouse,User 1,User 2," +
  "User 3,User 4,Web Page";

test("imports read a file of Google Contacts until 2024, with its types and groups", async () => {
  const { admin } = await createWorkspace();
  const person = row(GOOGLE_UNTIL_2024, {
    "Name": "Zoë Müller",
    "Given Name": "Zoë",
    "Family Name": "Müller",
    "Notes": "Met in Rome",
    "Group Membership": "* myContacts ::: Friends",
    "E-mail 1 - Type": "* Home",
    "E-mail 1 - Value": "zoe@home.example ::: z@home.example",
    "E-mail 2 - Type": "Work",
    "E-mail 2 - Value": "zoe@work.example",
    "Phone 1 - Type": "Mobile",
    "Phone 1 - Value": "+49 30 1234567",
    "Organization 1 - Name": "Engines",
    "Organization 1 - Title": "Engineer",
  });
  const done = await importFile(admin, { content: csv(GOOGLE_UNTIL_2024, person) });
  assertEquals(countsOf(done), { created: 1, updated: 0, skipped: 0, rejected: 0 });
  assertEquals(await onlyContact(admin), {
    first_name: "Zoë",
    last_name: "Müller",
    title: "Engineer",
    company: "Engines",
    background: "Met in Rome",
    tags: ["Friends"],
    email_jsonb: [
      { email: "zoe@home.example", type: "Home" },
      { email: "z@home.example", type: "Home" },
      { email: "zoe@work.example", type: "Work" },
    ],
    phone_jsonb: [{ number: "+49 30 1234567", type: "Other" }],
  });
});

test("imports read a file of Google Contacts, with every address of a contact", async () => {
  const { admin } = await createWorkspace();
  const person = row(GOOGLE, {
    "First Name": "Adrian",
    "Last Name": "Abegglen",
    "Organization Name": "Trivadis",
    "Organization Title": "Consultant",
    "Notes": "Region: Schweiz\nKategorien: Business",
    "Labels": "Coworkers ::: * myContacts",
    "E-mail 1 - Label": "* Home",
    "E-mail 1 - Value": "adrian@home.example",
    "E-mail 2 - Label": "older",
    "E-mail 2 - Value": "adrian@older.example",
    "E-mail 4 - Value": "adrian@fourth.example",
    "Phone 1 - Label": "Work",
    "Phone 1 - Value": "+41319280960 ::: +41792648866",
    "Phone 2 - Label": "Home",
    "Phone 2 - Value": "031 378 65 65",
  });
  const done = await importFile(admin, { content: `\ufeff${csv(GOOGLE, person)}` });
  assertEquals(countsOf(done), { created: 1, updated: 0, skipped: 0, rejected: 0 });
  const contact = await onlyContact(admin);
  assertEquals([contact.first_name, contact.last_name], ["Adrian", "Abegglen"]);
  assertEquals([contact.title, contact.company, contact.tags], ["Consultant", "Trivadis", [
    "Coworkers",
  ]]);
  assertEquals(contact.email_jsonb, [
    { email: "adrian@home.example", type: "Home" },
    { email: "adrian@older.example", type: "Other" },
    { email: "adrian@fourth.example", type: "Other" },
  ]);
  assertEquals(contact.phone_jsonb, [
    { number: "+41319280960", type: "Work" },
    { number: "+41792648866", type: "Work" },
    { number: "031 378 65 65", type: "Home" },
  ]);
});

test("imports read a file of Outlook: the job title, and every phone number", async () => {
  const { admin } = await createWorkspace();
  const person = row(OUTLOOK, {
    "Title": "Dr.",
    "First Name": "Grace",
    "Last Name": "Hopper",
    "Company": "Navy",
    "Job Title": "Admiral",
    "Business Phone": "+1 202 555 0101",
    "Business Phone 2": "+1 202 555 0102",
    "Home Phone": "+1 202 555 0103",
    "Mobile Phone": "+1 202 555 0104",
    "Other Phone": "+1 202 555 0105",
    "Categories": "Speakers;Navy people",
    "E-mail Address": "grace@navy.example",
    "E-mail Type": "SMTP",
    "E-mail Display Name": "Grace Hopper (grace@navy.example)",
    "E-mail 2 Address": "grace@home.example",
    "Notes": 'Said "nanosecond"',
    "Priority": "Normal",
    "Private": "False",
  });
  const done = await importFile(admin, { content: csv(OUTLOOK, person) });
  assertEquals(countsOf(done), { created: 1, updated: 0, skipped: 0, rejected: 0 });
  assertEquals(await onlyContact(admin), {
    first_name: "Grace",
    last_name: "Hopper",
    title: "Admiral",
    company: "Navy",
    background: 'Said "nanosecond"',
    tags: ["Speakers", "Navy people"],
    email_jsonb: [
      { email: "grace@navy.example", type: "Work" },
      { email: "grace@home.example", type: "Home" },
    ],
    phone_jsonb: [
      { number: "+1 202 555 0101", type: "Work" },
      { number: "+1 202 555 0102", type: "Work" },
      { number: "+1 202 555 0103", type: "Home" },
      { number: "+1 202 555 0104", type: "Other" },
      { number: "+1 202 555 0105", type: "Other" },
    ],
  });
});

test("imports read companies, contacts and deals of HubSpot, and join them", async () => {
  const { admin } = await createWorkspace();
  const { first_name, last_name } = (await admin.api.get(`/users/${admin.id}`)).body;
  const owner = `${first_name} ${last_name}`;
  const files = {
    companies: csv(
      "Record ID,Company name,Company owner,Create Date,Phone Number,Last Activity Date,City,Country/Region,Industry",
      `9001,Fromagerie Perrin,${owner},2024-02-01 09:30,04 50 11 22 33,2026-05-20 08:00,Annecy,France,Food`,
    ),
    contacts: csv(
      "Record ID,First Name,Last Name,Email,Phone Number,Mobile Phone Number,Job Title,Company Name,Contact owner,Lifecycle Stage,Lead Status,Create Date,Associated Company,Additional email addresses",
      `5101,Gaëlle,Perrin,g.perrin@perrin.example,04 50 11 22 33,06 11 22 33 44,Buyer,Fromagerie Perrin,${admin.email},Customer,Connected,2023-04-12 09:31,Fromagerie Perrin,gaelle@home.example;g@perrin.example`,
    ),
    deals: csv(
      "Record ID,Deal Name,Deal Stage,Close Date,Deal owner,Amount,Associated Company,Pipeline",
      `7001,Ovens,opportunity,2026-12-31 00:00,${owner},15000.00,Fromagerie Perrin,Sales Pipeline`,
    ),
  };
  for (const [record_type, content] of Object.entries(files)) {
    const done = await importFile(admin, { record_type, content, source: "hubspot" });
    assertEquals(countsOf(done), { created: 1, updated: 0, skipped: 0, rejected: 0 }, record_type);
  }
  const contact = await onlyContact(admin);
  assertEquals([contact.first_name, contact.title, contact.company], [
    "Gaëlle",
    "Buyer",
    "Fromagerie Perrin",
  ]);
  assertEquals(contact.email_jsonb.length, 3);
  assertEquals(contact.phone_jsonb.length, 2);
  const [stored] = (await admin.api.get("/contacts")).body.data;
  assertEquals([stored.status, stored.sales_id], ["Connected", admin.id]);
  assertEquals(stored.external_ids, [{ source: "hubspot", id: "5101" }]);
  const [deal] = (await admin.api.get("/deals?include=company")).body.data;
  assertEquals([deal.amount, deal.company.name, deal.sales_id], [
    15_000,
    "Fromagerie Perrin",
    admin.id,
  ]);
  const [company] = (await admin.api.get("/companies")).body.data;
  assertEquals([company.sector, company.city, company.country], ["Food", "Annecy", "France"]);
});

test("imports map the columns of Pipedrive's list views by their prefix", async () => {
  const { admin } = await createWorkspace();
  const headers = {
    contacts: {
      "Person - ID": "external_id",
      "Person - Name": "name",
      "Person - First name": "first_name",
      "Person - Last name": "last_name",
      "Person - Organization": "company",
      "Person - Job title": "title",
      "Person - Labels": "tags",
      "Person - Email - Work": "email_work",
      "Person - Email - Home": "email_home",
      "Person - Email - Other": "email_other",
      "Person - Phone - Work": "phone_work",
      "Person - Phone - Home": "phone_home",
      "Person - Phone - Mobile": "phone_other",
      "Person - Phone - Other": "phone_other",
      "Person - Owner": "sales",
      "Person - Person created": "first_seen",
      "Person - Last activity date": "last_seen",
    },
    companies: {
      "Organization - ID": "external_id",
      "Organization - Name": "name",
      "Organization - Address": "address",
      "Organization - Website": "website",
      "Organization - Owner": "sales",
    },
    deals: {
      "Deal - ID": "external_id",
      "Deal - Title": "name",
      "Deal - Organization": "company",
      "Deal - Value": "amount",
      "Deal - Stage": "stage",
      "Person - Email - Work": "contact_email",
      "Deal - Expected close date": "expected_closing_date",
      "Deal - Owner": "sales",
    },
  };
  for (const [record_type, fields] of Object.entries(headers)) {
    const further = "Deal - Currency of value,Deal - Status,Organization - People";
    const header = `${Object.keys(fields).join(",")},${further}`;
    const created = await createImport(admin, { record_type, content: csv(header, "") });
    assertEquals(mapped(created), fields, record_type);
  }
});
