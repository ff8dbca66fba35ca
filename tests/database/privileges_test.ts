/**
 * Rules for all policies, grants and functions, so that they also hold for the next migration. Each
 * query returns the objects that break its rule.
 */
import { assertEquals } from "@std/assert";
import { rolledBack, sql } from "../support/database.ts";
import { test } from "../support/workspace.ts";
import { offenders } from "./offenders.ts";
import { EXECUTABLE, isGranted, PERMISSIONS, VERBS } from "./permissions.ts";

/** Roles of servers. Their policies may allow everything. */
const SERVER_ROLES = ["service_role", "portico_gateway"];

test("privileges: row level security is enabled on every table", async () => {
  assertEquals(
    await offenders`
      select c.oid::regclass::text as name from pg_class c
      join ours on ours.oid = c.relnamespace
      where c.relkind in ('r', 'p') and not c.relrowsecurity`,
    [],
  );
});

test("privileges: every table has a policy", async () => {
  assertEquals(
    await offenders`
      select c.oid::regclass::text as name from pg_class c
      join ours on ours.oid = c.relnamespace
      where c.relkind in ('r', 'p')
        and not exists (select from pg_policy p where p.polrelid = c.oid)`,
    [],
  );
});

test("privileges: no policy is for PUBLIC or anon", async () => {
  assertEquals(
    await offenders`
      select format('%s: %s', p.polrelid::regclass, p.polname) as name from pg_policy p
      where p.polrelid in (select c.oid from pg_class c join ours on ours.oid = c.relnamespace)
        and p.polroles && array[0, 'anon'::regrole]::oid[]`,
    [],
  );
});

test("privileges: no policy is always true, except for servers", async () => {
  assertEquals(
    await offenders`
      select format('%I.%I: %s', schemaname, tablename, policyname) as name from pg_policies
      where schemaname in (select nspname from ours)
        and ('true' in (qual, with_check) or coalesce(qual, with_check) is null)
        and not roles <@ ${SERVER_ROLES}::name[]`,
    [],
  );
});

test("privileges: policies call helpers without arguments once, in (select …)", async () => {
  assertEquals(
    await offenders`
      select format('%I.%I: %s', schemaname, tablename, policyname) as name from pg_policies
      where schemaname in (select nspname from ours)
        and regexp_replace(
          concat_ws(' ', qual, with_check), 'SELECT (private|auth)[.]\\w+[(][)]', '', 'gi'
        ) ~ '(private|auth)[.]\\w+[(][)]'`,
    [],
  );
});

test("privileges: policies for UPDATE also check the new row", async () => {
  assertEquals(
    await offenders`
      select format('%I.%I: %s', schemaname, tablename, policyname) as name from pg_policies
      where schemaname in (select nspname from ours)
        and cmd in ('UPDATE', 'ALL') and with_check is null`,
    [],
  );
});

test("privileges: callers hold the table privileges that permissions.ts implies, and no others", async () => {
  const found = await sql<{ name: string }[]>`
    select format('%s: %s %s', role, verb, c.relname) as name
    from pg_class c, unnest(array['anon', 'authenticated']) role, unnest(${[...VERBS]}::text[]) verb
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'v', 'm', 'p')
      and case verb
        when 'delete' then has_table_privilege(role, c.oid, verb)
        else has_any_column_privilege(role, c.oid, verb)
      end`;
  const expected = Object.keys(PERMISSIONS).flatMap((relation) =>
    VERBS.flatMap((verb) => [
      isGranted(relation, verb, "anon") ? `anon: ${verb} ${relation}` : "",
      isGranted(relation, verb, "rep") ? `authenticated: ${verb} ${relation}` : "",
    ])
  ).filter((name) => name !== "");
  assertEquals(found.map(({ name }) => name).sort(), expected.sort());
});

test("privileges: only owners and servers may truncate, reference or add triggers to a table", async () => {
  assertEquals(
    await offenders`
      select format('%s: %s %s', role, verb, c.oid::regclass) as name
      from pg_class c
      join ours on ours.oid = c.relnamespace,
        unnest(array['anon', 'authenticated', 'portico_gateway']) role,
        unnest(array['truncate', 'references', 'trigger', 'maintain']) verb
      where c.relkind in ('r', 'p') and has_table_privilege(role, c.oid, verb)`,
    [],
  );
});

test("privileges: every function has an empty search_path", async () => {
  assertEquals(
    await offenders`
      select p.oid::regprocedure::text as name from pg_proc p
      join ours on ours.oid = p.pronamespace
      where not coalesce(p.proconfig @> array['search_path=""'], false)`,
    [],
  );
});

test("privileges: each role executes the functions that permissions.ts lists, and no others", async () => {
  const executable: Record<string, string[]> = {};
  for (const role of Object.keys(EXECUTABLE)) {
    const rows = await sql<{ name: string }[]>`
      select p.oid::regprocedure::text as name from pg_proc p
      where p.pronamespace in ('public'::regnamespace, 'private'::regnamespace, 'gateway'::regnamespace)
        and has_function_privilege(${role}, p.oid, 'execute')`;
    executable[role] = rows.map(({ name }) => name).sort();
  }
  const expected = Object.entries(EXECUTABLE).map(([role, names]) => [role, [...names].sort()]);
  assertEquals(executable, Object.fromEntries(expected));
});

test("privileges: views run with the rights of the caller", async () => {
  assertEquals(
    await offenders`
      select c.oid::regclass::text as name from pg_class c
      join ours on ours.oid = c.relnamespace
      where c.relkind = 'v'
        and not coalesce(c.reloptions && array['security_invoker=on', 'security_invoker=true'], false)`,
    [],
  );
});

test("privileges: callers may use the schemas that they need, and create objects in none", async () => {
  const held = await sql<{ name: string }[]>`
    select format('%s: %s %s', role, privilege, schema) as name
    from unnest(array['anon', 'authenticated', 'portico_gateway']) role,
      unnest(array['public', 'private', 'gateway']) schema,
      unnest(array['usage', 'create']) privilege
    where has_schema_privilege(role, schema, privilege)`;
  assertEquals(held.map(({ name }) => name).sort(), [
    "anon: usage public",
    "authenticated: usage private",
    "authenticated: usage public",
    "portico_gateway: usage gateway",
    "portico_gateway: usage public",
  ]);
});

test("privileges: callers have no rights on a new object until a migration grants them", async () => {
  const open = await rolledBack(async (tx) => {
    await tx`set local role postgres`;
    await tx`create table public.tomorrow (id bigint generated by default as identity)`;
    await tx`create view public.tomorrow_view as select * from public.tomorrow`;
    await tx`create function public.tomorrow() returns int language sql as 'select 1'`;
    await tx`create function private.tomorrow() returns int language sql as 'select 1'`;
    return await tx<{ name: string }[]>`
      select role || ' ' || name as name
      from unnest(array['anon', 'authenticated', 'portico_gateway']) role,
        unnest(array['public.tomorrow', 'public.tomorrow_view']) name
      where has_any_column_privilege(role, name, 'select, insert, update, references')
        or has_table_privilege(role, name, 'delete, truncate, trigger')
      union all
      select role || ' ' || name
      from unnest(array['anon', 'authenticated', 'portico_gateway']) role,
        unnest(array['public.tomorrow()', 'private.tomorrow()']) name
      where has_function_privilege(role, name, 'execute')
      union all
      select role || ' sequence' from unnest(array['anon', 'authenticated', 'portico_gateway']) role
      where has_sequence_privilege(role, 'public.tomorrow_id_seq', 'usage, select, update')`;
  });
  assertEquals(open.map(({ name }) => name), []);
});

test("privileges: portico_gateway inherits nothing and may only become authenticated", async () => {
  const [role] = await sql`
    select rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolbypassrls, rolreplication
    from pg_roles where rolname = 'portico_gateway'`;
  assertEquals(new Set(Object.values(role ?? { none: true })), new Set([false]));
  const memberships = await sql`
    select roleid::regrole::text as name, inherit_option, set_option, admin_option
    from pg_auth_members where member = 'portico_gateway'::regrole`;
  assertEquals(
    [...memberships],
    [{ name: "authenticated", inherit_option: false, set_option: true, admin_option: false }],
  );
});
