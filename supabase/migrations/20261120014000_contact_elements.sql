-- Contacts by one of their addresses, numbers or tags, and deals by one of their contacts, through an
-- index.
--
-- Functions  private.contacts_with(column_name, wanted): whose email_jsonb or phone_jsonb holds the
--            elements of wanted
--            private.few_with_ids(column_name, ids, hold_all, most): contacts by their tags, deals by
--            their contact_ids, unless they are more
--
-- Under row level security @> cannot use an index (see search): the function looks in it itself, in the
-- caller's workspace only.

create index ix__contacts__phone_jsonb on public.contacts using gin (phone_jsonb jsonb_path_ops);

create function private.contacts_with(column_name text, wanted jsonb)
returns setof bigint
language plpgsql stable security definer
set search_path = ''
as $$
declare
  caller_workspace constant uuid := private.workspace_id();
begin
  case column_name
    when 'email_jsonb' then
      return query
        select c.id from public.contacts c
        where c.workspace_id = caller_workspace and c.email_jsonb @> wanted;
    when 'phone_jsonb' then
      return query
        select c.id from public.contacts c
        where c.workspace_id = caller_workspace and c.phone_jsonb @> wanted;
  end case;
end
$$;
comment on function private.contacts_with(text, jsonb) is
  'Ids of the caller''s contacts whose email_jsonb or phone_jsonb holds these elements.';
revoke all on function private.contacts_with(text, jsonb) from public;
grant execute on function private.contacts_with(text, jsonb) to authenticated, service_role;

create function private.few_with_ids(
  column_name text, ids bigint[], hold_all boolean, most integer
)
returns bigint[]
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  caller_workspace constant uuid := private.workspace_id();
  holders constant text := format(
    'select t.id, t.workspace_id from public.%I t where t.%I operator(pg_catalog.%s) %L::bigint[]',
    case column_name when 'tags' then 'contacts' when 'contact_ids' then 'deals' end,
    column_name,
    case when hold_all then '@>' else '&&' end,
    ids
  );
  found_ids bigint[];
begin
  -- To find a frequent id in the index would cost more than the list itself.
  if private.estimated_rows(holders) > 5 * most then
    return null;
  end if;
  -- Offset keeps the workspace, which has far more records, from the choice of the index.
  execute format(
    'select array_agg(found.id)
     from (
       select held.id from (%s offset 0) as held where held.workspace_id = $1 limit $2
     ) as found',
    holders
  ) into found_ids using caller_workspace, most + 1;
  return case when cardinality(found_ids) > most then null else coalesce(found_ids, '{}') end;
end
$$;
comment on function private.few_with_ids(text, bigint[], boolean, integer) is
  'Ids of the caller''s contacts by tags, or deals by contact_ids, that hold all or one of these ids; null when they are more than most, or when the planner expects far more.';
revoke all on function private.few_with_ids(text, bigint[], boolean, integer) from public;
grant execute on function private.few_with_ids(text, bigint[], boolean, integer) to authenticated;
