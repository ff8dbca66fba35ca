/** The audit log: one row for each change, with its author. Append-only, and visible in its workspace. */
import { assert, assertEquals, assertGreater } from "@std/assert";
import { present } from "../support/exactly.ts";
import {
  asCaller,
  type Caller,
  foundWorkspace,
  insertRow,
  refusalOf,
  rolledBack,
  type Row,
  service,
  sql,
  type Tenant,
} from "../support/database.ts";
import { test } from "../support/workspace.ts";
import { insertSampleRows, readRelations, type Relation } from "./sampleRows.ts";
import { statementOf } from "./sweep.ts";

/** Tables of a workspace whose rows are no business records. */
const UNTRACKED = [
  "audit_log",
  "changes",
  "favicons_excluded_domains",
  "imports",
  "invitations",
  "workspaces",
];

const tracked = (await readRelations()).filter(({ name, kind }) =>
  kind === "table" && !UNTRACKED.includes(name)
);

interface Entry {
  action: string;
  before: Row | null;
  after: Row | null;
  member_id: number | null;
  user_id: string | null;
  request_id: string | null;
}

/** The logged changes of a record, oldest first. */
async function entriesOf(workspace_id: string, table: string, id: unknown): Promise<Entry[]> {
  return [
    ...await sql<Entry[]>`
      select action, before, after, member_id, user_id, request_id
      from public.audit_log
      where workspace_id = ${workspace_id} and table_name = ${table}
        and record_id = ${Number(id)}
      order by id`,
  ];
}

test("audit log: every table of business records has its three triggers, and no other table", async () => {
  const rows = await sql<{ name: string; triggers: number }[]>`
    select c.relname as name, count(*)::int as triggers
    from pg_trigger t
    join pg_class c on c.oid = t.tgrelid
    where t.tgname like '05_audit_%'
    group by c.relname
    order by c.relname`;
  assertEquals([...rows], tracked.map(({ name }) => ({ name, triggers: 3 })));
});

test("audit log: every column of a logged table is in the function that logs it", async () => {
  const missing = await sql<{ name: string }[]>`
    select a.attrelid::regclass || '.' || a.attname as name
    from pg_trigger t
    join pg_proc p on p.oid = t.tgfoid
    join pg_attribute a on a.attrelid = t.tgrelid and a.attnum > 0 and not a.attisdropped
    where t.tgname = '05_audit_inserted'
      and a.attname not in ('id', 'workspace_id', 'updated_at', 'search')
      and p.prosrc not like '%' || format('%1$L: n.%1$I', a.attname) || '%'`;
  assertEquals(missing.map(({ name }) => name), [], "Call private.add_audit_triggers() again.");
});

for (const relation of tracked) {
  test(`audit log: ${relation.name} writes one row for each change, with its author`, async () => {
    const tenant = await foundWorkspace();
    const relations = await readRelations();
    const rows = await insertSampleRows(relations, tenant, tenant.admin);
    const row = rows[relation.name] ?? {};
    const made = await entriesOf(tenant.workspace_id, relation.name, row.id);
    assertEquals(made.filter(({ action }) => action === "created").length, 1);
    await assertUpdated(tenant, relation, row, tenant.admin);
    await assertUpdated(tenant, relation, row, service);
    if (!["sales", "configuration"].includes(relation.name)) {
      await assertDeleted(tenant, relation, row);
    }
  });
}

async function assertUpdated(tenant: Tenant, relation: Relation, row: Row, caller: Caller) {
  const before = await entriesOf(tenant.workspace_id, relation.name, row.id);
  const value = { name: changedColumn(relation), text: `changed ${crypto.randomUUID()}` };
  const change = () =>
    asCaller(caller, (tx) =>
      tx`
        update ${tx("public." + relation.name)}
        set ${tx(value.name)} = ${
        relation.name === "configuration"
          ? tx`jsonb_set(config, '{title}', to_jsonb(${value.text}::text))`
          : value.text
      }
        where workspace_id = ${tenant.workspace_id} and id = ${row.id}`);
  await change();
  const entries = await entriesOf(tenant.workspace_id, relation.name, row.id);
  assertEquals(entries.length, before.length + 1);
  const entry = entries.at(-1);
  assertEquals(Object.keys(entry?.after ?? {}), [value.name]);
  assertEquals(Object.keys(entry?.before ?? {}), [value.name]);
  assert(JSON.stringify(entry?.after).includes(value.text));
  const actor = caller === service ? [null, null] : [tenant.admin.id, tenant.admin.user_id];
  assertEquals([entry?.member_id, entry?.user_id], actor);
  await change();
  const again = await entriesOf(tenant.workspace_id, relation.name, row.id);
  assertEquals(again.length, entries.length, "an update that changes nothing");
}

function changedColumn(relation: Relation): string {
  if (relation.name === "configuration") return "config";
  if (relation.name === "sales") return "first_name";
  const columns = relation.columns.filter(({ name, type }) => type === "text" && name !== "stage");
  return present(columns[0], `column of text in ${relation.name}`).name;
}

async function assertDeleted(tenant: Tenant, relation: Relation, row: Row) {
  const { admin, workspace_id } = tenant;
  const before = await entriesOf(workspace_id, relation.name, row.id);
  await asCaller(admin, (tx) => statementOf(tx, relation, "delete", row));
  const entries = await entriesOf(workspace_id, relation.name, row.id);
  assertEquals(entries.length, before.length + 1);
  const entry = entries.at(-1);
  assertEquals([entry?.action, entry?.after], ["deleted", null]);
  assertEquals([entry?.member_id, entry?.user_id], [admin.id, admin.user_id]);
  assertGreater(Object.keys(entry?.before ?? {}).length, 0);
}

test("audit log: a statement on many records writes one row for each changed record", async () => {
  const { admin, workspace_id } = await foundWorkspace();
  await asCaller(admin, async (tx) => {
    await tx`
      insert into contacts (first_name, status)
      select 'Contact ' || number, case when number <= 3 then 'hot' end
      from generate_series(1, 10) as number`;
    await tx`update contacts set status = 'hot'`;
  });
  const counts = await sql<{ action: string; number: number }[]>`
    select action, count(*)::int as number from public.audit_log
    where workspace_id = ${workspace_id} and table_name = 'contacts'
    group by action order by action`;
  assertEquals([...counts], [{ action: "created", number: 10 }, { action: "updated", number: 7 }]);
});

test("audit log: a change of stage has its own action, and a deal that makes room is left out", async () => {
  const { admin, workspace_id } = await foundWorkspace();
  const deals = await asCaller(admin, async (tx) => {
    const deals = await tx<{ id: string }[]>`
      insert into deals (name, stage, index)
      values ('First', 'opportunity', 0), ('Second', 'won', 0)
      returning id`;
    const [first] = deals;
    await tx`update deals set stage = 'won', amount = 5, index = 3 where id = ${
      present(first, "the first deal").id
    }`;
    await tx`select private.arrange_deals(array['won'], ${
      present(first, "the first deal").id
    }, 'won', null, -0.5)`;
    return deals;
  });
  const [moved, other] = await Promise.all(
    deals.map(({ id }) => entriesOf(workspace_id, "deals", id)),
  );
  assertEquals(moved?.map(({ action }) => action), ["created", "stage_changed", "updated"]);
  const { before, after } = present(moved, "the moved deal")[1] ?? {};
  assertEquals([before?.stage, after?.stage, after?.amount], ["opportunity", "won", 5]);
  assertEquals(present(moved, "the moved deal")[2]?.after, { index: 0 });
  assertEquals(other?.map(({ action }) => action), ["created"]);
});

test("audit log: a restored record has another action than a created one", async () => {
  const { admin, workspace_id } = await foundWorkspace();
  const contact = await asCaller(admin, async (tx) => {
    const [contact] = await tx`insert into contacts (first_name) values ('Ada') returning id`;
    await tx`insert into tasks (contact_id, text) values (${contact?.id}, 'Call')`;
    await tx`delete from contacts where id = ${contact?.id}`;
    return contact;
  });
  await asCaller(admin, (tx) => tx`select private.restore('contacts', ${contact?.id})`);
  const entries = await entriesOf(workspace_id, "contacts", contact?.id);
  assertEquals(entries.map(({ action }) => action), ["created", "deleted", "restored"]);
  const tasks = await sql<{ action: string }[]>`
    select action from public.audit_log
    where workspace_id = ${workspace_id} and table_name = 'tasks' order by id`;
  assertEquals(tasks.map(({ action }) => action), ["created", "deleted", "restored"]);
});

test("audit log: no role changes, truncates or writes it, not even its owner", async () => {
  const { admin, workspace_id, join } = await foundWorkspace();
  const statements = [
    "update public.audit_log set action = 'created'",
    "delete from public.audit_log",
    "truncate public.audit_log",
    "insert into public.audit_log (workspace_id, table_name, record_id) " +
    `values ('${workspace_id}', 'contacts', 1)`,
  ];
  for (const caller of [admin, await join("rep"), service]) {
    for (const statement of statements) {
      const { code } = await refusalOf(asCaller(caller, (tx) => tx.unsafe(statement)));
      assertEquals(code, "42501", statement);
    }
  }
  for (const statement of statements.slice(0, 3)) {
    const { code } = await refusalOf(rolledBack(async (tx) => {
      await tx`insert into public.companies (name, workspace_id) values ('A', ${workspace_id})`;
      await tx.unsafe(statement);
    }));
    assertEquals(code, "PT409", statement);
  }
});

test("audit log: members read the rows of their workspace, only admins those about members", async () => {
  const [tenant, other] = await Promise.all([foundWorkspace(), foundWorkspace()]);
  const rep = await tenant.join("rep");
  await insertRow("companies", { name: "Analytical", workspace_id: tenant.workspace_id });
  const tablesSeenBy = async (caller: Caller) => {
    const rows = await asCaller(caller, (tx) =>
      tx<{ table_name: string }[]>`
        select distinct table_name from audit_log
        where workspace_id = ${tenant.workspace_id} order by table_name`);
    return rows.map(({ table_name }) => table_name);
  };
  assertEquals(await tablesSeenBy(tenant.admin), ["companies", "configuration", "sales"]);
  assertEquals(await tablesSeenBy(rep), ["companies", "configuration"]);
  assertEquals(await tablesSeenBy(other.admin), []);
  assertEquals(await tablesSeenBy(await tenant.join("rep", true)), []);
});

test("audit log: deleting a workspace deletes its rows", async () => {
  const { workspace_id } = await foundWorkspace();
  await insertRow("companies", { name: "Analytical", workspace_id });
  await sql.begin(async (tx) => {
    await tx`delete from public.companies where workspace_id = ${workspace_id}`;
    await tx`delete from public.workspaces where id = ${workspace_id}`;
  });
  assertEquals(
    (await sql`select from public.audit_log where workspace_id = ${workspace_id}`).length,
    0,
  );
});
