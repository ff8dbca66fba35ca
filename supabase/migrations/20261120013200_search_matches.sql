-- Matches of a search, newest first and at most so many, whatever number of records match.
--
-- Functions  private.newest_matches(kind, words, most): for every kind of record
--            private.few_matches(kind, words, most): all matches unless they are more
--            private.search_ids(table_name, words): all matches, now without a look at companies
--
-- A word that occurs everywhere is not worth its index, whose answer would be most of the table: the
-- newest records are read one by one instead until enough of them match. The newest 500 records tell
-- which of the two it is.
--
-- Notes have no vector of their own: the index is over the expression, so that rows stay small.

create index ix__contact_notes__workspace_id__search on public.contact_notes
  using gin (workspace_id, private.search_vector(null, null, null, text));
create index ix__deal_notes__workspace_id__search on public.deal_notes
  using gin (workspace_id, private.search_vector(null, null, null, text));

create or replace function private.search_ids(table_name text, words text)
returns setof bigint
language plpgsql stable security definer
set search_path = ''
as $$
declare
  caller_workspace constant uuid := private.workspace_id();
  wanted constant tsquery := private.search_query(words);
begin
  case table_name
    when 'contacts' then
      return query
        select c.id from public.contacts c
        where c.workspace_id = caller_workspace and c.search @@ wanted;
    when 'companies' then
      return query
        select c.id from public.companies c
        where c.workspace_id = caller_workspace and c.search @@ wanted;
    when 'deals' then
      return query
        select d.id from public.deals d
        where d.workspace_id = caller_workspace and d.search @@ wanted;
  end case;
end
$$;
comment on function private.search_ids(text, text) is
  'Ids of the caller''s contacts, companies or deals in which every word occurs; none without a word.';

create function private.vector_sql(kind text)
returns text
language sql immutable
set search_path = ''
as $$
  select case
    when kind in ('contacts', 'companies', 'deals') then 't.search'
    when kind in ('contact_notes', 'deal_notes') then 'private.search_vector(null, null, null, t.text)'
  end
$$;
comment on function private.vector_sql(text) is 'What is searched of a row t; null for a kind that is not searched.';

create function private.newest_sql(kind text)
returns text
language sql immutable
set search_path = ''
as $$
  select format('t.%I desc nulls last, t.id desc', case kind
    when 'contacts' then 'last_seen'
    when 'contact_notes' then 'date'
    when 'deal_notes' then 'date'
    else 'created_at'
  end)
$$;
comment on function private.newest_sql(text) is 'The order in which a kind''s rows t are newest first, as an index has it.';

create function private.matching_share(kind text, wanted tsquery)
returns real
language plpgsql stable security definer
set search_path = ''
as $$
declare
  caller_workspace constant uuid := private.workspace_id();
  share real;
begin
  execute format(
    'select (count(*) / 500.0)::real
     from (
       select %s as vector from public.%I t where t.workspace_id = $1 order by %s limit 500
     ) newest
     where vector @@ $2',
    private.vector_sql(kind), kind, private.newest_sql(kind)
  ) into share using caller_workspace, wanted;
  return share;
end
$$;
comment on function private.matching_share(text, tsquery) is
  'Which share of the caller''s newest 500 records matches, from 0 to 1.';

create function private.newest_matches(kind text, words text, most integer)
returns setof bigint
language plpgsql stable security definer
set search_path = ''
as $$
declare
  caller_workspace constant uuid := private.workspace_id();
  wanted constant tsquery := private.search_query(words);
begin
  if wanted is null or private.vector_sql(kind) is null then
    return;
  end if;
  -- In the first form coalesce keeps the condition from the index, in the second offset keeps the
  -- order from it.
  return query execute format(
    case when private.matching_share(kind, wanted) >= 0.05 then
      'select t.id from public.%1$I t
       where t.workspace_id = $1 and coalesce(%2$s @@ $2, false)
       order by %3$s limit $3'
    else
      'select t.id
       from (select * from public.%1$I t where t.workspace_id = $1 and %2$s @@ $2 offset 0) t
       order by %3$s limit $3'
    end,
    kind, private.vector_sql(kind), private.newest_sql(kind)
  ) using caller_workspace, wanted, most;
end
$$;
comment on function private.newest_matches(text, text, integer) is
  'Ids of the caller''s newest records of a kind in which every word occurs, as a prefix.';

create function private.estimated_rows(statement text)
returns bigint
language plpgsql volatile
set search_path = ''
as $$
declare
  plan json;
begin
  execute 'explain (format json) ' || statement into plan;
  return (plan #>> '{0,Plan,Plan Rows}')::bigint;
end
$$;
comment on function private.estimated_rows(text) is
  'How many rows the planner expects a statement to return. For trusted text alone.';

create function private.few_matches(kind text, words text, most integer)
returns bigint[]
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  caller_workspace constant uuid := private.workspace_id();
  wanted constant tsquery := private.search_query(words);
  records bigint;
  share real;
  ids bigint[];
begin
  if wanted is null or private.vector_sql(kind) is null then
    return '{}';
  end if;
  records := private.estimated_rows(
    format('select from public.%I t where t.workspace_id = %L', kind, caller_workspace)
  );
  share := private.matching_share(kind, wanted);
  -- In a large workspace to count the matches would cost more than the list itself. One or two matches
  -- among the newest are no sample.
  if records > 50 * most and share > 0.005 and records * share > 2 * most then
    return null;
  end if;
  execute format(
    case when share >= 0.05 then
      'select array_agg(t.id) from (
         select t.id from public.%1$I t
         where t.workspace_id = $1 and coalesce(%2$s @@ $2, false)
         order by %3$s limit $3
       ) t'
    else
      'select array_agg(t.id) from (
         select t.id from public.%1$I t where t.workspace_id = $1 and %2$s @@ $2 limit $3
       ) t'
    end,
    kind, private.vector_sql(kind), private.newest_sql(kind)
  ) into ids using caller_workspace, wanted, most + 1;
  return case when cardinality(ids) > most then null else coalesce(ids, '{}') end;
end
$$;
comment on function private.few_matches(text, text, integer) is
  'Ids of the caller''s records of a kind in which every word occurs, as a prefix; null when they are more than most. Above 50 * most records, null also when the newest let expect more than twice as many matches.';

revoke all on function
  private.vector_sql(text), private.newest_sql(text), private.matching_share(text, tsquery),
  private.newest_matches(text, text, integer), private.estimated_rows(text),
  private.few_matches(text, text, integer)
  from public;
grant execute on function private.few_matches(text, text, integer) to authenticated;
