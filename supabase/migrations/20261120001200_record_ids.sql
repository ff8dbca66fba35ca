-- The database gives ids, and a record keeps its id and its workspace for good.
--
-- Ids come from sequences that all workspaces share. A member who chose their own could take the
-- next ones away from everybody, or the id of a record that waits in another workspace's trash.
--
-- Errors
--   PT403 id_not_allowed   a caller inserts a record under an id of their own choice
--   PT403 identity_fixed   a caller changes a record's id or workspace
--
-- Both bind callers, not the service role, which imports records under their old ids.

create function private.guard_new_id()
returns trigger
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  -- The default has just been taken from the sequence, unless an id was given.
  if current_setting('portico.restoring', true) is distinct from 'on'
    and new.id is distinct from currval(tg_argv[0]::regclass)
  then
    raise exception using
      errcode = 'PT403',
      message = 'The database gives ids. Leave the id out.',
      detail = 'id_not_allowed';
  end if;
  return new;
end
$$;
comment on function private.guard_new_id() is 'Refuses ids that callers chose.';

create function private.guard_identity()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  raise exception using
    errcode = 'PT403',
    message = 'A record''s id and workspace cannot be changed.',
    detail = 'identity_fixed';
end
$$;
comment on function private.guard_identity() is 'Refuses changes of a record''s id and workspace.';

do $$
declare
  table_name text;
begin
  foreach table_name in array array[
    'companies', 'contacts', 'contact_notes', 'deals', 'deal_notes', 'tasks', 'tags',
    'favicons_excluded_domains'
  ] loop
    execute format(
      'create trigger "05_guard_new_id"
         before insert on public.%1$I
         for each row
         when (auth.uid() is not null)
         execute function private.guard_new_id(%2$L);
       create trigger "05_guard_identity"
         before update of id, workspace_id on public.%1$I
         for each row
         when (
           auth.uid() is not null
           and (old.id, old.workspace_id) is distinct from (new.id, new.workspace_id)
         )
         execute function private.guard_identity()',
      table_name, pg_get_serial_sequence('public.' || table_name, 'id')
    );
  end loop;
end
$$;
