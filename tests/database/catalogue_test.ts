/** Rules for all tables and indexes. Each query returns the objects that break its rule. */
import { assertEquals } from "@std/assert";
import { test } from "../support/workspace.ts";
import { offenders } from "./offenders.ts";

/** Indexes for lookups by the user, before the workspace is known. */
const INDEXES_WITHOUT_WORKSPACE = ["uq__sales__user_id", "ix__imports__unfinished"];

/** Tables that only triggers write, which name the workspace, and that are never updated. */
const APPEND_ONLY = ["audit_log", "changes"];

test("catalogue: every foreign key is indexed by its columns", async () => {
  assertEquals(
    await offenders`
      select format('%s: %s', f.conrelid::regclass, f.conname) as name from pg_constraint f
      join ours on ours.oid = f.connamespace
      where f.contype = 'f'
        and not exists (
          select from pg_index i
          where i.indrelid = f.conrelid and i.indpred is null
            and (i.indkey::int2[])[0 : cardinality(f.conkey) - 1] @> f.conkey
            and (i.indkey::int2[])[0 : cardinality(f.conkey) - 1] <@ f.conkey
        )`,
    [],
  );
});

test("catalogue: every table of public except workspaces has workspace_id", async () => {
  assertEquals(
    await offenders`
      select c.relname as name from pg_class c
      where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
        and not exists (
          select from pg_attribute a
          where a.attrelid = c.oid and a.attname = 'workspace_id' and a.atttypid = 'uuid'::regtype
            and (a.attnotnull or c.relname = 'favicons_excluded_domains')
        )
        and c.relname <> 'workspaces'`,
    [],
  );
});

test("catalogue: every table with workspace_id sets it by a trigger and has it first in its indexes", async () => {
  assertEquals(
    await offenders`
      select c.relname as name from pg_class c
      join pg_attribute a on a.attrelid = c.oid and a.attname = 'workspace_id'
      where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
        and c.relname <> all (${APPEND_ONLY}::text[])
        and not exists (
          select from pg_trigger t where t.tgrelid = c.oid and t.tgname like '10_set_workspace%'
        )
      union all
      select i.indexrelid::regclass::text from pg_index i
      join pg_class c on c.oid = i.indexrelid
      join pg_am on pg_am.oid = c.relam and pg_am.amname = 'btree'
      join pg_attribute a on a.attrelid = i.indrelid and a.attname = 'workspace_id'
      where c.relnamespace = 'public'::regnamespace
        and not i.indisprimary and i.indkey[0] <> a.attnum
        and c.relname <> all (${INDEXES_WITHOUT_WORKSPACE}::text[])`,
    [],
  );
});

test("catalogue: foreign keys between business tables include the workspace", async () => {
  assertEquals(
    await offenders`
      select format('%s: %s', f.conrelid::regclass, f.conname) as name from pg_constraint f
      where f.contype = 'f'
        and f.connamespace = 'public'::regnamespace
        and f.confrelid in (
          select attrelid from pg_attribute
          where attname = 'workspace_id' and attrelid in (
            select oid from pg_class where relnamespace = 'public'::regnamespace
          )
        )
        and not exists (
          select from pg_attribute a
          where a.attrelid = f.conrelid and a.attname = 'workspace_id' and a.attnum = any (f.conkey)
        )`,
    [],
  );
});

test("catalogue: every table of public has created_at, and updated_at kept by a trigger", async () => {
  assertEquals(
    await offenders`
      select format('%s: %s', c.relname, stamp) as name
      from pg_class c, unnest(array['created_at', 'updated_at']) stamp
      where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
        and not (stamp = 'updated_at' and c.relname = any (${APPEND_ONLY}::text[]))
        and not exists (
          select from pg_attribute a
          where a.attrelid = c.oid and a.attname = stamp and a.attnotnull and a.atthasdef
            and a.atttypid = 'timestamptz'::regtype
        )
      union all
      select format('%s: no trigger', c.relname) from pg_class c
      where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
        and c.relname <> all (${APPEND_ONLY}::text[])
        and not exists (
          select from pg_trigger t where t.tgrelid = c.oid and t.tgname = '90_set_updated_at'
        )`,
    [],
  );
});

test("catalogue: every schema, table, view and function has a comment", async () => {
  assertEquals(
    await offenders`
      select c.oid::regclass::text as name from pg_class c
      join ours on ours.oid = c.relnamespace
      where c.relkind in ('r', 'p', 'v', 'm') and obj_description(c.oid, 'pg_class') is null
      union all
      select p.oid::regprocedure::text from pg_proc p
      join ours on ours.oid = p.pronamespace
      where obj_description(p.oid, 'pg_proc') is null
      union all
      select nspname from ours where obj_description(oid, 'pg_namespace') is null`,
    [],
  );
});

test("catalogue: no extension is in public", async () => {
  assertEquals(
    await offenders`
      select extname as name from pg_extension where extnamespace = 'public'::regnamespace`,
    [],
  );
});
