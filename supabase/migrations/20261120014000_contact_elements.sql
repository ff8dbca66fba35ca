-- Contacts by one of their addresses or numbers, through an index.
--
-- Functions  private.contacts_with(column_name, wanted): whose email_jsonb or phone_jsonb holds the
--            elements of wanted
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
