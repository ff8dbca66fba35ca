/** Security definer functions that callers may execute return nothing of other workspaces. */
import { assertEquals } from "@std/assert";
import { only } from "../support/exactly.ts";
import {
  anonymous,
  asCaller,
  type Caller,
  foundWorkspace,
  refusalOf,
  sql,
  type Tenant,
  type Transaction,
} from "../support/database.ts";
import { test } from "../support/workspace.ts";
import { EXECUTABLE } from "./permissions.ts";
import { createFamily } from "./trashFixture.ts";

interface Target {
  tenant: Tenant;
  tag_id: number;
  contact_id: number;
  trashed_id: number;
  /** Its row in the trash. */
  trash_id: number;
  /** The change that deleted it. */
  change_id: string;
  /** Of a file in the private bucket. */
  path: string;
  /** Has a file and a rejected row. */
  import_id: string;
  /** An API key with a secret. */
  key_id: number;
  /** A search for duplicates with a stored pair. Its filters are its id. */
  search_id: string;
}

/** Function → a call about the target's workspace, which returns nothing to other users. */
const CALLS: Record<string, (tx: Transaction, target: Target) => PromiseLike<readonly unknown[]>> =
  {
    "private.can_manage()": (tx) => tx`select where private.can_manage() is distinct from false`,
    "private.may_manage(bigint)": (tx, { tenant }) =>
      tx`select where private.may_manage(${tenant.admin.id})`,
    "private.is_admin()": (tx) => tx`select where private.is_admin() is distinct from false`,
    "private.manages_members()": (tx) =>
      tx`select where private.manages_members() is distinct from false`,
    "private.add_api_key_secret(bigint,text,text,timestamp with time zone)": (tx, { key_id }) =>
      tx`select private.add_api_key_secret(${key_id}, ${"1".repeat(64)}, 'ptc_', now())`,
    "private.api_key_secrets(bigint)": (tx, { key_id }) =>
      tx`select from private.api_key_secrets(${key_id}) as s where s.secrets <> '[]'`,
    "private.key_maker(bigint)": (tx, { key_id }) =>
      tx`select where private.key_maker(${key_id}) is not null`,
    "private.member_id()": (tx, { tenant }) =>
      tx`select where private.member_id() = ${tenant.admin.id}`,
    "private.member_role()": (tx) => tx`select where private.member_role() is not null`,
    "private.workspace_id()": (tx, { tenant }) =>
      tx`select where private.workspace_id() = ${tenant.workspace_id}`,
    "private.end_sessions(uuid)": (tx, { tenant }) =>
      tx`select private.end_sessions(${tenant.admin.user_id})`,
    "private.pending_user_ids()": (tx, { tenant }) =>
      tx`
      select from private.pending_user_ids() as pending (id)
      where id in (select user_id from public.sales where workspace_id = ${tenant.workspace_id})`,
    "private.search_ids(text,text)": (tx, { contact_id }) =>
      tx`select from private.search_ids('contacts', 'lovelace') as id where id = ${contact_id}`,
    "private.contact_ids_containing(text,jsonb)": (tx, { contact_id }) =>
      tx`
      select from private.contact_ids_containing('email_jsonb', '[{"email": "ada@example.com"}]') as id
      where id = ${contact_id}`,
    "private.matching_ids(text,text,integer)": (tx, { contact_id }) =>
      tx`select where ${contact_id} = any (private.matching_ids('contacts', 'lovelace', 1000))`,
    "private.search_records(text,text[],integer)": (tx, { contact_id }) =>
      tx`
      select
      from jsonb_array_elements(private.search_records('lovelce', '{contacts}', 20)) as hit
      where (hit ->> 'id')::bigint = ${contact_id}`,
    "private.trashed(text,bigint)": (tx, { trashed_id }) =>
      tx`select where private.trashed('contacts', ${trashed_id}) is not null`,
    "private.restore(text,bigint,bigint)": (tx, { trashed_id }) =>
      tx`select where private.restore('contacts', ${trashed_id}) is not null`,
    "private.list_trash(text,text,bigint,bigint,integer)": (tx, { trash_id }) =>
      tx`select from private.list_trash(null, null, null, null, 9) as t where t.id = ${trash_id}`,
    "private.trash_item(bigint)": (tx, { trash_id }) =>
      tx`select from private.trash_item(${trash_id})`,
    "private.purge_trash_item(bigint)": (tx, { trash_id }) =>
      tx`select where private.purge_trash_item(${trash_id}) <> '{}'`,
    "private.empty_trash(integer)": (tx) => tx`select where private.empty_trash(9) <> '{}'`,
    "private.was_purged(bigint)": (tx, { trash_id }) =>
      tx`select where private.was_purged(${trash_id})`,
    "private.count_tagged_contacts(bigint)": (tx, { tag_id }) =>
      tx`select where private.count_tagged_contacts(${tag_id}) > 0`,
    "private.holder_ids(text,bigint[],boolean,integer)": (tx, { tag_id }) =>
      tx`
      select where
        private.holder_ids('tags', array[${tag_id}::bigint], true, 1000) <> '{}'
        or private.holder_ids('tags', array[${tag_id}::bigint], false, 1000) <> '{}'`,
    "private.find_contacts_by_email(text[])": (tx, { contact_id }) =>
      tx`
      select from private.find_contacts_by_email('{ada@example.com}') as found
      where found.record_id = ${contact_id}`,
    "private.find_companies_by_name(text[])": (tx) =>
      tx`select from private.find_companies_by_name('{analytical}')`,
    "private.find_external_ids(text,text[],text[])": (tx, { contact_id }) =>
      tx`
      select from private.find_external_ids('contacts', '{hubspot}', '{4711}') as found
      where found.record_id = ${contact_id}`,
    "private.create_import(uuid,jsonb)": async (tx) => {
      const id = crypto.randomUUID();
      await tx`
        select private.create_import(${id}, '{
          "record_type": "contacts", "format": "csv", "source": "import", "policy": "merge",
          "match_on": [], "all_or_nothing": false
        }')`;
      await tx`reset role`;
      // An admin of another workspace creates an import there.
      return await tx`
        select from public.imports i
        where i.id = ${id} and not exists (
          select from public.sales s where (s.id, s.workspace_id) = (i.member_id, i.workspace_id)
        )`;
    },
    "private.change_import(uuid,jsonb)": async (tx, { import_id }) => {
      await tx`select private.change_import(${import_id}, '{"source": "stranger"}')`;
      await tx`reset role`;
      return await tx`select from public.imports where source = 'stranger'`;
    },
    "private.lock_import(uuid,boolean)": (tx, { import_id }) =>
      tx`
      select where private.lock_import(${import_id}, true)
        or private.lock_import(${import_id}, false)`,
    "private.delete_import(uuid)": async (tx, { import_id }) => {
      await tx`select private.delete_import(${import_id})`;
      await tx`reset role`;
      return await tx`
        select where not exists (select from public.imports where id = ${import_id})`;
    },
    "private.set_import_file(uuid,bytea)": async (tx, { import_id }) => {
      await tx`select private.set_import_file(${import_id}, 'stranger')`;
      await tx`reset role`;
      return await tx`
        select from private.import_files
        where import_id = ${import_id} and content = 'stranger'`;
    },
    "private.append_import_file(uuid,bytea)": async (tx, { import_id }) => {
      await tx`select private.append_import_file(${import_id}, ' of a stranger')`;
      await tx`reset role`;
      return await tx`
        select from private.import_files
        where import_id = ${import_id} and convert_from(content, 'UTF8') like '%stranger'`;
    },
    "private.import_bytes(uuid,integer,integer)": (tx, { import_id }) =>
      tx`select where private.import_bytes(${import_id}, 0, 9) is not null`,
    "private.reject_import_rows(uuid,jsonb)": async (tx, { import_id }) => {
      await tx`
        select private.reject_import_rows(
          ${import_id}, '[{"row_number": 9, "cells": [], "errors": []}]'
        )`;
      await tx`reset role`;
      return await tx`
        select from private.import_rejections where import_id = ${import_id} and row_number = 9`;
    },
    "private.clear_import_rejections(uuid)": async (tx, { import_id }) => {
      await tx`select private.clear_import_rejections(${import_id})`;
      await tx`reset role`;
      return await tx`
        select where not exists (
          select from private.import_rejections where import_id = ${import_id}
        )`;
    },
    "private.rejected_import_rows(uuid,integer,integer)": (tx, { import_id }) =>
      tx`select from private.rejected_import_rows(${import_id}, 0, 9)`,
    "private.board_totals()": (tx) => tx`select from private.board_totals()`,
    "private.board_deal_ids(text,integer)": (tx) =>
      tx`select from private.board_deal_ids('won', 9)`,
    "private.move_references(text,bigint,bigint[])": async (tx, { tag_id }) => {
      await tx`select private.move_references('tags', 0, array[${tag_id}::bigint])`;
      await tx`reset role`;
      return await tx`select from public.contacts where tags @> array[0::bigint]`;
    },
    "private.touch_contact(bigint,timestamp with time zone,text)": async (tx, { contact_id }) => {
      await tx`select private.touch_contact(${contact_id}, '2100-01-01T00:00:00Z', null)`;
      await tx`reset role`;
      return await tx`
        select from public.contacts
        where id = ${contact_id} and last_seen = '2100-01-01T00:00:00Z'`;
    },
    "private.queue_upload(text)": async (tx, { path }) => {
      await tx`select private.queue_upload(${path})`;
      await tx`reset role`;
      return await tx`select from private.attachment_removals where path = ${path}`;
    },
    "private.is_announced_upload(text)": async (tx, { path }) => {
      await tx`select private.queue_upload(${path})`;
      return await tx`select where private.is_announced_upload(${path})`;
    },
    "private.tables_of_change(uuid)": (tx, { change_id }) =>
      tx`select where private.tables_of_change(${change_id}) <> '{}'`,
    "private.change_effects(uuid,jsonb)": (tx, { change_id }) =>
      tx`select from private.change_effects(${change_id})`,
    "private.lock_change(uuid)": (tx, { change_id }) =>
      tx`select private.lock_change(${change_id})`,
    "private.restore_conflicts(uuid)": (tx, { change_id }) =>
      tx`select from private.restore_conflicts(${change_id})`,
    "private.reference_conflicts(uuid,text,jsonb)": (tx, { change_id }) =>
      tx`select from private.reference_conflicts(${change_id}, 'contacts', '[]')`,
    "private.child_conflicts(uuid,text,jsonb)": (tx, { change_id }) =>
      tx`select from private.child_conflicts(${change_id}, 'contacts', '[]')`,
    "private.restore_change(uuid,jsonb)": (tx, { change_id }) =>
      tx`select where private.restore_change(${change_id}, '[]') <> '{}'`,
    "private.leaving_ids(uuid,text)": (tx, { change_id }) =>
      tx`select where private.leaving_ids(${change_id}, 'contacts') -> 'tags' <> '[]'`,
    "private.former_ids(text,text,jsonb,jsonb,jsonb,jsonb)": (tx, { tag_id }) =>
      tx`
      select where private.former_ids(
        'contacts', 'tags', '[]', ${tx.json([tag_id])}, '[1]', '[]'
      ) <> '[]'`,
    // The target's deals are at position 3. The function would move them to 0 and 1.
    "private.replace_on_board(uuid,jsonb)": async (tx, { tenant, change_id }) => {
      await tx`select private.replace_on_board(${change_id}, '[]')`;
      await tx`reset role`;
      return await tx`
        select from public.deals where workspace_id = ${tenant.workspace_id} and index <> 3`;
    },
    "private.mark_undone(uuid)": async (tx, { change_id }) => {
      await tx`select private.mark_undone(${change_id})`;
      await tx`reset role`;
      return await tx`
        select from public.changes where id = ${change_id} and undone_by is not null`;
    },
    "private.claim_tag_name(text)": (tx) => tx`select where private.claim_tag_name('VIP') <> '{}'`,
    "private.claim_attachments(text[])": (tx, { path }) =>
      tx`select from private.claim_attachments(${[path]})`,
    // The target's deals are at position 3. The function would move them to 0 and 1.
    "private.arrange_deals(text[],bigint,text,bigint,numeric)": async (tx, { tenant }) => {
      await tx`select private.arrange_deals(array['won'], null, null, null, 0)`;
      await tx`reset role`;
      return await tx`
        select from public.deals where workspace_id = ${tenant.workspace_id} and index <> 3`;
    },
    "private.contact_duplicates(bigint)": (tx) => tx`select from private.contact_duplicates()`,
    "private.company_duplicates(bigint)": (tx) => tx`select from private.company_duplicates()`,
    "private.find_duplicate_search(text)": (tx, { search_id }) =>
      tx`select where private.find_duplicate_search(${search_id}) is not null`,
    "private.stored_pairs(uuid,real,bigint,bigint,integer)": (tx, { search_id }) =>
      tx`select from private.stored_pairs(${search_id}, 1, 0, 0, 9)`,
    // The function deletes older searches of the caller's workspace.
    "private.store_duplicate_search(text,text,real,text[],boolean)": async (tx, { search_id }) => {
      await tx`
        select private.store_duplicate_search('contacts', ${search_id}, 0, null, false)`;
      await tx`reset role`;
      return await tx`
        select
        where not exists (select from private.duplicate_searches where id = ${search_id})
          or exists (
            select from private.duplicate_search_pairs
            where search_id <> ${search_id} and id = (
              select id from private.duplicate_search_pairs where search_id = ${search_id}
            )
          )`;
    },
    "private.lock_duplicate_keys(text,bigint)": async (tx, { contact_id }) => {
      await tx`select private.lock_duplicate_keys('contacts', ${contact_id})`;
      return await tx`
        select from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()`;
    },
    "private.find_merge(text,bigint,bigint[])": (tx, { contact_id, trashed_id }) =>
      tx`
      select
      where private.find_merge(
        'contacts', ${contact_id}, array[${trashed_id}::bigint]
      ) is not null`,
  };

/** Functions that return the same to every caller. */
const OPEN = [
  "private.is_initialized()",
  "private.effective_configuration(jsonb)",
  "private.id_array_fields(text)",
  "private.uncompared_fields(text)",
];

test("definer functions: this file tests every one that callers may execute", async () => {
  const definers = await sql<{ name: string }[]>`
    select oid::regprocedure::text as name from pg_proc
    where prosecdef and oid::regprocedure::text = any (${[...EXECUTABLE.authenticated]}::text[])`;
  const tried = [...Object.keys(CALLS), ...OPEN];
  assertEquals(definers.map(({ name }) => name).filter((name) => !tried.includes(name)), []);
});

test("definer functions: return nothing to members of other workspaces, disabled and unknown users", async () => {
  const target = await createTarget();
  const other = await foundWorkspace();
  const strangers: Record<string, Caller> = {
    disabled: await target.tenant.join("admin", true),
    unknown: { claims: { role: "authenticated", sub: crypto.randomUUID() } },
    nobody: { claims: { role: "authenticated" } },
  };
  for (const [name, call] of Object.entries(CALLS)) {
    for (const [who, stranger] of Object.entries(strangers)) {
      assertEquals(await gotten(stranger, (tx) => call(tx, target)), 0, `${who}: ${name}`);
    }
    // These are true for an admin of another workspace too. Every rule also checks the workspace.
    if (/can_manage|may_manage|manages_members|is_admin|member_role/.test(name)) continue;
    assertEquals(await gotten(other.admin, (tx) => call(tx, target)), 0, `foreign: ${name}`);
  }
});

test("definer functions: anon may not execute them", async () => {
  const target = await createTarget();
  for (const [name, call] of Object.entries(CALLS)) {
    const refusal = await refusalOf(asCaller(anonymous, (tx) => call(tx, target)));
    assertEquals(refusal.code, "42501", name);
  }
});

test("private.end_sessions is only for admins, and for members of their workspace", async () => {
  const { tenant } = await createTarget();
  const rep = await tenant.join("rep");
  for (const caller of [rep, (await foundWorkspace()).admin]) {
    const ending = asCaller(caller, (tx) => tx`select private.end_sessions(${rep.user_id})`);
    assertEquals(await refusalOf(ending), { code: "PT409", detail: "admin_required" });
  }
  await asCaller(tenant.admin, (tx) => tx`select private.end_sessions(${rep.user_id})`);
});

async function createTarget(): Promise<Target> {
  const tenant = await foundWorkspace();
  const { contacts: [contact, trashed], tags: [tag] } = await createFamily(tenant, tenant.admin);
  await sql`
    update public.contacts
    set email_jsonb = '[{"email": "ada@example.com"}]',
      external_ids = '[{"source": "hubspot", "id": "4711"}]'
    where id = ${contact.id}`;
  await sql`delete from public.contacts where id = ${trashed.id}`;
  await sql`update public.deals set index = 3 where workspace_id = ${tenant.workspace_id}`;
  const { id: trash_id } = only(
    await sql<{ id: number }[]>`
    select id from private.trash
    where workspace_id = ${tenant.workspace_id} and table_name = 'contacts'
      and record_id = ${trashed.id}`,
  );
  const { change_id } = only(
    await sql<{ change_id: string }[]>`
    select change_id from public.audit_log
    where workspace_id = ${tenant.workspace_id} and table_name = 'contacts' and action = 'deleted'`,
  );
  await sql`
    insert into public.audit_log (workspace_id, table_name, record_id, action, after)
    values (${tenant.workspace_id}, 'contacts', ${trashed.id}, 'purged', ${
    sql.json({ trash_id })
  })`;
  const path = `${tenant.workspace_id}/${crypto.randomUUID()}/a.txt`;
  await sql`
    insert into storage.objects (bucket_id, name, metadata)
    values ('portico-attachments', ${path}, '{"size": 1, "mimetype": "text/plain"}')`;
  const { import_id } = only(
    await sql<{ import_id: string }[]>`
    with created as (
      insert into public.imports (workspace_id, member_id, user_id)
      values (${tenant.workspace_id}, ${tenant.admin.id}, ${tenant.admin.user_id})
      returning id
    ), filled as (
      insert into private.import_files (import_id, content) select id, 'a,b' from created
    ), rejected as (
      insert into private.import_rejections (import_id, row_number, cells, errors)
      select id, 1, '[]', '[]' from created
    )
    select id as import_id from created`,
  );
  const { search_id } = only(
    await sql<{ search_id: string }[]>`
    with search as (
      insert into private.duplicate_searches (workspace_id, table_name, filters, id)
      select ${tenant.workspace_id}, 'contacts', id, id from gen_random_uuid() as id
      returning id
    )
    insert into private.duplicate_search_pairs (search_id, rank, id, other_id, reasons)
    select id, -0.9, ${contact.id}, ${contact.id}, '{same_email}' from search
    returning search_id`,
  );
  return {
    path,
    import_id,
    key_id: await makeKey(tenant),
    search_id,
    tenant,
    tag_id: tag.id,
    contact_id: contact.id,
    trashed_id: trashed.id,
    trash_id,
    change_id,
  };
}

/** Makes an API key with a secret. Returns its id. */
async function makeKey({ admin }: Tenant): Promise<number> {
  const hash = `${crypto.randomUUID()}${crypto.randomUUID()}`.replaceAll("-", "");
  return await asCaller(admin, async (tx) => {
    const { id } = only(
      await tx<{ id: number }[]>`insert into public.api_keys (name) values ('Zapier') returning id`,
    );
    await tx`select private.add_api_key_secret(${id}, ${hash}, 'ptc_', now())`;
    return id;
  });
}

/** The number of rows that a caller gets; 0 when the call is refused for lack of rights. */
async function gotten(
  caller: Caller,
  call: (tx: Transaction) => PromiseLike<readonly unknown[]>,
): Promise<number> {
  const rows = asCaller(caller, call);
  return await rows.then(({ length }) => length, async () => {
    const { code } = await refusalOf(rows);
    if (!["PT404", "PT409", "23502"].includes(code)) throw new Error(`Refused with ${code}.`);
    return 0;
  });
}
