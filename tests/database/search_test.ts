/** private.search_ids and private.matching_ids: every word, as a prefix, with or without accents. */
import { assertEquals, assertNotEquals } from "@std/assert";
import { asCaller, foundWorkspace, type Member, type Row, sql } from "../support/database.ts";
import { test } from "../support/workspace.ts";

test("private.search_ids finds a contact by any of its words, prefixes and spellings", async () => {
  const { admin } = await foundWorkspace();
  const id = await insert(admin, "contacts", {
    first_name: "José-María",
    last_name: "O'Brien Łukasz",
    title: "Chief Engineer",
    background: "Met at the Zürich fair",
    email_jsonb: sql.json([{ email: "jose.maria@bücher.example.com", type: "Work" }]),
    phone_jsonb: sql.json([{ number: "+49 (30) 901-820", type: "Work" }]),
  });
  await insert(admin, "contacts", { first_name: "Somebody", last_name: "Else" });
  const found = [
    "jose",
    "José",
    "maria jose",
    "jo mar",
    "JOSE-MARIA",
    "brien",
    "o'brien",
    "lukasz",
    "engineer chief",
    "zurich",
    "jose.maria@bücher.example.com",
    "example.com",
    "bucher",
    "+49 (30) 901-820",
    "4930901820",
    "901",
    "  jose  ",
  ];
  for (const words of found) assertEquals(await search(admin, "contacts", words), [id], words);
  for (const words of ["", "   ", "'", ":*", "jose nobody", "ose", "&|!()", "\\"]) {
    assertEquals(await search(admin, "contacts", words), [], words);
  }
});

test("private.search_ids finds a contact by every address and number, in every stored form", async () => {
  const { admin } = await foundWorkspace();
  for (
    const [words, values] of Object.entries({
      "two@example.com 4411": {
        email_jsonb: sql.json([{ email: "one@example.com" }, { email: "two@example.com" }]),
        phone_jsonb: sql.json([{ number: "+44 11" }]),
      },
      "three@example.org 4922": {
        email_jsonb: sql.json(
          ["one", "two", "three"].map((name) => ({ email: `${name}@example.org` })),
        ),
        phone_jsonb: sql.json([{ number: "+49 21" }, { number: "+49 22" }]),
      },
      "4633": { email_jsonb: sql.json([]), phone_jsonb: sql.json("+46 33") },
      "4744": {
        email_jsonb: sql.json([{ type: "Work" }]),
        phone_jsonb: sql.json({ number: "+47 44" }),
      },
      "4855": { phone_jsonb: sql.json(["+48 55"]) },
    })
  ) {
    const id = await insert(admin, "contacts", values);
    assertEquals(await search(admin, "contacts", words), [id], words);
  }
});

test("private.search_ids follows every change of the searched columns", async () => {
  const { admin } = await foundWorkspace();
  const id = await insert(admin, "companies", { name: "Analytical Engines", city: "London" });
  assertEquals(await search(admin, "companies", "london analyt"), [id]);
  await sql`update public.companies set city = 'Paris' where id = ${id}`;
  assertEquals(await search(admin, "companies", "london"), []);
  assertEquals(await search(admin, "companies", "paris"), [id]);
});

test("private.search_ids finds deals by name, category and description", async () => {
  const { admin } = await foundWorkspace();
  const values = { name: "Engine", stage: "won", category: "copper", description: "with gears" };
  const id = await insert(admin, "deals", values);
  assertEquals(await search(admin, "deals", "gears engine copp"), [id]);
});

test("private.search_ids finds records only in the caller's workspace", async () => {
  const [one, two] = await Promise.all([foundWorkspace(), foundWorkspace()]);
  const id = await insert(one.admin, "contacts", { last_name: "Lovelace" });
  assertEquals(await search(one.admin, "contacts", "lovelace"), [id]);
  assertEquals(await search(two.admin, "contacts", "lovelace"), []);
  const disabled = await one.join("rep", true);
  assertEquals(await search(disabled, "contacts", "lovelace"), []);
});

test("private.matching_ids returns all matches, and null when there are more than the maximum", async () => {
  const { admin } = await foundWorkspace();
  const matching = await insertMany(admin, 6, 100);
  assertEquals(await fewMatches(admin, "ada", 6), matching);
  assertEquals(await fewMatches(admin, "ada", 5), null);
  assertEquals(await fewMatches(admin, "nobody", 5), []);
  assertEquals(await fewMatches(admin, "'", 5), []);
});

test("private.matching_ids decides by the newest records in a large workspace", async () => {
  const { admin } = await foundWorkspace();
  const matching = await insertMany(admin, 60, 600);
  await sql`analyze public.contacts`;
  // 660 records are more than 50 * 10. 60 of the newest 500 match, so about 79 matches are expected.
  assertEquals(await fewMatches(admin, "ada", 10), null);
  assertEquals(await fewMatches(admin, "ada", 60), matching);
});

test("contacts.search ranks a name above a mention", async () => {
  const { admin } = await foundWorkspace();
  const mention = await insert(admin, "contacts", { last_name: "B", background: "knows Ada" });
  const name = await insert(admin, "contacts", { first_name: "Ada" });
  const ranked = await asCaller(
    admin,
    (tx) =>
      tx`
        select id from public.contacts
        order by ts_rank(search, private.search_query('ada')) desc`,
  );
  assertEquals(ranked.map((row) => row.id), [name, mention]);
  assertNotEquals(name, mention);
});

async function insert(caller: Member, table: string, values: Row): Promise<number> {
  const [row] = await asCaller(
    caller,
    (tx) => tx`insert into ${tx("public." + table)} ${tx(values)} returning id`,
  );
  return row?.id;
}

async function search(caller: Member, table: string, words: string): Promise<number[]> {
  const rows = await asCaller(
    caller,
    (tx) => tx<{ id: number }[]>`select private.search_ids(${table}, ${words}) as id`,
  );
  return rows.map(({ id }) => id);
}

/** Inserts other contacts, then contacts called Ada. Returns the ids of the latter. */
async function insertMany(caller: Member, matching: number, others: number): Promise<number[]> {
  const rows = await asCaller(
    caller,
    (tx) =>
      tx<{ id: number; first_name: string }[]>`
        insert into public.contacts (first_name, last_seen)
        select case when number > ${others} then 'Ada' else 'Bob' end, now() + number * interval '1 s'
        from generate_series(1, ${others + matching}::integer) as number
        returning id, first_name`,
  );
  return rows.filter(({ first_name }) => first_name === "Ada").map(({ id }) => id);
}

async function fewMatches(caller: Member, words: string, most: number): Promise<number[] | null> {
  const [row] = await asCaller(
    caller,
    (tx) =>
      tx<{ ids: number[] | null }[]>`
        select to_json(private.matching_ids('contacts', ${words}, ${most}::integer)) as ids`,
  );
  return row?.ids?.sort((a, b) => a - b) ?? null;
}
