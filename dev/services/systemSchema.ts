/**
 * Creates what a hosted database has before the first migration: the schemas `auth` and `storage`
 * with their functions, owners and grants, and the trigger that notifies the REST server of schema
 * changes.
 */

import { getAuthSchemaSql, getStorageSchemaSql } from "@supabase/lite";
import type { Sql } from "postgres";

const BEFORE = `
create schema if not exists auth;
create schema if not exists storage;
create schema if not exists extensions;
create extension if not exists pgcrypto with schema extensions;
do $$
declare
  name text;
begin
  foreach name in array array['anon', 'authenticated', 'service_role', 'supabase_auth_admin',
    'supabase_storage_admin']
  loop
    if not exists (select from pg_roles where rolname = name) then
      execute format('create role %I nologin noinherit', name);
    end if;
  end loop;
  if not (select rolbypassrls from pg_roles where rolname = 'service_role') then
    alter role service_role bypassrls;
  end if;
end $$;
`;

/** Same bodies as on the hosted platform: the legacy setting of each claim wins over the JSON. */
const AUTH_FUNCTIONS = `
create or replace function auth.uid() returns uuid language sql stable as $$
  select coalesce(
    nullif(current_setting('request.jwt.claim.sub', true), ''),
    (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')
  )::uuid
$$;
create or replace function auth.role() returns text language sql stable as $$
  select coalesce(
    nullif(current_setting('request.jwt.claim.role', true), ''),
    (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role')
  )::text
$$;
create or replace function auth.email() returns text language sql stable as $$
  select coalesce(
    nullif(current_setting('request.jwt.claim.email', true), ''),
    (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'email')
  )::text
$$;
create or replace function auth.jwt() returns jsonb language sql stable as $$
  select coalesce(
    nullif(current_setting('request.jwt.claim', true), ''),
    nullif(current_setting('request.jwt.claims', true), '')
  )::jsonb
$$;
`;

const OWNERS_AND_GRANTS = `
do $$
declare
  owned record;
begin
  for owned in
    select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname in ('auth', 'storage') and c.relkind in ('r', 'v', 'S')
  loop
    execute format('alter table %I.%I owner to %I', owned.nspname, owned.relname,
      'supabase_' || owned.nspname || '_admin');
  end loop;
  for owned in
    select n.nspname, p.oid::regprocedure as signature
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where n.nspname in ('auth', 'storage')
  loop
    execute format('alter function %s owner to %I', owned.signature,
      'supabase_' || owned.nspname || '_admin');
  end loop;
end $$;
alter schema auth owner to supabase_auth_admin;
alter schema storage owner to supabase_storage_admin;

grant usage on schema auth, storage, extensions to anon, authenticated, service_role;
grant usage on schema extensions to supabase_auth_admin, supabase_storage_admin;
grant all on all tables in schema storage to anon, authenticated, service_role;
do $$
begin
  if exists (select from pg_roles where rolname = 'postgres') then
    grant usage on schema auth, storage to postgres;
    grant all on all tables in schema auth to postgres with grant option;
    grant all on all tables in schema storage to postgres with grant option;
    -- Hosted projects let postgres write policies on storage's tables without owning them.
    grant supabase_storage_admin to postgres;
  end if;
end $$;
`;

/** Source: https://supabase.com/docs/guides/api/rest/... and docs.postgrest.org, "Schema Cache Reloading". */
const SCHEMA_WATCH = `
create or replace function extensions.pgrst_ddl_watch() returns event_trigger
language plpgsql set search_path = '' as $$
begin
  notify pgrst, 'reload schema';
end $$;
drop event trigger if exists pgrst_ddl_watch;
create event trigger pgrst_ddl_watch on ddl_command_end
  execute function extensions.pgrst_ddl_watch();
drop event trigger if exists pgrst_drop_watch;
create event trigger pgrst_drop_watch on sql_drop
  execute function extensions.pgrst_ddl_watch();
`;

/** Creates or completes the schemas in one transaction. `sql` must be a superuser's. */
export async function ensureSystemSchema(sql: Sql): Promise<void> {
  await sql.begin(async (transaction) => {
    await transaction.unsafe(BEFORE);
    await transaction.unsafe(getAuthSchemaSql());
    await transaction.unsafe(getStorageSchemaSql());
    await transaction.unsafe(AUTH_FUNCTIONS + OWNERS_AND_GRANTS + SCHEMA_WATCH);
  });
}
