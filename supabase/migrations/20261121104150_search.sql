-- Search: full-text search in records, and a search by similar spelling when it finds few records.
--
-- Functions  private.search_ids(table_name, words): ids of all matches
--            private.matching_ids(kind, words, max_ids): the same, or null for more than max_ids
--            private.holder_ids(column_name, ids, hold_all, max_ids): ids of contacts by tags, or
--            of deals by contact_ids; null for more than max_ids
--            private.search_records(words, kinds, max_hits) returns jsonb
--            [{"kind", "id", "title", "subtitle", "rank", "matched", "contact_id" or "deal_id"}]
--
-- A record matches when it contains every word as a prefix.
--
-- The gateway refuses more than 6 words, and stops a search after 2 seconds.
--
-- With row-level security, PostgreSQL cannot use a GIN index for @@, ilike and @>, because these
-- operators are not leakproof. The functions therefore run as their owner and filter by the
-- caller's workspace. Example: where id in (select private.search_ids('contacts', 'ada love'))

create function private.search_ids(table_name text, words text)
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
  'Returns the ids of contacts, companies or deals in the caller''s workspace that match the '
  'words. Returns no ids when there are no words.';
grant execute on function private.search_ids(text, text) to authenticated, service_role;

-- Newest matches --------------------------------------------------------------------------------

-- For a common word, the index would return most of the table. It is faster to read the newest
-- records until enough of them match. The newest 500 records show whether a word is common.

create function private.vector_sql(kind text)
returns text
language sql immutable
set search_path = ''
as $$
  select case
    when kind in ('contacts', 'companies', 'deals') then 't.search'
    when kind in ('contact_notes', 'deal_notes') then
      'private.search_vector(null, null, null, t.text)'
  end
$$;
comment on function private.vector_sql(text) is
  'Returns the SQL of the search vector of a row t. Null for a kind without search.';

create function private.sample_vector_sql(kind text)
returns text
language sql immutable
set search_path = ''
as $$
  select case
    when kind in ('contact_notes', 'deal_notes') then
      'private.search_vector(null, null, null, left(t.text, 1000))'
    else private.vector_sql(kind)
  end
$$;
comment on function private.sample_vector_sql(text) is
  'Returns the SQL of a search vector of a row t that takes little time to compute: those of notes '
  'have the words of the first 1,000 characters.';

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
comment on function private.newest_sql(text) is
  'Returns the SQL that orders rows t from newest to oldest, as an index does.';

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
    $sql$
      select (count(*) / 500.0)::real
      from (
        select %s as vector from public.%I t where t.workspace_id = $1 order by %s limit 500
      ) newest
      where vector @@ $2
    $sql$,
    private.sample_vector_sql(kind), kind, private.newest_sql(kind)
  ) into share using caller_workspace, wanted;
  return share;
end
$$;
comment on function private.matching_share(text, tsquery) is
  'Returns the share of matches, from 0 to 1, in the newest 500 records of the caller''s '
  'workspace.';

create function private.newest_matches(kind text, words text, max_ids integer)
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
  -- coalesce prevents the use of the search index. offset 0 prevents the use of the index of the
  -- order.
  return query execute format(
    case
      when private.matching_share(kind, wanted) >= 0.05 then $sql$
        select t.id from public.%1$I t
        where t.workspace_id = $1 and coalesce(%2$s @@ $2, false)
        order by %3$s limit $3
      $sql$
      else $sql$
        select t.id
        from (select * from public.%1$I t where t.workspace_id = $1 and %2$s @@ $2 offset 0) t
        order by %3$s limit $3
      $sql$
    end,
    kind, private.vector_sql(kind), private.newest_sql(kind)
  ) using caller_workspace, wanted, max_ids;
end
$$;
comment on function private.newest_matches(text, text, integer) is
  'Returns the ids of the newest matches in the caller''s workspace, at most max_ids.';

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
  'Returns the number of rows that the planner expects. The text of the statement must be trusted.';

create function private.matching_ids(kind text, words text, max_ids integer)
returns bigint[]
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  caller_workspace constant uuid := private.workspace_id();
  wanted constant tsquery := private.search_query(words);
  record_count bigint;
  share real;
  ids bigint[];
begin
  if wanted is null or private.vector_sql(kind) is null then
    return '{}';
  end if;
  record_count := private.estimated_rows(
    format('select from public.%I t where t.workspace_id = %L', kind, caller_workspace)
  );
  share := private.matching_share(kind, wanted);
  -- In a large workspace, counting matches would take longer than reading the list. One or two
  -- matches in the newest records are not a reliable sample.
  if record_count > 50 * max_ids and share > 0.005 and record_count * share > 2 * max_ids then
    return null;
  end if;
  execute format(
    case
      when share >= 0.05 then $sql$
        select array_agg(found.id)
        from (
          select t.id from public.%1$I t
          where t.workspace_id = $1 and coalesce(%2$s @@ $2, false)
          order by %3$s limit $3
        ) as found
      $sql$
      else $sql$
        select array_agg(found.id)
        from (
          select t.id from public.%1$I t where t.workspace_id = $1 and %2$s @@ $2 limit $3
        ) as found
      $sql$
    end,
    kind, private.vector_sql(kind), private.newest_sql(kind)
  ) into ids using caller_workspace, wanted, max_ids + 1;
  return case when cardinality(ids) > max_ids then null else coalesce(ids, '{}') end;
end
$$;
comment on function private.matching_ids(text, text, integer) is
  'Returns the ids of the matches in the caller''s workspace. Null when there are more than '
  'max_ids. With more than 50 * max_ids records, also null when a sample suggests over 2 * max_ids '
  'matches.';
grant execute on function private.matching_ids(text, text, integer) to authenticated;

-- Records with an id in an array ----------------------------------------------------------------

create function private.holder_ids(
  column_name text, ids bigint[], hold_all boolean, max_ids integer
)
returns bigint[]
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  caller_workspace constant uuid := private.workspace_id();
  holders constant text := format(
    'select t.id, t.workspace_id from public.%I t where t.%I operator(pg_catalog.%s) %L::bigint[]',
    case column_name when 'tags' then 'contacts' else 'deals' end,
    column_name,
    case when hold_all then '@>' else '&&' end,
    ids
  );
  known_ids constant bigint := case column_name
    when 'tags' then (
      select count(*) from public.tags t
      where t.workspace_id = caller_workspace and t.id = any (ids)
    )
    when 'contact_ids' then (
      select count(*) from public.contacts c
      where c.workspace_id = caller_workspace and c.id = any (ids)
    )
  end;
  found_ids bigint[];
begin
  -- Other columns have no index. For an id of another workspace the planner's estimate would tell its
  -- frequency.
  if known_ids is null or known_ids < (select count(distinct id) from unnest(ids) as id) then
    return null;
  end if;
  -- Finding a common id in the index would take longer than reading the list.
  if private.estimated_rows(holders) > 5 * max_ids then
    return null;
  end if;
  -- offset 0 prevents the use of an index of the workspace, which has many more records.
  execute format(
    $sql$
      select array_agg(found.id)
      from (
        select h.id from (%s offset 0) as h where h.workspace_id = $1 limit $2
      ) as found
    $sql$,
    holders
  ) into found_ids using caller_workspace, max_ids + 1;
  return case when cardinality(found_ids) > max_ids then null else coalesce(found_ids, '{}') end;
end
$$;
comment on function private.holder_ids(text, bigint[], boolean, integer) is
  'Returns the ids of contacts (by tags) or deals (by contact_ids) in the caller''s workspace that '
  'hold all or any of these ids. Null when there are more than max_ids, when the planner expects 5 * '
  'max_ids, or when one of the ids is not the caller''s.';
grant execute on function private.holder_ids(text, bigint[], boolean, integer) to authenticated;

-- Search in several kinds of records ------------------------------------------------------------

-- matched is "words" for a match, ranked by position and frequency of the words. It is "similar"
-- when every word is similar to a name or an address of the record, ranked by similarity. Notes are
-- never "similar".

create function private.hits_by_words(kind text, words text, max_hits integer)
returns table (id bigint, rank real)
language plpgsql stable security definer
set search_path = ''
as $$
declare
  caller_workspace constant uuid := private.workspace_id();
begin
  return query execute format(
    $sql$
      select t.id, ts_rank(%2$s, $2) as rank
      from public.%1$I t
      where t.workspace_id = $1 and t.id in (select private.newest_matches(%1$L, $3, %4$s))
      order by rank desc, %3$s
      limit $4
    $sql$,
    kind, private.sample_vector_sql(kind), private.newest_sql(kind),
    -- The vector of a note is computed to find and to rank it.
    case when kind in ('contact_notes', 'deal_notes') then 200 else 1000 end
  ) using caller_workspace, private.search_query(words), words, max_hits;
end
$$;
comment on function private.hits_by_words(text, text, integer) is
  'Returns the best of the newest 1,000 matches in the caller''s workspace, or of 200 notes, which '
  'are ranked by their first 1,000 characters.';

create function private.comparable_words(words text)
returns text[]
language sql immutable
set search_path = ''
as $$
  select coalesce(array_agg(distinct word), '{}')
  from (
    select lower(split_part(part, '@', 1)) as word
    from regexp_split_to_table(
      extensions.unaccent('extensions.unaccent'::regdictionary, words), '[\s,;]+'
    ) as part
  ) as parts
  where char_length(word) >= 3
$$;
comment on function private.comparable_words(text) is
  'Returns the words that have at least three characters and can be compared by spelling.';

create function private.hits_by_spelling(kind text, words text, max_hits integer)
returns table (id bigint, rank real)
language plpgsql stable security definer
set search_path = ''
as $$
declare
  caller_workspace constant uuid := private.workspace_id();
  compared constant text[] := private.comparable_words(words);
  names constant text := case kind
    when 'contacts' then 'private.contact_spelling(t.first_name, t.last_name, t.email_jsonb)'
    else 't.name'
  end;
begin
  if compared = '{}' or kind not in ('contacts', 'companies', 'deals') then
    return;
  end if;
  perform set_config('pg_trgm.word_similarity_threshold', '0.45', true);
  return query execute format(
    $sql$
      select candidates.id, least(similarity.lowest, 1)::real
      from (
        select distinct found.id, found.names
        from unnest($2) as word
        cross join lateral (
          select t.id, %2$s as names
          from public.%1$I t
          where t.workspace_id = $1 and word operator(extensions.<%%) %2$s
          limit 200
        ) found
      ) candidates
      cross join lateral (
        select min(compared.similarity) as lowest, avg(compared.similarity) as mean
        from (
          select extensions.word_similarity(other, candidates.names) as similarity
          from unnest($2) as other
          offset 0
        ) compared
      ) similarity
      where similarity.lowest >= 0.45
      order by similarity.mean desc, candidates.id desc
      limit $3
    $sql$,
    kind, names
  ) using caller_workspace, compared, max_hits;
end
$$;
comment on function private.hits_by_spelling(text, text, integer) is
  'Returns records of the caller''s workspace whose names or addresses are similar to every word.';

create function private.describe_hit(kind text, record_id bigint)
returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
begin
  return case kind
    when 'contacts' then (
      select jsonb_build_object(
        'title', coalesce(
          nullif(btrim(concat_ws(' ', c.first_name, c.last_name)), ''),
          c.email_jsonb #>> '{0,email}', '#' || c.id
        ),
        'subtitle', coalesce(
          nullif(concat_ws(', ', nullif(c.title, ''), co.name), ''), c.email_jsonb #>> '{0,email}'
        )
      )
      from public.contacts c
      left join public.companies co on co.workspace_id = c.workspace_id and co.id = c.company_id
      where c.id = record_id
    )
    when 'companies' then (
      select jsonb_build_object(
        'title', c.name,
        'subtitle', nullif(concat_ws(', ', nullif(c.sector, ''), nullif(c.city, '')), '')
      )
      from public.companies c
      where c.id = record_id
    )
    when 'deals' then (
      select jsonb_build_object('title', d.name, 'subtitle', concat_ws(', ', d.stage, co.name))
      from public.deals d
      left join public.companies co on co.workspace_id = d.workspace_id and co.id = d.company_id
      where d.id = record_id
    )
    when 'contact_notes' then (
      select jsonb_build_object(
        'title', left(btrim(n.text), 200),
        'subtitle', private.describe_hit('contacts', n.contact_id) -> 'title',
        'contact_id', n.contact_id
      )
      from public.contact_notes n
      where n.id = record_id
    )
    when 'deal_notes' then (
      select jsonb_build_object(
        'title', left(btrim(n.text), 200), 'subtitle', d.name, 'deal_id', n.deal_id
      )
      from public.deal_notes n
      join public.deals d on d.workspace_id = n.workspace_id and d.id = n.deal_id
      where n.id = record_id
    )
  end;
end
$$;
comment on function private.describe_hit(text, bigint) is
  'Returns title and subtitle of a record, and the contact or the deal of a note. For '
  'search_records() only, because it does not check the workspace.';

create function private.search_records(words text, kinds text[], max_hits integer)
returns jsonb
language sql stable security definer
set search_path = ''
as $$
  with by_words as materialized (
    select wanted.kind, wanted.position, hit.id, hit.rank
    from unnest(kinds) with ordinality as wanted (kind, position)
    cross join lateral private.hits_by_words(wanted.kind, words, max_hits) as hit
  ), hits as (
    select b.*, 'words' as matched from by_words b
    union all
    select wanted.kind, wanted.position, hit.id, hit.rank, 'similar'
    from unnest(kinds) with ordinality as wanted (kind, position)
    cross join lateral (select count(*) as hits from by_words b where b.kind = wanted.kind) as found
    cross join lateral private.hits_by_spelling(
      -- With enough hits by words, the empty kind prevents the search by spelling.
      case when found.hits < least(max_hits, 5) then wanted.kind else '' end, words, max_hits
    ) as hit
    where not exists (select from by_words b where b.kind = wanted.kind and b.id = hit.id)
  ), shown as (
    select
      h.*,
      row_number() over (partition by h.kind order by h.matched desc, h.rank desc) as place
    from hits h
  )
  select coalesce(
    jsonb_agg(
      jsonb_build_object('kind', s.kind, 'id', s.id, 'rank', s.rank, 'matched', s.matched)
        || private.describe_hit(s.kind, s.id)
      order by s.matched desc, s.rank desc, s.position, s.place
    ),
    '[]'
  )
  from shown s
  where s.place <= max_hits
$$;
comment on function private.search_records(text, text[], integer) is
  'Returns at most max_hits records of each kind in the caller''s workspace, best first, as JSON.';
grant execute on function private.search_records(text, text[], integer) to authenticated;
