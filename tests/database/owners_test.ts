/** A disabled member gets no records, also when records are given while the member is offboarded. */
import { assertEquals } from "@std/assert";
import {
  asCaller,
  foundWorkspace,
  type Member,
  openSession,
  refusalOf,
  service,
  sql,
  type Tenant,
} from "../support/database.ts";
import { test } from "../support/workspace.ts";
import { insertRecord, insertSampleRows, readRelations, type Relation } from "./sampleRows.ts";
import { sampleValues } from "./sampleValues.ts";

const DISABLED_OWNER = { code: "PT422", detail: "unknown_reference" };

/** Every table whose records have owners. */
async function ownedTables(): Promise<Relation[]> {
  return (await readRelations()).filter(({ kind, columns }) =>
    kind === "table" && columns.some(({ name }) => name === "sales_id")
  );
}

/** The values of a new record of a member, for every table with owners. */
async function newRecords(tenant: Tenant, owner: Member) {
  const rows = await insertSampleRows(await readRelations(), tenant, tenant.admin);
  return (await ownedTables()).map((relation) => {
    // Callers do not choose the workspace of a record.
    const { workspace_id: _workspace, ...sample } = sampleValues(relation, rows);
    const values = { ...sample, sales_id: owner.id };
    return { relation, existing: rows[relation.name] ?? {}, values };
  });
}

test("owners: no table takes or keeps a record for a disabled member", async () => {
  const tenant = await foundWorkspace();
  const disabled = await tenant.join("rep", true);
  for (const { relation, existing, values } of await newRecords(tenant, disabled)) {
    const inserted = asCaller(tenant.admin, (tx) => insertRecord(tx, relation, values));
    assertEquals(await refusalOf(inserted), DISABLED_OWNER, relation.name);
    const given = asCaller(
      tenant.admin,
      (tx) =>
        tx`
          update ${tx("public." + relation.name)} set sales_id = ${disabled.id}
          where id = ${existing.id}`,
    );
    assertEquals(await refusalOf(given), DISABLED_OWNER, relation.name);
  }
});

test("owners: an invited member and the records of an import may have any state", async () => {
  const tenant = await foundWorkspace();
  const invited = await tenant.join("rep");
  await sql`update public.invitations set accepted_at = null where id = ${invited.user_id}`;
  const disabled = await tenant.join("rep", true);
  const insert = (caller: Member | typeof service, owner: Member) =>
    asCaller(
      caller,
      (tx) =>
        tx`
          insert into public.companies (name, sales_id) values ('A', ${owner.id})`,
    );
  assertEquals((await insert(tenant.admin, invited)).count, 1);
  assertEquals((await insert(service, disabled)).count, 1);
});

test("owners: a record that is given while its owner is being disabled waits, and is refused", async () => {
  const tenant = await foundWorkspace();
  const { admin, join } = tenant;
  const leaver = await join("rep");
  for (const { relation, existing, values } of await newRecords(tenant, leaver)) {
    const table = sql("public." + relation.name);
    const statements = [
      (tx: typeof sql) => insertRecord(tx, relation, values),
      (tx: typeof sql) => tx`update ${table} set sales_id = ${leaver.id} where id = ${existing.id}`,
    ];
    for (const statement of statements) {
      await using leaving = await openSession(admin);
      await using giving = await openSession(admin);
      await leaving.connection`update public.sales set disabled = true where id = ${leaver.id}`;
      const [refusal] = await Promise.all([
        refusalOf(statement(giving.connection)),
        giving.isBlocked().then(leaving.commit),
      ]);
      assertEquals(refusal, DISABLED_OWNER, relation.name);
      await sql`update public.sales set disabled = false where id = ${leaver.id}`;
    }
  }
});

test("owners: disabling a member waits for the records that are being given", async () => {
  const { admin, join } = await foundWorkspace();
  const leaver = await join("rep");
  await using giving = await openSession(leaver);
  await using leaving = await openSession(admin);
  await giving.connection`insert into public.companies (name) values ('A')`;
  await Promise.all([
    leaving.connection`update public.sales set disabled = true where id = ${leaver.id}`,
    leaving.isBlocked().then(giving.commit),
  ]);
  const moved = await leaving.connection`
    update public.companies set sales_id = ${admin.id} where sales_id = ${leaver.id}`;
  assertEquals(moved.count, 1);
  await leaving.commit();
});

test("owners: a disabled or unknown owner of another workspace is refused alike", async () => {
  const [{ admin }, other] = await Promise.all([foundWorkspace(), foundWorkspace()]);
  const owners = [other.admin, await other.join("rep", true)];
  for (const { id } of owners) {
    const insert = asCaller(
      admin,
      (tx) => tx`insert into public.companies (name, sales_id) values ('A', ${id})`,
    );
    assertEquals((await refusalOf(insert)).code, "23503");
  }
});

test("owners: a record that is restored after its owner was disabled has no owner", async () => {
  const { admin, join } = await foundWorkspace();
  const leaver = await join("rep");
  const id = await asCaller(leaver, async (tx) => {
    const [row] = await tx`insert into public.companies (name) values ('A') returning id`;
    await tx`delete from public.companies where id = ${row?.id}`;
    return row?.id;
  });
  await sql`update public.sales set disabled = true where id = ${leaver.id}`;
  await asCaller(admin, (tx) => tx`select private.restore('companies', ${id})`);
  const [restored] = await sql`select sales_id from public.companies where id = ${id}`;
  assertEquals(restored?.sales_id, null);
});
