/** private.restore restores exactly one deletion, under the same ids. */
import { assertEquals, assertGreater, assertNotEquals } from "@std/assert";
import {
  asCaller,
  type Caller,
  foundWorkspace,
  refusalOf,
  type Row,
  service,
  sql,
} from "../support/database.ts";
import { test } from "../support/workspace.ts";
import { createFamily, snapshot, trashCounts, trashOf } from "./trashFixture.ts";

test("private.restore restores a company with the records that were deleted with it", async () => {
  const tenant = await foundWorkspace();
  const { company } = await createFamily(tenant, tenant.admin);
  const before = await snapshot(tenant.workspace_id);
  await remove(tenant.admin, "companies", company.id);
  const [kept] = await trashOf("companies", company.id);
  assertEquals(await restore(tenant.admin, "companies", company.id), {
    batch: kept?.batch,
    restored: { companies: 1, contacts: 2, contact_notes: 2, tasks: 2, deals: 1, deal_notes: 1 },
  });
  assertEquals(await snapshot(tenant.workspace_id), before);
  assertEquals(await trashCounts(tenant.workspace_id), {});
});

test("private.restore puts contacts and tags back into the arrays that held them", async () => {
  const tenant = await foundWorkspace();
  const { contacts, tags, deal } = await createFamily(tenant, tenant.admin);
  const before = await snapshot(tenant.workspace_id);
  const removed: [string, number][] = [
    ["contacts", contacts[0].id],
    ["contacts", contacts[1].id],
    ["tags", tags[0].id],
    ["tags", tags[1].id],
    ["deals", deal.id],
  ];
  for (const [table, id] of removed) {
    await remove(tenant.admin, table, id);
    await restore(tenant.admin, table, id);
    assertEquals(await snapshot(tenant.workspace_id), before, `${table} ${id}`);
  }
});

test("private.restore works for every way of deleting a record", async () => {
  const tenant = await foundWorkspace();
  const { contacts: [contact] } = await createFamily(tenant, tenant.admin);
  const before = await snapshot(tenant.workspace_id);
  const ways: [string, () => Promise<unknown>][] = [
    ["member", () => remove(tenant.admin, "contacts", contact.id)],
    ["service role", () => remove(service, "contacts", contact.id)],
    ["superuser", async () => await sql`delete from public.contacts where id = ${contact.id}`],
  ];
  for (const [way, remove] of ways) {
    await remove();
    await restore(tenant.admin, "contacts", contact.id);
    assertEquals(await snapshot(tenant.workspace_id), before, way);
  }
});

test("private.restore moves updated_at, so that cached versions are outdated", async () => {
  const tenant = await foundWorkspace();
  const { company } = await createFamily(tenant, tenant.admin);
  await remove(tenant.admin, "companies", company.id);
  await restore(tenant.admin, "companies", company.id);
  const [row] = await sql`select updated_at from public.companies where id = ${company.id}`;
  assertGreater(row?.updated_at, company.updated_at);
});

test("private.restore returns null for a record that is not in the trash", async () => {
  const tenant = await foundWorkspace();
  const { company } = await createFamily(tenant, tenant.admin);
  assertEquals(await restore(tenant.admin, "companies", company.id), null);
  await remove(tenant.admin, "companies", company.id);
  assertNotEquals(await restore(tenant.admin, "companies", company.id), null);
  assertEquals(await restore(tenant.admin, "companies", company.id), null);
  assertEquals(await restore(tenant.admin, "no_such_table", 1), null);
});

test("private.restore leaves records that were deleted separately in the trash", async () => {
  const tenant = await foundWorkspace();
  const { company, contacts: [contact] } = await createFamily(tenant, tenant.admin);
  await remove(tenant.admin, "contacts", contact.id);
  await remove(tenant.admin, "companies", company.id);
  await restore(tenant.admin, "companies", company.id);
  assertEquals(await trashCounts(tenant.workspace_id), {
    contacts: 1,
    contact_notes: 1,
    tasks: 1,
  });
  await restore(tenant.admin, "contacts", contact.id);
  assertEquals(await trashCounts(tenant.workspace_id), {});
});

test("private.restore restores one child of an existing parent, and no siblings", async () => {
  const tenant = await foundWorkspace();
  const { contacts: [one, two] } = await createFamily(tenant, tenant.admin);
  await asCaller(
    tenant.admin,
    (tx) => tx`delete from public.contacts where id = any (${[one.id, two.id]}::bigint[])`,
  );
  await restore(tenant.admin, "contacts", one.id);
  assertEquals(await trashCounts(tenant.workspace_id), {
    contacts: 1,
    contact_notes: 1,
    tasks: 1,
  });
});

test("private.restore refuses a child whose parent is deleted", async () => {
  const tenant = await foundWorkspace();
  const { company, contacts: [contact], deal } = await createFamily(tenant, tenant.admin);
  await remove(tenant.admin, "companies", company.id);
  for (const [table, id] of [["contacts", contact.id], ["deals", deal.id]]) {
    const refusal = await refusalOf(restore(tenant.admin, table, id));
    assertEquals(refusal, { code: "PT409", detail: "parent_deleted" });
  }
  assertEquals((await trashCounts(tenant.workspace_id)).contacts, 2);
});

test("private.restore refuses a merged record", async () => {
  const tenant = await foundWorkspace();
  const { contacts: [winner, loser] } = await createFamily(tenant, tenant.admin);
  await asCaller(tenant.admin, async (tx) => {
    await tx`select set_config('portico.merged_into', ${String(winner.id)}, true)`;
    await tx`delete from public.contacts where id = ${loser.id}`;
  });
  const refusal = await refusalOf(restore(tenant.admin, "contacts", loser.id));
  assertEquals(refusal, { code: "PT410", detail: "merged" });
});

test("private.restore replaces a merged contact by its winner in a restored deal", async () => {
  const tenant = await foundWorkspace();
  const { contacts: [winner, loser], outsideDeal, outsider } = await createFamily(
    tenant,
    tenant.admin,
  );
  await sql`
    update public.deals set contact_ids = ${[outsider.id, loser.id]} where id = ${outsideDeal.id}`;
  await remove(tenant.admin, "deals", outsideDeal.id);
  await asCaller(tenant.admin, async (tx) => {
    await tx`select set_config('portico.merged_into', ${String(winner.id)}, true)`;
    await tx`delete from public.contacts where id = ${loser.id}`;
  });
  await restore(tenant.admin, "deals", outsideDeal.id);
  const [row] = await sql`select contact_ids from public.deals where id = ${outsideDeal.id}`;
  assertEquals(row?.contact_ids, [outsider.id, winner.id]);
});

test("private.restore removes ids of records that were deleted meanwhile from arrays", async () => {
  const tenant = await foundWorkspace();
  const { contacts: [contact], tags: [one, two] } = await createFamily(tenant, tenant.admin);
  await remove(tenant.admin, "contacts", contact.id);
  await remove(tenant.admin, "tags", one.id);
  await restore(tenant.admin, "contacts", contact.id);
  const [row] = await sql`select tags from public.contacts where id = ${contact.id}`;
  assertEquals(row?.tags, [two.id]);
});

test("private.restore is only for the owner, managers and admins of the workspace", async () => {
  const [tenant, other] = await Promise.all([foundWorkspace(), foundWorkspace()]);
  const [rep, colleague] = [await tenant.join("rep"), await tenant.join("rep")];
  const [manager, disabled] = [await tenant.join("manager"), await tenant.join("admin", true)];
  const { contacts: [contact] } = await createFamily(tenant, rep);
  await remove(rep, "contacts", contact.id);
  assertEquals(await restore(other.admin, "contacts", contact.id), null);
  assertEquals(await restore(disabled, "contacts", contact.id), null);
  assertEquals(await refusalOf(restore(colleague, "contacts", contact.id)), {
    code: "PT409",
    detail: "restore_not_allowed",
  });
  for (const caller of [rep, manager, tenant.admin]) {
    assertNotEquals(await restore(caller, "contacts", contact.id), null);
    await remove(rep, "contacts", contact.id);
  }
});

test("private.restore restores a record without owner when the owner is gone", async () => {
  const tenant = await foundWorkspace();
  const rep = await tenant.join("rep");
  const [company] = await asCaller(
    rep,
    (tx) => tx`insert into public.companies (name) values ('A') returning *`,
  );
  await remove(tenant.admin, "companies", company?.id);
  await sql`delete from auth.users where id = ${rep.user_id}`;
  await restore(tenant.admin, "companies", company?.id);
  const [row] = await sql`select name, sales_id from public.companies where id = ${company?.id}`;
  assertEquals({ ...row }, { name: "A", sales_id: null });
});

test("private.restore by two members at the same time restores once", async () => {
  const tenant = await foundWorkspace();
  const manager = await tenant.join("manager");
  const { company } = await createFamily(tenant, tenant.admin);
  const before = await snapshot(tenant.workspace_id);
  await remove(tenant.admin, "companies", company.id);
  const answers = await Promise.all(
    [tenant.admin, manager].map((member) => restore(member, "companies", company.id)),
  );
  assertEquals(answers.filter((answer) => answer !== null).length, 1);
  assertEquals(await snapshot(tenant.workspace_id), before);
});

async function remove(caller: Caller, table: string, id: number): Promise<void> {
  const { count } = await asCaller(
    caller,
    (tx) => tx`delete from ${tx("public." + table)} where id = ${id}`,
  );
  assertEquals(count, 1, `delete ${table} ${id}`);
}

async function restore(caller: Caller, table: string, id: number): Promise<Row | null> {
  const [row] = await asCaller(
    caller,
    (tx) => tx`select private.restore(${table}, ${id}) as answer`,
  );
  return row?.answer;
}
