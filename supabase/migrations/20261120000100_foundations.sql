-- Foundations: extensions, schemas, default privileges and the login role of the gateway.
--
-- Schemas
--   public    what the Data API shows: Atomic CRM's tables and views, and the tenants around them
--   private   helpers of policies and triggers, and the trash; not exposed by the Data API
--   gateway   the gateway's own tables; not exposed by the Data API
--
-- Nothing is granted by default: every migration grants what its objects need. New functions are
-- executable by their owner alone.

create extension if not exists citext with schema extensions;
create extension if not exists pg_trgm with schema extensions;
create extension if not exists unaccent with schema extensions;
create extension if not exists btree_gin with schema extensions;

create schema if not exists private;
comment on schema private is 'Helpers of policies and triggers, and the trash. Not exposed by the Data API.';
revoke all on schema private from public, anon;
grant usage on schema private to authenticated, service_role;

create schema if not exists gateway;
comment on schema gateway is 'Tables of the API gateway itself. Not exposed by the Data API.';
revoke all on schema gateway from public, anon, authenticated;

alter default privileges revoke execute on functions from public;
alter default privileges in schema public revoke all on tables from anon, authenticated;
alter default privileges in schema public revoke all on sequences from anon, authenticated;
alter default privileges in schema public revoke all on functions from anon, authenticated;
alter default privileges in schema public grant all on tables to service_role;
alter default privileges in schema private grant all on tables to service_role;

-- The login role of the gateway. It has no password here: an operator sets one and puts it into
-- DATABASE_URL. NOINHERIT: it can do nothing as itself but become `authenticated` and use the
-- tables of schema gateway. Roles belong to the cluster, so another database may have made it.
do $$
begin
  create role portico_gateway with login noinherit;
exception
  when duplicate_object or unique_violation then null;
end
$$;

do $$
begin
  if not pg_has_role('portico_gateway', 'authenticated', 'member') then
    grant authenticated to portico_gateway with inherit false, set true;
  end if;
end
$$;

grant usage on schema gateway to portico_gateway;
