-- Creates the roles, schemas, default privileges and extensions of a hosted Supabase database
-- before its first migration. Runs once, as supabase_admin, in one transaction with the setting
-- portico.password. Source: https://supabase.com/docs/guides/database/postgres/roles

create role anon nologin noinherit;
create role authenticated nologin noinherit;
create role service_role nologin noinherit bypassrls;
create role authenticator login noinherit;
create role postgres login createrole createdb replication bypassrls;
create role supabase_auth_admin login noinherit createrole;
create role supabase_storage_admin login noinherit createrole;

do $$
declare
  role_name text;
begin
  foreach role_name in array array[
    'postgres', 'authenticator', 'supabase_auth_admin', 'supabase_storage_admin'
  ] loop
    execute format(
      'alter role %I password %L', role_name, current_setting('portico.password')
    );
  end loop;
end
$$;

grant anon, authenticated, service_role to authenticator;
grant anon, authenticated, service_role, authenticator to postgres with admin option;
grant pg_monitor, pg_read_all_data, pg_signal_backend to postgres with admin option;
grant authenticator to supabase_storage_admin;

alter role anon set statement_timeout = '3s';
alter role authenticated set statement_timeout = '8s';
alter role authenticator set statement_timeout = '8s';
alter role authenticator set lock_timeout = '8s';

-- The owner of schema public is pg_database_owner, so postgres becomes its owner too.
alter database postgres owner to postgres;
alter database postgres set search_path to "$user", public, extensions;
alter role postgres set search_path to "$user", public, extensions;
alter role supabase_admin set search_path to "$user", public, auth, extensions;
alter role supabase_auth_admin set search_path to auth;
alter role supabase_storage_admin set search_path to storage;

grant usage on schema public to postgres, anon, authenticated, service_role;

do $$
declare
  owner_name text;
  kind text;
begin
  foreach owner_name in array array['postgres', 'supabase_admin'] loop
    foreach kind in array array['tables', 'functions', 'sequences'] loop
      execute format(
        'alter default privileges for role %I in schema public
           grant all on %s to postgres, anon, authenticated, service_role',
        owner_name, kind
      );
    end loop;
  end loop;
end
$$;

create schema auth authorization supabase_auth_admin;
create schema storage authorization supabase_storage_admin;
create schema extensions authorization supabase_admin;

grant usage on schema auth, storage to postgres, anon, authenticated, service_role;
grant all on schema auth, storage to supabase_admin;
grant usage on schema extensions to anon, authenticated, service_role;
grant all on schema extensions to postgres;

alter default privileges for role supabase_auth_admin in schema auth
  grant all on tables to postgres;
alter default privileges for role supabase_auth_admin in schema auth
  grant all on sequences to postgres;
alter default privileges for role supabase_storage_admin in schema storage
  grant all on tables to postgres, anon, authenticated, service_role;

create extension pgcrypto with schema extensions;
create extension "uuid-ossp" with schema extensions;
-- moddatetime is not a trusted extension. Hosted Supabase lets postgres create it, this cluster
-- does not.
create extension moddatetime with schema extensions;
