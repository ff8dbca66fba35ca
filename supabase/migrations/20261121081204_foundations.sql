-- Foundations: extensions, schemas, default privileges, the gateway's role, and helpers of all tables.
--
-- One file for each aggregate, and each object once, in its final form. Every file has this order:
--   1. tables with their constraints     4. triggers, each behind its function
--   2. indexes                           5. views
--   3. policies and grants               6. functions that callers or jobs execute
-- Comments and grants stand directly behind their object. A function that an index, a policy or a
-- view calls stands before it. What joins several aggregates stands in the last one that it needs.
--
-- Schemas
--   public    what the Data API shows: Atomic CRM's tables and views, and the tenants around them
--   private   helpers of policies and triggers, and the trash; not exposed by the Data API
--   gateway   the gateway's own tables; not exposed by the Data API
--
-- Nothing is granted by default but tables to service_role: every file grants what its objects need.
-- New functions are executable by their owner alone.

create extension if not exists citext with schema extensions;
create extension if not exists pg_trgm with schema extensions;
create extension if not exists unaccent with schema extensions;
create extension if not exists btree_gin with schema extensions;

create schema if not exists private;
comment on schema private is
  'Helpers of policies and triggers, and the trash. Not exposed by the Data API.';
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

-- Versions of rows ------------------------------------------------------------------------------

create function private.set_updated_at()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  -- *<> compares the stored form: json has no equality operator.
  if new *<> old then
    new.updated_at := greatest(clock_timestamp(), old.updated_at + interval '1 microsecond');
  end if;
  return new;
end
$$;
comment on function private.set_updated_at() is
  'Moves updated_at strictly forward when anything changed, and leaves it alone otherwise.';

-- Words of texts --------------------------------------------------------------------------------

-- A search vector is weighted: A the name, B addresses on the net, C title, phone and place, D the
-- long text. Words are unaccented and split at punctuation, so that ada.lovelace@example.com is found
-- by the whole address, by lovelace and by example.com. private.search_query() splits what the user
-- typed in the same way; every word must occur, each as a prefix.

create function private.searchable(text_value text)
returns text
language plpgsql immutable parallel safe
set search_path = ''
as $$
begin
  return regexp_replace(
    extensions.unaccent('extensions.unaccent'::regdictionary, text_value),
    '[]@._+/\\,;:()[{}<>"''|&!?#*%=~^$`-]+', ' ', 'g'
  );
end
$$;
comment on function private.searchable(text) is
  'Text without accents, with punctuation turned into spaces.';
grant execute on function private.searchable(text) to authenticated, service_role;

create function private.search_vector(a text, b text, c text, d text)
returns tsvector
language plpgsql immutable parallel safe
set search_path = ''
as $$
begin
  return
    setweight(to_tsvector('pg_catalog.simple', private.searchable(coalesce(a, ''))), 'A')
    || setweight(to_tsvector('pg_catalog.simple', private.searchable(coalesce(b, ''))), 'B')
    || setweight(to_tsvector('pg_catalog.simple', private.searchable(coalesce(c, ''))), 'C')
    || setweight(to_tsvector('pg_catalog.simple', private.searchable(coalesce(d, ''))), 'D');
end
$$;
comment on function private.search_vector(text, text, text, text) is
  'The weighted vector of four texts.';
grant execute on function private.search_vector(text, text, text, text)
  to authenticated, service_role;

create function private.search_query(words text)
returns tsquery
language sql immutable parallel safe
set search_path = ''
as $$
  select string_agg(quote_literal(lexeme) || ':*', ' & ')::tsquery
  from unnest(to_tsvector('pg_catalog.simple', private.searchable(words)))
$$;
comment on function private.search_query(text) is
  'All words of the text, each as a prefix; null when it holds no word.';
grant execute on function private.search_query(text) to authenticated, service_role;
