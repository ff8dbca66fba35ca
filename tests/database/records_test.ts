/** Triggers and checks of every inserted or changed row. */
import { assertEquals, assertGreater, assertLess } from "@std/assert";
import { exactly, only } from "../support/exactly.ts";
import {
  asCaller,
  type Caller,
  foundWorkspace,
  insertRow,
  refusalOf,
  type Row,
  service,
  sql,
} from "../support/database.ts";
import { test } from "../support/workspace.ts";

test("records: the caller becomes the owner, unless another is named", async () => {
  const { admin, join, workspace_id } = await foundWorkspace();
  const rep = await join("rep");
  const own = await insert(rep, "companies", { name: "Analytical" });
  assertEquals([own.sales_id, own.workspace_id], [rep.id, workspace_id]);
  const given = await insert(rep, "companies", { name: "Analytical", sales_id: admin.id });
  assertEquals(given.sales_id, admin.id);
});

test("records: only the owner, a manager or an admin changes the owner", async () => {
  const { admin, join } = await foundWorkspace();
  const [rep, other, manager] = [await join("rep"), await join("rep"), await join("manager")];
  const tables: [string, Row][] = [
    ["companies", { name: "A" }],
    ["contacts", { last_name: "A" }],
    ["deals", { name: "A", stage: "won" }],
  ];
  for (const [table, values] of tables) {
    const row = await insert(rep, table, values);
    const give = (caller: Caller, sales_id: number | null) =>
      update(caller, row, table, { sales_id });
    for (const sales_id of [other.id, admin.id, null]) {
      assertEquals(await refusalOf(give(other, sales_id)), {
        code: "PT409",
        detail: "owner_change_not_allowed",
      });
    }
    assertEquals((await give(rep, other.id)).sales_id, other.id);
    assertEquals((await give(manager, rep.id)).sales_id, rep.id);
    assertEquals((await give(admin, other.id)).sales_id, other.id);
    assertEquals((await update(rep, row, table, { sales_id: other.id })).sales_id, other.id);
  }
});

test("records: updated_at moves strictly forward, and only when something changes", async () => {
  const { admin } = await foundWorkspace();
  const stamps = await asCaller(admin, async (tx) => {
    const [row] = await tx`insert into public.companies (name) values ('A') returning *`;
    const write = async (name: string) => {
      const { stamp } = only(
        await tx<{ stamp: string }[]>`
        update public.companies set name = ${name} where id = ${row?.id}
        returning updated_at::text as stamp`,
      );
      return stamp;
    };
    return [await write("B"), await write("B"), await write("C"), await write("D")];
  });
  const [first, repeated, second, third] = exactly(4, stamps);
  assertEquals(repeated, first);
  assertLess(first, second);
  assertLess(second, third);
});

test("records: updated_at cannot be set back", async () => {
  const { admin } = await foundWorkspace();
  const row = await insert(admin, "companies", { name: "A" });
  const changed = await update(admin, row, "companies", { updated_at: new Date(0), name: "B" });
  assertGreater(changed.updated_at, row.updated_at);
});

test("records: e-mail addresses are normalised and nothing is lost", async () => {
  const { admin } = await foundWorkspace();
  const cases: [given: unknown, kept: unknown][] = [
    [null, null],
    [[], []],
    [[{ email: " Ada@Example.COM ", type: "Work" }], [{ email: "ada@example.com", type: "Work" }]],
    [{ email: "ADA@example.com", type: "Home" }, [{ email: "ada@example.com", type: "Home" }]],
    ["Ada@Example.com", [{ email: "ada@example.com", type: "Work" }]],
    [["A@x.test", { email: "B@x.test" }], [
      { email: "a@x.test", type: "Work" },
      { email: "b@x.test" },
    ]],
    [[{ type: "Work" }], [{ type: "Work" }]],
    [[{ email: null, type: "Work" }], [{ email: null, type: "Work" }]],
    [[null, 7], [null, 7]],
    [[{ email: "C@x.test", note: { keep: true } }], [{ email: "c@x.test", note: { keep: true } }]],
  ];
  for (const [given, kept] of cases) {
    const row = await insert(admin, "contacts", { email_jsonb: sql.json(parameter(given)) });
    assertEquals(row.email_jsonb, kept, JSON.stringify(given));
    const again = await update(admin, row, "contacts", { email_jsonb: sql.json(parameter(given)) });
    assertEquals(again.email_jsonb, kept, JSON.stringify(given));
  }
});

test("records: ids of tags and contacts that do not exist are refused", async () => {
  const [{ admin }, other] = await Promise.all([foundWorkspace(), foundWorkspace()]);
  const tag = await insert(admin, "tags", { name: "vip", color: "#fff" });
  const foreignTag = await insert(other.admin, "tags", { name: "vip", color: "#fff" });
  const contact = await insert(admin, "contacts", { tags: [tag.id] });
  const foreign = await insert(other.admin, "contacts", { last_name: "B" });
  const unknownTag = { code: "PT422", detail: "unknown_tag" };
  const unknownContact = { code: "PT422", detail: "unknown_contact" };
  const deal = { name: "Engine", stage: "won" };

  for (const id of [0, foreignTag.id]) {
    assertEquals(await refusalOf(insert(admin, "contacts", { tags: [tag.id, id] })), unknownTag);
    const change = update(admin, contact, "contacts", { tags: [tag.id, id] });
    assertEquals(await refusalOf(change), unknownTag);
  }
  for (const id of [0, foreign.id]) {
    const inserted = insert(admin, "deals", { ...deal, contact_ids: [contact.id, id] });
    assertEquals(await refusalOf(inserted), unknownContact);
  }
  assertEquals((await insert(admin, "deals", { ...deal, contact_ids: [contact.id] })).contact_ids, [
    contact.id,
  ]);
});

test("records: dangling ids may stay while other fields change", async () => {
  const { admin, workspace_id } = await foundWorkspace();
  const contact = await insert(admin, "contacts", { last_name: "A" });
  await sql.begin(async (tx) => {
    await tx`set local session_replication_role = replica`;
    await tx`update public.contacts set tags = '{999999999}' where id = ${contact.id}`;
  });
  const changed = await update(admin, contact, "contacts", { tags: [999999999], title: "Dr" });
  assertEquals([changed.tags, changed.title], [[999999999], "Dr"]);
  const tag = await insertRow("tags", { name: "vip", color: "#fff", workspace_id });
  const added = await update(admin, contact, "contacts", { tags: [999999999, tag.id] });
  assertEquals(added.tags, [999999999, tag.id]);
});

test("records: a note moves its contact's last_seen forward, also from null, and never back", async () => {
  const { admin } = await foundWorkspace();
  const contact = await insert(admin, "contacts", { last_name: "A" });
  const note = (date: string) => insert(admin, "contact_notes", { contact_id: contact.id, date });
  const lastSeen = async () =>
    (await sql`select last_seen from public.contacts where id = ${contact.id}`)[0]?.last_seen
      ?.toISOString();
  assertEquals(await lastSeen(), undefined);
  const first = await note("2026-03-01T00:00:00Z");
  assertEquals(await lastSeen(), "2026-03-01T00:00:00.000Z");
  await note("2026-02-01T00:00:00Z");
  assertEquals(await lastSeen(), "2026-03-01T00:00:00.000Z");
  await update(admin, first, "contact_notes", { date: "2026-04-01T00:00:00Z" });
  assertEquals(await lastSeen(), "2026-04-01T00:00:00.000Z");
});

test("records: the checks accept the values of Atomic CRM's databases", async () => {
  const { admin } = await foundWorkspace();
  const rows: [string, Row][] = [
    ["contacts", {}],
    ["contacts", { first_name: "", gender: "nonbinary", status: "in-contract", tags: [] }],
    ["contacts", { phone_jsonb: sql.json([{ number: "+49 30", type: "Other" }]) }],
    ["contacts", { phone_jsonb: sql.json({ number: "+49 30" }) }],
    ["contacts", { linkedin_url: "not a url", avatar: sql.json({ src: "ERROR" }) }],
    ["companies", { name: "", website: 'a"b', revenue: "about 1M", size: 0 }],
    ["companies", { name: "A", context_links: sql.json(["x"]), logo: sql.json({}) }],
    ["deals", { name: "", stage: "opportunity", amount: -5, index: -1, contact_ids: [] }],
    ["tags", { name: "", color: "" }],
  ];
  for (const [table, values] of rows) await insert(admin, table, { id: undefined, ...values });
});

test("records: a double quote in a website and an address of any kind are kept", async () => {
  const { admin } = await foundWorkspace();
  const company = await insert(admin, "companies", { name: "A", website: 'http://a.test/"x"' });
  assertEquals(company.website, 'http://a.test/"x"');
});

test("favicons_excluded_domains: all workspaces share the defaults, and no caller changes them", async () => {
  const { admin, workspace_id } = await foundWorkspace();
  const read = (domain: string) =>
    asCaller(
      admin,
      (tx) =>
        tx`select workspace_id from public.favicons_excluded_domains where domain = ${domain}`,
    );
  assertEquals([...await read("gmail.com")], [{ workspace_id: null }]);
  for (
    const statement of [
      "update public.favicons_excluded_domains set domain = 'x.test'",
      "delete from public.favicons_excluded_domains",
    ]
  ) {
    const written = await asCaller(
      admin,
      (tx) => tx.unsafe(`${statement} where domain = 'gmail.com'`),
    );
    assertEquals(written.count, 0);
  }
  const own = await insert(admin, "favicons_excluded_domains", { domain: " Gmail.COM " });
  assertEquals([own.domain, own.workspace_id], ["gmail.com", workspace_id]);
  const shared = `${crypto.randomUUID()}.test`;
  assertEquals(
    (await insert(service, "favicons_excluded_domains", { domain: shared })).workspace_id,
    null,
  );
  assertEquals((await read(shared)).length, 1);
  await sql`delete from public.favicons_excluded_domains where domain = ${shared}`;
});

async function insert(caller: Caller, table: string, values: Row): Promise<Row> {
  const given = Object.fromEntries(Object.entries(values).filter(([, v]) => v !== undefined));
  const [row] = await asCaller(
    caller,
    (tx) =>
      Object.keys(given).length === 0
        ? tx`insert into ${tx("public." + table)} default values returning *`
        : tx`insert into ${tx("public." + table)} ${tx(given)} returning *`,
  );
  if (!row) throw new Error(`${table} took no row.`);
  return row;
}

async function update(caller: Caller, { id }: Row, table: string, values: Row): Promise<Row> {
  const [row] = await asCaller(
    caller,
    (tx) => tx`update ${tx("public." + table)} set ${tx(values)} where id = ${id} returning *`,
  );
  if (!row) throw new Error(`${table} has no row ${id}.`);
  return row;
}

/** JSON without a TypeScript type, as a parameter. */
function parameter(value: unknown) {
  return JSON.parse(JSON.stringify(value));
}
