-- Foundations: extensions, schemas, default privileges, the gateway's role and shared helpers.
--
-- There is one file per aggregate. Each object is created once, in its final form. A file begins
-- with a comment that lists its objects and errors. A file with one table has this order, and a
-- file with several tables repeats it in one section per table:
--   1. table with its constraints        4. triggers, each after its function
--   2. indexes                           5. views
--   3. policies and grants               6. functions that callers or jobs execute
-- Comments and grants directly follow their object. A function that an index, a policy, a trigger
-- or a view calls precedes it. Rows that every database contains come last. An object that uses
-- several aggregates is in the last of their files. A parameter with the name of a column has the
-- prefix p_, or the body qualifies it with the name of the function.
--
-- Schemas
--   public    tables and views of the Data API: those of Atomic CRM, workspaces and the audit log
--   private   helpers of policies and triggers, views with search vectors, and the trash; not exposed
--             by the Data API
--   gateway   tables of the API gateway; not exposed by the Data API
--
-- By default, service_role gets all privileges on new tables, and nobody else gets any. Only the
-- owner of a new function may execute it. Each file grants the privileges that its objects need.

create extension if not exists citext with schema extensions;
create extension if not exists fuzzystrmatch with schema extensions;
create extension if not exists pg_trgm with schema extensions;
create extension if not exists unaccent with schema extensions;
create extension if not exists btree_gin with schema extensions;

create schema if not exists private;
comment on schema private is
  'Helpers of policies and triggers, and the trash. Not exposed by the Data API.';
revoke all on schema private from public, anon;
grant usage on schema private to authenticated, service_role;

create schema if not exists gateway;
comment on schema gateway is 'Tables of the API gateway. Not exposed by the Data API.';
revoke all on schema gateway from public, anon, authenticated;

alter default privileges revoke execute on functions from public;
alter default privileges in schema public revoke all on tables from anon, authenticated;
alter default privileges in schema public revoke all on sequences from anon, authenticated;
alter default privileges in schema public revoke all on functions from anon, authenticated;
alter default privileges in schema public grant all on tables to service_role;
alter default privileges in schema private grant all on tables to service_role;

-- The login role of the gateway. An operator sets its password and puts it into DATABASE_URL. With
-- NOINHERIT the role can only use schema gateway and switch to `authenticated`. Roles belong to the
-- cluster, so the role may already exist.
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

-- Row versions ----------------------------------------------------------------------------------

create function private.set_updated_at()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  new.updated_at := old.updated_at;
  if current_user = 'authenticated' then
    new.created_at := old.created_at;
  end if;
  -- *<> compares the stored bytes, because json has no equality operator.
  if new *<> old then
    new.updated_at := greatest(clock_timestamp(), old.updated_at + interval '1 microsecond');
  end if;
  return new;
end
$$;
comment on function private.set_updated_at() is
  'Sets updated_at to a later time when a row changes. An update without a change keeps it. '
  'Ignores other values of updated_at, and values of created_at that members send.';

-- Triggers of statements --------------------------------------------------------------------------

-- A bulk of records is handled faster by one statement than row by row. The function reads the rows
-- before the statement from old_rows, and those after it from new_rows.
create procedure private.add_statement_triggers(
  table_name text, trigger_name text, function_name text
)
language plpgsql
set search_path = ''
as $$
begin
  execute format(
    $sql$
      create trigger %2$I
        after insert on public.%1$I
        referencing new table as new_rows
        for each statement
        execute function private.%5$I();
      create trigger %3$I
        after update on public.%1$I
        referencing old table as old_rows new table as new_rows
        for each statement
        execute function private.%5$I();
      create trigger %4$I
        after delete on public.%1$I
        referencing old table as old_rows
        for each statement
        execute function private.%5$I();
    $sql$,
    table_name, trigger_name || '_inserted', trigger_name || '_updated', trigger_name || '_deleted',
    function_name
  );
end
$$;
comment on procedure private.add_statement_triggers(text, text, text) is
  'Adds triggers to a table that call a function once for each statement: <name>_inserted, '
  '<name>_updated and <name>_deleted.';

-- Full-text search ------------------------------------------------------------------------------

-- A search vector has four weights: A for the name, B for e-mail and web addresses, C for title,
-- phone and place, and D for long text. Accents are removed and punctuation separates words, so
-- that the whole address, lovelace and example.com all find ada.lovelace@example.com.
-- private.search_query() prepares the words of the user in the same way.
--
-- Only the first 10,000 characters of each text are searched. Postgres computes the vectors of notes
-- again with each search, so the length of the text bounds the time of a search.

create function private.searchable(text_value text)
returns text
language plpgsql immutable parallel safe
set search_path = ''
as $$
begin
  return regexp_replace(
    extensions.unaccent('extensions.unaccent'::regdictionary, left(text_value, 10000)),
    '[]@._+/\\,;:()[{}<>"''|&!?#*%=~^$`-]+', ' ', 'g'
  );
end
$$;
comment on function private.searchable(text) is
  'Returns the first 10,000 characters of the text without accents, and with spaces in place of '
  'punctuation.';
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
  'Returns the search vector of four texts, with the weights A, B, C and D.';
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
  'Returns a query that requires all words of the text as prefixes. Null when there are no words.';
grant execute on function private.search_query(text) to authenticated, service_role;

-- The gateway searches a view in private, whose column search has the vectors. Clients of the Data
-- API read the view of the same name in public, which has all other columns: the vectors would be
-- more than half of a page.

create procedure private.add_public_view(view_name text)
language plpgsql
set search_path = ''
as $$
declare
  names constant text := (
    select string_agg(quote_ident(a.attname), ', ' order by a.attnum)
    from pg_attribute a
    where a.attrelid = format('private.%I', view_name)::regclass
      and a.attnum > 0
      and a.attname <> 'search'
  );
begin
  execute format(
    $sql$
      create view public.%1$I
      with (security_invoker = on)
      as
      select %2$s from private.%1$I;
      comment on view private.%1$I is 'The view of this name in public, with the search vectors.';
      grant select on public.%1$I, private.%1$I to authenticated;
    $sql$,
    view_name, names
  );
end
$$;
comment on procedure private.add_public_view(text) is
  'Creates a view in public with all columns of the view of this name in private, except search.';
