-- External ids: the ids that records have in other systems, such as "hubspot 4711".
--
-- Tables      private.external_ids: one row for each element of the columns external_ids
-- Functions   private.external_ids_fit(external_ids)              whether they keep to the limits
--             private.find_external_ids(table_name, sources, ids) for callers of the gateway
--             private.sync_external_ids()                         for triggers of these tables
--
-- The column of the record is the truth. Triggers copy it into the table, whose constraint keeps an
-- id from belonging to two records. It is checked at the end of the transaction, because a merge
-- gives the ids of the losers to the winner before it deletes the losers.

create table private.external_ids (
  workspace_id uuid not null references public.workspaces (id) on delete cascade,
  table_name text not null,
  source text not null,
  external_id text not null,
  record_id bigint not null,
  primary key (workspace_id, table_name, record_id, source, external_id),
  constraint external_ids_key unique (workspace_id, table_name, source, external_id)
    deferrable initially deferred
);
comment on table private.external_ids is
  'The ids of records in other systems. Triggers of the records write it.';
comment on column private.external_ids.workspace_id is 'The workspace of the record.';
comment on column private.external_ids.table_name is 'The table of the record.';
comment on column private.external_ids.source is 'The other system.';
comment on column private.external_ids.external_id is 'The id in the other system.';
comment on column private.external_ids.record_id is 'The record.';

alter table private.external_ids enable row level security;
create policy "service role only" on private.external_ids for all to service_role
  using (true)
  with check (true);

create function private.external_ids_fit(external_ids jsonb)
returns boolean
language plpgsql immutable parallel safe strict
set search_path = ''
as $$
begin
  return
    jsonb_typeof(external_ids) = 'array'
    and jsonb_array_length(external_ids) <= 50
    and not jsonb_path_exists(
      external_ids,
      '$[*] ? (!(@.source.type() == "string" && @.id.type() == "string"))'
    )
    and not exists (
      select
      from jsonb_array_elements(external_ids) as element
      where char_length(element ->> 'source') not between 1 and 100
        or char_length(element ->> 'id') not between 1 and 255
    );
end
$$;
comment on function private.external_ids_fit(jsonb) is
  'Returns whether the value is an array of at most 50 objects with a source and an id.';
grant execute on function private.external_ids_fit(jsonb) to authenticated, service_role;

create function private.sync_external_ids()
returns trigger
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  if tg_op <> 'INSERT' then
    delete from private.external_ids e
    using old_rows o
    where o.external_ids is not null
      and e.workspace_id = o.workspace_id
      and e.table_name = tg_table_name
      and e.record_id = o.id;
  end if;
  if tg_op <> 'DELETE' then
    insert into private.external_ids (workspace_id, table_name, source, external_id, record_id)
    select n.workspace_id, tg_table_name, element ->> 'source', element ->> 'id', n.id
    from new_rows n
    cross join lateral jsonb_array_elements(n.external_ids) as element
    where n.external_ids is not null
    on conflict (workspace_id, table_name, record_id, source, external_id) do nothing;
  end if;
  return null;
end
$$;
comment on function private.sync_external_ids() is
  'Copies the column external_ids of changed records into the table.';

create function private.find_external_ids(p_table_name text, p_sources text[], p_ids text[])
returns table (source text, external_id text, record_id bigint)
language plpgsql stable security definer
set search_path = ''
as $$
declare
  caller_workspace constant uuid := private.workspace_id();
begin
  -- Planned anew each time: a plan that was made while the table was empty is slow later.
  return query execute $sql$
    select e.source, e.external_id, e.record_id
    from unnest($3, $4) as wanted (source, external_id)
    join private.external_ids e
      on e.workspace_id = $1
      and e.table_name = $2
      and e.source = wanted.source
      and e.external_id = wanted.external_id
  $sql$
  using caller_workspace, p_table_name, p_sources, p_ids;
end
$$;
comment on function private.find_external_ids(text, text[], text[]) is
  'Returns the records of the caller''s workspace that have these ids in other systems. The two arrays '
  'hold one source and one id for each.';
grant execute on function private.find_external_ids(text, text[], text[]) to authenticated;
