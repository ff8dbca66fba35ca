-- Writes the audit log: one row for each record that a statement creates, changes or deletes.
--
-- Fields that say nothing about a record are left out: id, workspace_id, updated_at, search, and a
-- deal's index, which moves whenever another deal of its column does. An update that changes nothing
-- else leaves no row.
--
-- The triggers sort before those of the trash, so that a deletion stands before what it brings about.

create function private.write_audit_log()
returns trigger
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  left_out constant text[] := '{id,workspace_id,updated_at,search,index}';
  caller constant uuid := auth.uid();
  caller_member constant bigint := private.member_id();
  request constant text := nullif(current_setting('portico.request_id', true), '');
  created constant text := case when private.is_restoring() then 'restored' else 'created' end;
  winner_id constant bigint := nullif(current_setting('portico.merged_into', true), '')::bigint;
begin
  if tg_op = 'INSERT' then
    insert into public.audit_log (
      workspace_id, table_name, record_id, action, after, member_id, user_id, request_id
    )
    select
      n.workspace_id,
      tg_table_name,
      n.id,
      created,
      jsonb_strip_nulls(to_jsonb(n) - left_out),
      caller_member,
      caller,
      request
    from new_rows n;
  elsif tg_op = 'UPDATE' then
    -- A full join is never a nested loop, whose plan one row would choose and a thousand suffer.
    insert into public.audit_log (
      workspace_id, table_name, record_id, action, before, after, member_id, user_id, request_id
    )
    select
      workspace_id,
      tg_table_name,
      id,
      case when changed.after ? 'stage' then 'stage_changed' else 'updated' end,
      changed.before,
      changed.after,
      caller_member,
      caller,
      request
    from old_rows o
    full join new_rows n using (workspace_id, id)
    cross join lateral (
      select
        jsonb_object_agg(field, old_row -> field) as before,
        jsonb_object_agg(field, value) as after
      from (select to_jsonb(o) as old_row offset 0) as converted_once
      cross join jsonb_each(to_jsonb(n)) as new_row (field, value)
      where field <> all (left_out) and old_row -> field is distinct from value
    ) as changed
    where changed.after is not null;
  else
    insert into public.audit_log (
      workspace_id, table_name, record_id, action, before, after, member_id, user_id, request_id
    )
    select
      o.workspace_id,
      tg_table_name,
      o.id,
      case when winner_id is null then 'deleted' else 'merged' end,
      jsonb_strip_nulls(to_jsonb(o) - left_out),
      case when winner_id is not null then jsonb_build_object('merged_into', winner_id) end,
      caller_member,
      caller,
      request
    from old_rows o
    -- Not in a workspace that is being deleted itself.
    where exists (select from public.workspaces w where w.id = o.workspace_id);
  end if;
  return null;
end
$$;
comment on function private.write_audit_log() is
  'Notes in the audit log what a statement did, to which records, and who ran it.';

-- The same three triggers on every table whose records people work with.
do $$
declare
  business_table text;
begin
  foreach business_table in array array[
    'companies', 'contacts', 'contact_notes', 'deals', 'deal_notes', 'tasks', 'tags', 'sales',
    'configuration'
  ]
  loop
    execute format(
      'create trigger "05_audit_inserted" after insert on public.%1$I
         referencing new table as new_rows
         for each statement execute function private.write_audit_log();
       create trigger "05_audit_updated" after update on public.%1$I
         referencing old table as old_rows new table as new_rows
         for each statement execute function private.write_audit_log();
       create trigger "05_audit_deleted" after delete on public.%1$I
         referencing old table as old_rows
         for each statement execute function private.write_audit_log()',
      business_table
    );
  end loop;
end
$$;
