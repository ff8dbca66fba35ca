/** Deleting moves rows to the trash, for every role and every way of deleting. */
import { assertEquals, assertGreaterOrEqual, assertNotEquals, assertRejects } from "@std/assert";
import {
  asCaller,
  foundWorkspace,
  insertRow,
  openSession,
  refusalOf,
  service,
  sql,
} from "../support/database.ts";
import { test } from "../support/workspace.ts";
import { createFamily, trashCounts, trashOf } from "./trashFixture.ts";

test("trash: a deleted row is kept unchanged, with the member who deleted it", async () => {
  const tenant = await foundWorkspace();
  const rep = await tenant.join("rep");
  const { contacts: [contact], outsideDeal, deal } = await createFamily(tenant, rep);
  const [before] = await sql`
    select to_jsonb(c) - 'search' as row from public.contacts c where id = ${contact.id}`;
  await asCaller(rep, async (tx) => {
    await tx`select set_config('portico.request_id', 'request-1', true)`;
    await tx`delete from public.contacts where id = ${contact.id}`;
  });
  const [kept] = await trashOf("contacts", contact.id);
  assertEquals(kept?.record, before?.row);
  assertEquals(
    [kept?.reason, kept?.merged_into, kept?.deleted_by, kept?.workspace_id, kept?.request_id],
    ["deleted", null, rep.id, tenant.workspace_id, "request-1"],
  );
  assertEquals(kept?.array_references, [
    { table: "deals", column: "contact_ids", id: deal.id, position: 3 },
    { table: "deals", column: "contact_ids", id: outsideDeal.id, position: 2 },
  ]);
  const holders = await sql`
    select from public.deals where contact_ids @> array[${contact.id}]::bigint[]`;
  assertEquals(holders.length, 0);
});

test("trash: children are deleted in the batch of their parent", async () => {
  const tenant = await foundWorkspace();
  const { company } = await createFamily(tenant, tenant.admin);
  await asCaller(
    tenant.admin,
    (tx) => tx`delete from public.companies where id = ${company.id}`,
  );
  assertEquals(await trashCounts(tenant.workspace_id), {
    companies: 1,
    contacts: 2,
    contact_notes: 2,
    tasks: 2,
    deals: 1,
    deal_notes: 1,
  });
  const batches = await sql`
    select distinct batch, deleted_by from private.trash where workspace_id = ${tenant.workspace_id}`;
  assertEquals(batches.map((row) => row.deleted_by), [tenant.admin.id]);
});

test("trash: each transaction is a batch of its own", async () => {
  const tenant = await foundWorkspace();
  const { contacts: [one, two] } = await createFamily(tenant, tenant.admin);
  for (const { id } of [one, two]) {
    await asCaller(tenant.admin, (tx) => tx`delete from public.contacts where id = ${id}`);
  }
  const [[first], [second]] = [
    await trashOf("contacts", one.id),
    await trashOf("contacts", two.id),
  ];
  assertNotEquals(first?.batch, second?.batch);
});

test("trash: many rows deleted by one statement are all kept", async () => {
  const { admin, workspace_id } = await foundWorkspace();
  await sql`
    insert into public.contacts (last_name, workspace_id)
    select 'Contact ' || n, ${workspace_id} from generate_series(1, 500) n`;
  await asCaller(
    admin,
    (tx) => tx`delete from public.contacts where workspace_id = ${workspace_id}`,
  );
  assertEquals(await trashCounts(workspace_id), { contacts: 500 });
});

test("trash: rows that the service role deletes are kept too, without a member", async () => {
  const tenant = await foundWorkspace();
  const { contacts: [contact] } = await createFamily(tenant, tenant.admin);
  await asCaller(service, (tx) => tx`delete from public.contacts where id = ${contact.id}`);
  const [kept] = await trashOf("contacts", contact.id);
  assertEquals([kept?.deleted_by, kept?.reason], [null, "deleted"]);
});

test("trash: a refused deletion moves nothing to the trash", async () => {
  const tenant = await foundWorkspace();
  const rep = await tenant.join("rep");
  const { company } = await createFamily(tenant, tenant.admin);
  const deletion = asCaller(
    rep,
    (tx) => tx`delete from public.companies where id = ${company.id}`,
  );
  assertEquals(await refusalOf(deletion), { code: "PT409", detail: "forbidden" });
  assertEquals(await trashCounts(tenant.workspace_id), {});
});

test("trash: a rolled back deletion leaves nothing in the trash", async () => {
  const tenant = await foundWorkspace();
  const { company } = await createFamily(tenant, tenant.admin);
  const failing = asCaller(tenant.admin, async (tx) => {
    await tx`delete from public.companies where id = ${company.id}`;
    await tx`select 1 / 0`;
  });
  assertEquals((await refusalOf(failing)).code, "22012");
  assertEquals(await trashCounts(tenant.workspace_id), {});
});

test("trash: merged rows name their winner", async () => {
  const tenant = await foundWorkspace();
  const { contacts: [winner, loser] } = await createFamily(tenant, tenant.admin);
  await asCaller(tenant.admin, async (tx) => {
    await tx`select set_config('portico.merged_into', ${String(winner.id)}, true)`;
    await tx`delete from public.contacts where id = ${loser.id}`;
  });
  const [kept] = await trashOf("contacts", loser.id);
  assertEquals([kept?.reason, kept?.merged_into], ["merged", winner.id]);
  const [seen] = await asCaller(
    tenant.admin,
    (tx) => tx`select private.trashed('contacts', ${loser.id}) as row`,
  );
  assertEquals([seen?.row.reason, seen?.row.merged_into], ["merged", winner.id]);
});

test("trash: a tag that is deleted while a contact takes it up leaves no dangling id", async () => {
  const { admin, workspace_id } = await foundWorkspace();
  const tag = await insertRow("tags", { name: "vip", color: "#fff", workspace_id });
  await using writer = await openSession(admin);
  await using deleter = await openSession(admin);
  const [contact] = await writer.connection`
    insert into public.contacts (tags) values (array[${tag.id}::bigint]) returning id`;
  await Promise.all([
    deleter.connection`delete from public.tags where id = ${tag.id}`,
    deleter.isBlocked().then(writer.commit),
  ]);
  await deleter.commit();
  const [row] = await sql`select tags from public.contacts where id = ${contact?.id}`;
  assertEquals(row?.tags, []);
});

test("trash: a rep's company with records of other owners is deleted by a manager alone", async () => {
  const tenant = await foundWorkspace();
  const [rep, manager] = [await tenant.join("rep"), await tenant.join("manager")];
  const { company } = await createFamily(tenant, tenant.admin);
  await sql`update public.companies set sales_id = ${rep.id} where id = ${company.id}`;
  const remove = (caller: typeof rep) =>
    asCaller(caller, (tx) => tx`delete from public.companies where id = ${company.id}`);
  const children = () =>
    sql`
      select from public.contacts where company_id = ${company.id}
      union all select from public.deals where company_id = ${company.id}`;
  const before = (await children()).length;
  await assertRejects(() => remove(rep), Error, "of other members");
  assertEquals((await children()).length, before);
  await remove(manager);
  assertEquals((await trashCounts(tenant.workspace_id)).contacts, 2);
  assertEquals((await children()).length, 0);
});

test("private.trashed finds records only in the caller's workspace", async () => {
  const [tenant, other] = await Promise.all([foundWorkspace(), foundWorkspace()]);
  const { contacts: [contact] } = await createFamily(tenant, tenant.admin);
  await sql`delete from public.contacts where id = ${contact.id}`;
  const disabled = await tenant.join("admin", true);
  const ask = async (caller: typeof tenant.admin) => {
    const [row] = await asCaller(
      caller,
      (tx) => tx`select private.trashed('contacts', ${contact.id}) as found`,
    );
    return row?.found;
  };
  assertEquals((await ask(tenant.admin)).reason, "deleted");
  assertEquals(await ask(other.admin), null);
  assertEquals(await ask(disabled), null);
});

test("trash: deleting a workspace deletes its trash", async () => {
  const tenant = await foundWorkspace();
  await createFamily(tenant, tenant.admin);
  await sql`delete from public.workspaces where id = ${tenant.workspace_id}`;
  assertEquals(await trashCounts(tenant.workspace_id), {});
});

test("private.purge_trash deletes older rows, only for the service role", async () => {
  const { admin, workspace_id } = await foundWorkspace();
  const [old, recent] = [
    await insertRow("companies", { name: "Old", workspace_id }),
    await insertRow("companies", { name: "Recent", workspace_id }),
  ];
  await sql`delete from public.companies where id = any (${[old.id, recent.id]}::bigint[])`;
  await sql`
    update private.trash set deleted_at = now() - interval '31 days'
    where table_name = 'companies' and record_id = ${old.id}`;
  const purge = (caller: typeof service) =>
    asCaller(caller, (tx) => tx`select private.purge_trash(interval '30 days') as purged`);
  assertEquals((await refusalOf(purge(admin))).code, "42501");
  const [row] = await purge(service);
  assertGreaterOrEqual(row?.purged, 1);
  assertEquals((await trashOf("companies", old.id)).length, 0);
  assertEquals((await trashOf("companies", recent.id)).length, 1);
});
