-- Records: privileges and triggers that all business records share. They set the workspace and the
-- owner, protect the columns of the database, and check the ids in array columns.
--
-- Procedures   private.add_identity_triggers(table_name)   protect id, workspace_id and created_at
--              private.add_owner_triggers(table_name)      set workspace_id and sales_id
--
-- Members insert all columns except id, workspace_id and search. They update all columns, because
-- clients send whole rows back. Triggers then keep created_at, updated_at and search, and refuse
-- another id or workspace.
--
-- Policies decide which rows a member sees. Triggers refuse what the member may not do with a
-- visible row, because a policy hides the row, and the client gets no message. Clients of Atomic CRM
-- sign out when the Data API answers 401 or 403. So triggers use 409 for what other members may do,
-- and 422 for what nobody may do. The gateway answers with the status of the code in DETAIL, for
-- example 403 for forbidden.
--
-- The row triggers of a table run in the order of their names:
--   05_guard_identity    refuses changes of id and workspace_id
--   05_guard_deletion    refuses a deletion by other members than the owner, managers and admins
--   05_keep_search       keeps the search vector when a member sends another one
--   05_set_created_at    sets created_at and updated_at of a row that a member inserts
--   10_set_workspace     sets workspace_id from the caller, else from the parent or the owner;
--                        10_set_workspace_and_owner also makes the caller the default owner
--   20_guard_owner       refuses a change of owner by other members
--   25_guard_new_owner   refuses a disabled member as new owner
--   30_… and 31_…        normalise or check values
--   40_set_closed_at     sets the closing date of a deal by its stage
--   50_set_search        sets the search vector
--   60_set_contacts_…    updates the search vectors of the contacts of a renamed company
--   90_set_updated_at    sets updated_at, from which the entity tag is derived
--
-- Errors
--   PT422 workspace_required                the row has no caller, owner or parent with a workspace
--   PT409 owner_change_not_allowed          the caller is not the owner, a manager or an admin
--   PT409 forbidden                         the caller may not delete the record, or a record that
--                                           the deletion cascades to
--   PT422 identity_fixed                    the caller changed the id or the workspace of a record
--   PT422 unknown_reference                 the new owner is disabled
--   PT422 unknown_tag, unknown_contact      an id that was added to an array does not exist
--
-- The setting portico.membership has the caller's workspace and member id while a statement inserts
-- rows. Policies and foreign keys check what is taken from it.
--
-- The service role may import records with their ids and times. While private.restore() restores
-- rows, the setting portico.restoring is on, and triggers do not set owners or check values.

create function private.is_restoring()
returns boolean
language sql stable
set search_path = ''
as $$
  select coalesce(current_setting('portico.restoring', true), '') = 'on'
$$;
comment on function private.is_restoring() is
  'Returns whether this transaction is restoring rows from the trash.';
grant execute on function private.is_restoring() to authenticated, service_role;

-- Columns of the database -----------------------------------------------------------------------

-- Inside a function that runs as its owner, current_user is the owner. So these triggers only
-- concern statements that members send themselves.

create function private.set_created_at()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  new.created_at := now();
  new.updated_at := now();
  return new;
end
$$;
comment on function private.set_created_at() is
  'Sets created_at and updated_at of a new row. Clients of Atomic CRM send created_at.';

create function private.keep_search()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  new.search := old.search;
  return new;
end
$$;
comment on function private.keep_search() is 'Ignores a search vector that a member sends.';

create function private.guard_identity()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  raise exception using
    errcode = 'PT422',
    message = 'The id and the workspace of a record cannot be changed. Leave them out.',
    detail = 'identity_fixed';
end
$$;
comment on function private.guard_identity() is
  'Refuses a change of the id or the workspace of a record.';

create function private.workspace_of(row_data jsonb)
returns uuid
language plpgsql stable security definer
set search_path = ''
as $$
declare
  workspace_id constant uuid := coalesce(
    (
      select c.workspace_id
      from public.contacts c
      where c.id = (row_data ->> 'contact_id')::bigint
    ),
    (select d.workspace_id from public.deals d where d.id = (row_data ->> 'deal_id')::bigint),
    (
      select c.workspace_id
      from public.companies c
      where c.id = (row_data ->> 'company_id')::bigint
    ),
    (select s.workspace_id from public.sales s where s.id = (row_data ->> 'sales_id')::bigint),
    (select i.workspace_id from public.invitations i where i.id = (row_data ->> 'user_id')::uuid)
  );
begin
  if workspace_id is null then
    raise exception using
      errcode = 'PT422',
      message = 'The workspace of this row is unknown. Set workspace_id, an existing owner '
        '(sales_id) or an existing parent (company_id, contact_id or deal_id).',
      detail = 'workspace_required';
  end if;
  return workspace_id;
end
$$;
comment on function private.workspace_of(jsonb) is
  'Returns the workspace of the parent, the owner or the invitation of a new row. Raises '
  'workspace_required when there is none.';

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
  'Sets a missing workspace_id. Policies and foreign keys check a given one.';

create procedure private.add_identity_triggers(table_name text)
language plpgsql
set search_path = ''
as $$
begin
  execute format(
    $sql$
      grant insert (%2$s) on public.%1$I to authenticated;
      create trigger "05_set_created_at"
        before insert on public.%1$I
        for each row
        when (
          current_user = 'authenticated'
          and (new.created_at, new.updated_at) is distinct from (now(), now())
        )
        execute function private.set_created_at();
      create trigger "05_guard_identity"
        before update of id, workspace_id on public.%1$I
        for each row
        when (
          auth.uid() is not null
          and (old.id, old.workspace_id) is distinct from (new.id, new.workspace_id)
        )
        execute function private.guard_identity();
    $sql$,
    table_name,
    -- All workspaces share the sequences of ids. A chosen id could be that of a record in the trash
    -- of another workspace, which could then not be restored.
    (
      select string_agg(quote_ident(a.attname), ', ' order by a.attnum)
      from pg_catalog.pg_attribute a
      where a.attrelid = format('public.%I', table_name)::regclass
        and a.attnum > 0
        and not a.attisdropped
        and a.attname not in ('id', 'workspace_id', 'search')
    )
  );
end
$$;
comment on procedure private.add_identity_triggers(text) is
  'Grants members INSERT on the columns of a table except id, workspace_id and search. Adds '
  'triggers that set created_at and refuse changes of id and workspace_id.';

-- Owner -----------------------------------------------------------------------------------------

-- The membership is read once per statement, because a bulk of records has one caller.
create function private.read_membership()
returns trigger
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  caller_id constant uuid := auth.uid();
begin
  perform set_config(
    'portico.membership',
    coalesce(
      (
        select concat_ws(' ', s.workspace_id, case when not private.is_restoring() then s.id end)
        from public.sales s
        where s.user_id = caller_id and not s.disabled
      ),
      ''
    ),
    true
  );
  return null;
end
$$;
comment on function private.read_membership() is
  'Sets portico.membership to the workspace and the member id of the caller.';

create function private.set_workspace_and_owner()
returns trigger
language plpgsql security definer
set search_path = ''
as $$
declare
  membership constant text := current_setting('portico.membership', true);
begin
  if membership <> '' then
    new.workspace_id := coalesce(new.workspace_id, split_part(membership, ' ', 1)::uuid);
    new.sales_id := coalesce(new.sales_id, nullif(split_part(membership, ' ', 2), '')::bigint);
  elsif auth.uid() is null then
    new.workspace_id := coalesce(new.workspace_id, private.workspace_of(to_jsonb(new)));
  end if;
  return new;
end
$$;
comment on function private.set_workspace_and_owner() is
  'Sets a missing workspace_id. Makes the caller the owner of a new record without an owner.';

create function private.guard_owner()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  if auth.uid() is not null and not private.may_manage(old.sales_id) then
    raise exception using
      errcode = 'PT409',
      message = 'Only the owner, a manager or an admin may change the owner of this record. '
        'Ask one of them.',
      detail = 'owner_change_not_allowed';
  end if;
  return new;
end
$$;
comment on function private.guard_owner() is
  'Refuses a change of owner by other members, because the owner may delete the record.';

create function private.guard_deletion()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  if not private.may_manage(old.sales_id) then
    raise exception using
      errcode = 'PT409',
      message = format(
        'Only the owner, a manager or an admin may delete this %s. Ask one of them.', tg_argv[0]
      ),
      detail = 'forbidden';
  end if;
  return old;
end
$$;
comment on function private.guard_deletion() is
  'Refuses the deletion of a record by other members than its owner, managers and admins. '
  'Argument: name of the record.';

-- Offboarding locks the leaving member before it moves the records. A statement that gives the
-- member a record meanwhile waits for this lock, and is then refused. A statement that was first
-- makes the offboarding wait, which then moves the record too.
create function private.lock_owner(workspace_id uuid, sales_id bigint)
returns void
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  is_disabled constant boolean := (
    select s.disabled
    from public.sales s
    where s.workspace_id = lock_owner.workspace_id and s.id = lock_owner.sales_id
    for share
  );
begin
  if is_disabled then
    raise exception using
      errcode = 'PT422',
      message = 'A disabled user cannot own records. Use the id of another user.',
      detail = 'unknown_reference',
      column = 'sales_id';
  end if;
end
$$;
comment on function private.lock_owner(uuid, bigint) is
  'Refuses a disabled owner. Keeps the member from being disabled until the end of the transaction.';

create function private.guard_new_owner()
returns trigger
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  perform private.lock_owner(new.workspace_id, new.sales_id);
  return new;
end
$$;
comment on function private.guard_new_owner() is
  'Refuses to give a record to a disabled member. For updates.';

create function private.guard_new_owners()
returns trigger
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  perform private.lock_owner(o.workspace_id, o.sales_id)
  from (
    select distinct n.workspace_id, n.sales_id
    from new_rows n
    where n.sales_id is not null
    order by n.sales_id
  ) o;
  return null;
end
$$;
comment on function private.guard_new_owners() is
  'Refuses new records of a disabled member, once per statement. For inserts.';

-- The foreign keys delete the children of a record without asking a policy. So the owners of all
-- deleted rows are compared here, once per statement.
create function private.guard_deleted_owners()
returns trigger
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  caller_id constant bigint := private.member_id();
  foreign_rows bigint;
begin
  if caller_id is null or private.can_manage() then
    return null;
  end if;
  select count(*) into foreign_rows
  from deleted_rows d
  where d.sales_id is distinct from caller_id;
  if foreign_rows > 0 then
    raise exception using
      errcode = 'PT409',
      message = format(
        'This would also delete %s %s of other members. Ask their owners, a manager or an '
        'admin.',
        foreign_rows, replace(tg_table_name, '_', ' ')
      ),
      detail = 'forbidden';
  end if;
  return null;
end
$$;
comment on function private.guard_deleted_owners() is
  'Refuses a deletion of records that the caller neither owns nor manages.';

create procedure private.add_owner_triggers(table_name text)
language plpgsql
set search_path = ''
as $$
begin
  execute format(
    $sql$
      create trigger "10_read_membership"
        before insert on public.%1$I
        for each statement
        execute function private.read_membership();
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
      create trigger "05_guard_deletion"
        before delete on public.%1$I
        for each row
        when (current_user = 'authenticated')
        execute function private.guard_deletion(%2$L);
      create trigger "25_guard_new_owner"
        before update of sales_id on public.%1$I
        for each row
        when (
          auth.uid() is not null
          and new.sales_id is not null
          and old.sales_id is distinct from new.sales_id
        )
        execute function private.guard_new_owner();
      create trigger "25_guard_new_owners"
        after insert on public.%1$I
        referencing new table as new_rows
        for each statement
        when (auth.uid() is not null)
        execute function private.guard_new_owners();
      create trigger "05_guard_deleted_owners"
        after delete on public.%1$I
        referencing old table as deleted_rows
        for each statement
        execute function private.guard_deleted_owners();
    $sql$,
    table_name, replace(regexp_replace(regexp_replace(table_name, 'ies$', 'y'), 's$', ''), '_', ' ')
  );
end
$$;
comment on procedure private.add_owner_triggers(text) is
  'Adds triggers to a table that set workspace_id and sales_id, refuse disabled owners, and refuse '
  'a change of owner and a deletion by other members.';

-- Ids in arrays ---------------------------------------------------------------------------------

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
  return array(
    select distinct id from unnest(ids) as id where id <> all (existing_ids) order by id
  );
end
$$;
comment on function private.missing_ids(text, uuid, bigint[]) is
  'Returns the ids that do not exist in the table and workspace. Locks the others against '
  'deletion.';

-- Only added ids are checked, because imported rows may contain ids of deleted records. The check
-- runs once per statement and locks the referenced records, so that they cannot be deleted
-- meanwhile.
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
          'These %s do not exist: %s. Choose others.',
          referenced_table, array_to_string(missing, ', ')
        ),
        detail = 'unknown_' || case referenced_table
          when 'companies' then 'company' else rtrim(referenced_table, 's')
        end,
        column = column_name;
    end if;
  end loop;
  return null;
end
$$;
comment on function private.check_references() is
  'Refuses ids that are added to an array column and do not exist. Arguments: column, table.';
