-- Records: what every business record has, whoever writes it. A workspace, an owner, an id that the
-- database gave, and references to records that exist.
--
-- Procedures   private.add_identity_triggers(table_name)   id and workspace stay as they are
--              private.add_owner_triggers(table_name)      workspace_id and sales_id
--
-- The triggers of a row run in the order of their names:
--   05_guard_…           the id and the workspace of a record stay as they are
--   10_set_workspace     workspace_id from the caller; without one from the parent or owner;
--                        10_set_workspace_and_owner also sales_id from the caller when it is empty
--   20_guard_owner       only its owner, a manager or an admin gives a record away
--   30_…                 values are normalised or checked
--   40_set_closed_at     a deal's closing date follows its stage
--   50_set_search        the words of the record
--   90_set_updated_at    moves forward with every real change: it is the ETag
--
-- Errors
--   PT422 workspace_required                no caller, owner or parent to take the workspace from
--   PT403 owner_change_not_allowed          not the owner, a manager or an admin
--   PT403 id_not_allowed                    a caller inserts a record under an id of their own choice
--   PT403 identity_fixed                    a caller changes a record's id or workspace
--   PT422 unknown_tag, unknown_contact      an id that an array takes up does not exist
--
-- id_not_allowed and identity_fixed bind callers, not the service role, which imports records under
-- their old ids. While private.restore() puts rows back, portico.restoring is on and nothing is
-- filled in.

create function private.is_restoring()
returns boolean
language sql stable
set search_path = ''
as $$
  select coalesce(current_setting('portico.restoring', true), '') = 'on'
$$;
comment on function private.is_restoring() is
  'Whether this transaction is putting rows back from the trash.';
grant execute on function private.is_restoring() to authenticated, service_role;

-- Id and workspace ------------------------------------------------------------------------------

-- Ids come from sequences that all workspaces share. A member who chose their own could take the
-- next ones away from everybody, or the id of a record that waits in another workspace's trash.
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

create function private.workspace_of(row_data jsonb)
returns uuid
language plpgsql stable security definer
set search_path = ''
as $$
declare
  workspace_id constant uuid := coalesce(
    (select c.workspace_id from public.contacts c where c.id = (row_data ->> 'contact_id')::bigint),
    (select d.workspace_id from public.deals d where d.id = (row_data ->> 'deal_id')::bigint),
    (select c.workspace_id from public.companies c where c.id = (row_data ->> 'company_id')::bigint),
    (select s.workspace_id from public.sales s where s.id = (row_data ->> 'sales_id')::bigint),
    (select i.workspace_id from public.invitations i where i.id = (row_data ->> 'user_id')::uuid)
  );
begin
  if workspace_id is null then
    raise exception using
      errcode = 'PT422',
      message = 'The workspace of this row is unknown: without a signed-in member, give workspace_id, an existing owner (sales_id) or an existing parent (company_id, contact_id or deal_id).',
      detail = 'workspace_required';
  end if;
  return workspace_id;
end
$$;
comment on function private.workspace_of(jsonb) is
  'The workspace of a new row by its parent, its owner or (for a member) their invitation. Refuses a row without any.';

create function private.set_workspace()
returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
  new.workspace_id := case
    when auth.uid() is null then private.workspace_of(to_jsonb(new))
    else private.workspace_id()
  end;
  return new;
end
$$;
comment on function private.set_workspace() is
  'Fills in workspace_id when none is given; policies and foreign keys check a given one.';

create procedure private.add_identity_triggers(table_name text)
language plpgsql
set search_path = ''
as $$
begin
  execute format(
    $sql$
      create trigger "05_guard_new_id"
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
        execute function private.guard_identity();
    $sql$,
    table_name, pg_get_serial_sequence('public.' || table_name, 'id')
  );
end
$$;
comment on procedure private.add_identity_triggers(text) is
  'Keeps callers from choosing the id of a table''s rows, and from changing their id or workspace.';

-- Owner -----------------------------------------------------------------------------------------

-- One look at the caller's membership gives both.
create function private.set_workspace_and_owner()
returns trigger
language plpgsql security definer
set search_path = ''
as $$
declare
  caller_id constant uuid := auth.uid();
  caller_workspace uuid;
  caller_member bigint;
begin
  if caller_id is null then
    new.workspace_id := coalesce(new.workspace_id, private.workspace_of(to_jsonb(new)));
    return new;
  end if;
  select workspace_id, id into caller_workspace, caller_member
  from public.sales
  where user_id = caller_id and not disabled;
  new.workspace_id := coalesce(new.workspace_id, caller_workspace);
  if new.sales_id is null and not private.is_restoring() then
    new.sales_id := caller_member;
  end if;
  return new;
end
$$;
comment on function private.set_workspace_and_owner() is
  'Fills workspace_id, and makes the caller the owner of a new record that names none.';

create function private.guard_owner()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  if auth.uid() is not null and not private.may_manage(old.sales_id) then
    raise exception using
      errcode = 'PT403',
      message = 'Only its owner, a manager or an admin may give this record another owner.',
      detail = 'owner_change_not_allowed';
  end if;
  return new;
end
$$;
comment on function private.guard_owner() is
  'Refuses a change of owner by others: whoever owns a record may delete it.';

create procedure private.add_owner_triggers(table_name text)
language plpgsql
set search_path = ''
as $$
begin
  execute format(
    $sql$
      create trigger "10_set_workspace_and_owner"
        before insert on public.%1$I
        for each row
        when (new.workspace_id is null or new.sales_id is null)
        execute function private.set_workspace_and_owner();
      create trigger "20_guard_owner"
        before update of sales_id on public.%1$I
        for each row
        when (old.sales_id is distinct from new.sales_id)
        execute function private.guard_owner();
    $sql$,
    table_name
  );
end
$$;
comment on procedure private.add_owner_triggers(text) is
  'Puts a table''s new rows into the caller''s workspace and ownership; only who may manage a row may give it away.';

-- References in arrays --------------------------------------------------------------------------

create function private.missing_ids(table_name text, workspace_id uuid, ids bigint[])
returns bigint[]
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  existing_ids bigint[];
begin
  execute format(
    $sql$
      select array(
        select t.id from public.%I t
        where t.workspace_id = $1 and t.id = any ($2)
        order by t.id
        for key share
      )
    $sql$,
    table_name
  ) into existing_ids using workspace_id, ids;
  return array(select distinct id from unnest(ids) as id where id <> all (existing_ids) order by id);
end
$$;
comment on function private.missing_ids(text, uuid, bigint[]) is
  'Which of these ids the table lacks in the workspace. Locks the others against deletion.';

-- Ids that an array held before may stay, even if they dangle since before this rule. Checked once
-- per statement, under a lock, so that what is taken up cannot be deleted at the same time.
create function private.check_references()
returns trigger
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  column_name constant text := tg_argv[0];
  referenced_table constant text := tg_argv[1];
  added_ids constant text := case tg_op
    when 'INSERT' then $sql$
      select distinct n.workspace_id, reference.id
      from new_rows n
      cross join lateral unnest(n.%1$I) as reference (id)
    $sql$
    else $sql$
      select distinct n.workspace_id, reference.id
      from new_rows n
      left join old_rows o using (id)
      cross join lateral unnest(n.%1$I) as reference (id)
      where reference.id <> all (coalesce(o.%1$I, '{}'))
    $sql$
  end;
  added record;
  missing bigint[];
begin
  if private.is_restoring() then
    return null;
  end if;
  for added in execute format(
    'select workspace_id, array_agg(id) as ids from (%s) as added group by workspace_id',
    format(added_ids, column_name)
  )
  loop
    missing := private.missing_ids(referenced_table, added.workspace_id, added.ids);
    if missing <> '{}' then
      raise exception using
        errcode = 'PT422',
        message = format(
          'Unknown %s: %s. Use ids that exist in this workspace.',
          referenced_table, array_to_string(missing, ', ')
        ),
        detail = 'unknown_' || rtrim(referenced_table, 's'),
        column = column_name;
    end if;
  end loop;
  return null;
end
$$;
comment on function private.check_references() is
  'Refuses ids that an array column takes up and that do not exist. Ids that it held before may stay.';
