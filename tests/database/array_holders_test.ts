/** private.holder_ids: the records whose array column holds given ids. */
import { assertEquals } from "@std/assert";
import { asCaller, foundWorkspace, type Member } from "../support/database.ts";
import { test } from "../support/workspace.ts";

test("private.holder_ids finds contacts by tags and deals by contacts, all or one of them", async () => {
  const { admin } = await foundWorkspace();
  const [red, blue, green] = await insertTags(admin, 3);
  const both = await insertContact(admin, [red, blue]);
  const one = await insertContact(admin, [blue]);
  await insertContact(admin, []);
  const deal = await insertDeal(admin, [both, one]);
  assertEquals(await fewWith(admin, "tags", [red, blue], true), [both]);
  assertEquals(await fewWith(admin, "tags", [red, blue], false), [both, one]);
  assertEquals(await fewWith(admin, "tags", [green], true), []);
  assertEquals(await fewWith(admin, "tags", [], false), []);
  assertEquals(await fewWith(admin, "contact_ids", [one], true), [deal]);
  assertEquals(await fewWith(admin, "contact_ids", [one, both], false), [deal]);
});

test("private.holder_ids returns null when one of the ids is unknown", async () => {
  const { admin } = await foundWorkspace();
  const contact = await insertContact(admin, []);
  await insertDeal(admin, [contact]);
  assertEquals(await fewWith(admin, "contact_ids", [contact, 0], false), null);
  assertEquals(await fewWith(admin, "contact_ids", [contact, 0], true), null);
});

test("private.holder_ids returns null when more than the maximum records hold the ids", async () => {
  const { admin } = await foundWorkspace();
  const [tag] = await insertTags(admin, 1);
  const holders = [await insertContact(admin, [tag]), await insertContact(admin, [tag])];
  assertEquals(await fewWith(admin, "tags", [tag], true), holders);
  assertEquals(await fewWith(admin, "tags", [tag], true, 1), null);
});

test("private.holder_ids finds records only in the caller's workspace", async () => {
  const [one, two] = await Promise.all([foundWorkspace(), foundWorkspace()]);
  const [tag] = await insertTags(one.admin, 1);
  const holder = await insertContact(one.admin, [tag]);
  assertEquals(await fewWith(one.admin, "tags", [tag], true), [holder]);
  assertEquals(await fewWith(two.admin, "tags", [tag], true), null);
  assertEquals(await fewWith(await one.join("rep", true), "tags", [tag], true), null);
});

async function insertTags(caller: Member, count: number): Promise<number[]> {
  const rows = await asCaller(
    caller,
    (tx) =>
      tx<{ id: number }[]>`
        insert into public.tags (name, color)
        select 'Tag ' || number, 'red' from generate_series(1, ${count}::integer) as number
        returning id`,
  );
  return rows.map(({ id }) => id);
}

async function insertContact(caller: Member, tags: (number | undefined)[]): Promise<number> {
  const [row] = await asCaller(
    caller,
    (tx) =>
      tx`insert into public.contacts (tags) values (${literal(tags)}::text::bigint[]) returning id`,
  );
  return row?.id;
}

async function insertDeal(caller: Member, contactIds: number[]): Promise<number> {
  const [row] = await asCaller(
    caller,
    (tx) =>
      tx`
        insert into public.deals (name, stage, contact_ids)
        values ('Engine', 'won', ${literal(contactIds)}::text::bigint[])
        returning id`,
  );
  return row?.id;
}

test("private.holder_ids returns null for a column that it has no index of", async () => {
  const { admin } = await foundWorkspace();
  const [tag] = await insertTags(admin, 1);
  assertEquals(await fewWith(admin, "other_ids", [tag], true), null);
});

async function fewWith(
  caller: Member,
  column: string,
  ids: (number | undefined)[],
  holdAll: boolean,
  most = 1_000,
): Promise<number[] | null> {
  const [row] = await asCaller(
    caller,
    (tx) =>
      tx<{ ids: number[] | null }[]>`
        select to_json(private.holder_ids(
          ${column}, ${literal(ids)}::text::bigint[], ${holdAll}, ${most}::integer
        )) as ids`,
  );
  return row?.ids?.sort((a, b) => a - b) ?? null;
}

function literal(ids: (number | undefined)[]): string {
  return `{${ids.join()}}`;
}
