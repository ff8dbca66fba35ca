-- Trash: triggers move all deleted rows to private.trash. Restored rows keep their ids.
--
-- Tables      private.trash
-- Procedures  private.add_trash_triggers(table_name): moves deleted rows of a table to the trash
-- Functions   private.restore(table_name, record_id, parent_id): restores a record with its children
--             private.trashed(table_name, record_id): when and why a record was deleted
--             private.list_trash(table_name, reason, deleted_by, before_id, max_rows)
--             private.trash_item(id), private.was_purged(id): one row of the trash
--             private.purge_trash_item(id), private.empty_trash(max_rows): for admins
--             private.purge_trash(older_than): deletes old rows; for the service role
--
-- A deleted record and the children that its deletion cascades to have the same batch: the change
-- of the transaction. private.cascades reads the cascades from the foreign keys, so that a new table
-- only needs a foreign key and the triggers of the trash. The ids of deleted contacts and tags are
-- removed from the arrays that contain them, and the trash stores their positions. Rows of a
-- deleted workspace do not move to the trash.
--
-- Settings, which the gateway sets for one transaction
--   portico.merged_into   id of the winner while a merge deletes the losers
--   portico.request_id    id of the request
--
-- Errors
--   PT409 restore_not_allowed   the caller is not the owner, a manager or an admin
--   PT410 merged                the record was merged into another record
--   PT409 parent_deleted        the parent of the record is in the trash
--   PT409 parent_purged         the parent of the record was purged, and the record must have one
--   PT409 tag_exists            another tag has the name of the restored one
--   PT422 unknown_reference     the given parent does not exist
--   PT409 admin_required        only admins delete permanently

create table private.trash (
  id bigint generated always as identity primary key,
  batch uuid not null,
  workspace_id uuid not null references public.workspaces (id) on delete cascade,
  table_name text not null,
  record_id bigint not null,
  record jsonb not null,
  array_references jsonb not null default '[]',
  reason text not null default 'deleted',
  merged_into bigint,
  deleted_at timestamptz not null default now(),
  deleted_by bigint,
  request_id text,
  root_id bigint,
  constraint trash_reason_check check (reason in ('deleted', 'merged')),
  constraint trash_merged_into_check check ((reason = 'merged') = (merged_into is not null))
);
comment on table private.trash is 'Deleted rows. Callers read and delete them through functions.';
comment on column private.trash.id is 'Assigned by the database.';
comment on column private.trash.batch is 'The change that deleted the row.';
comment on column private.trash.workspace_id is 'The workspace of the deleted row.';
comment on column private.trash.table_name is 'The table of the deleted row.';
comment on column private.trash.record_id is 'The id of the deleted row.';
comment on column private.trash.record is 'The values of the deleted row.';
comment on column private.trash.array_references is
  'Arrays that contained the id: [{"table", "column", "id", "position"}].';
comment on column private.trash.reason is 'deleted or merged.';
comment on column private.trash.merged_into is 'The record that this record was merged into.';
comment on column private.trash.deleted_at is
  'When the row was deleted. A job purges it after 30 days.';
comment on column private.trash.deleted_by is
  'The member who deleted the row. Null for the service role.';
comment on column private.trash.request_id is
  'The id of the request. Null when the deletion did not come through the gateway.';
comment on column private.trash.root_id is
  'The row of the trash whose deletion cascaded to this row. Null for a row deleted directly.';

create index ix__trash__workspace_id__table_name__record_id
  on private.trash (workspace_id, table_name, record_id);
create index ix__trash__batch on private.trash (batch, table_name, record_id);
create index ix__trash__deleted_at on private.trash (deleted_at);
create index ix__trash__root_id on private.trash (root_id) where root_id is not null;
create index ix__trash__workspace_id__roots on private.trash (workspace_id, id)
  where root_id is null;

alter table private.trash enable row level security;
create policy "service role only" on private.trash for all to service_role
  using (true)
  with check (true);

-- Moving rows to the trash ----------------------------------------------------------------------

create view private.cascades
with (security_invoker = on)
as
select
  child.relname::text as child_table,
  parent.relname::text as parent_table,
  attribute.attname::text as column_name,
  attribute.attnotnull as is_required
from pg_catalog.pg_constraint c
join pg_catalog.pg_class child on child.oid = c.conrelid
join pg_catalog.pg_class parent on parent.oid = c.confrelid
join pg_catalog.pg_attribute attribute
  on attribute.attrelid = c.conrelid and attribute.attnum = c.conkey[2]
where c.contype = 'f'
  and c.confdeltype = 'c'
  and c.connamespace = 'public'::regnamespace
  and array_length(c.conkey, 1) = 2
  -- Rows of other tables, such as imports, are no records: they cannot be restored.
  and exists (
    select
    from pg_catalog.pg_trigger t
    where t.tgrelid = child.oid and t.tgfoid = to_regproc('private.move_to_trash')
  );
comment on view private.cascades is
  'Foreign keys (workspace_id, column_name) with ON DELETE CASCADE, of the tables whose deleted rows '
  'go to the trash.';
revoke all on private.cascades from service_role;

create function private.find_root(batch uuid, table_name text, record jsonb)
returns bigint
language plpgsql stable
set search_path = ''
as $$
begin
  return (
    select coalesce(parent.root_id, parent.id)
    from private.cascades c
    join private.trash parent
      on parent.batch = find_root.batch
      and parent.table_name = c.parent_table
      and parent.record_id = (find_root.record ->> c.column_name)::bigint
    where c.child_table = find_root.table_name
    order by parent.id desc
    limit 1
  );
end
$$;
comment on function private.find_root(uuid, text, jsonb) is
  'Returns the row of the trash whose deletion cascaded to this record. Null when there is none.';

-- Parents are inserted before their children: the trigger of a parent runs before the cascade.
create function private.move_to_trash()
returns trigger
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  winner_id constant bigint := nullif(current_setting('portico.merged_into', true), '')::bigint;
  batch constant uuid := private.current_change();
  deleted_by constant bigint := private.member_id();
begin
  insert into private.trash (
    batch, workspace_id, table_name, record_id, record, root_id, reason, merged_into, deleted_by,
    request_id
  )
  select
    batch,
    d.workspace_id,
    tg_table_name,
    d.id,
    kept.record,
    private.find_root(batch, tg_table_name, kept.record),
    case when winner_id is null then 'deleted' else 'merged' end,
    winner_id,
    deleted_by,
    nullif(current_setting('portico.request_id', true), '')
  from deleted d
  cross join lateral (select to_jsonb(d) - 'search' as record offset 0) as kept
  -- Skips rows of a workspace that is being deleted.
  where exists (select from public.workspaces w where w.id = d.workspace_id);
  return null;
end
$$;
comment on function private.move_to_trash() is
  'Inserts the deleted rows of a statement into the trash.';

create procedure private.add_trash_triggers(table_name text)
language plpgsql
set search_path = ''
as $$
begin
  execute format(
    $sql$
      create trigger "10_move_to_trash"
        after delete on public.%1$I
        referencing old table as deleted
        for each statement
        execute function private.move_to_trash();
    $sql$,
    table_name
  );
end
$$;
comment on procedure private.add_trash_triggers(text) is
  'Adds a trigger to a table that moves deleted rows to the trash.';

create function private.remove_references()
returns trigger
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  holder_table constant text := tg_argv[0];
  column_name constant text := tg_argv[1];
  deleted_ids constant bigint[] := array(select id from deleted);
begin
  execute format(
    $sql$
      with holders as (
        select h.id, h.workspace_id, h.%2$I as ids
        from public.%1$I h
        where h.%2$I && $1 and h.workspace_id in (select workspace_id from deleted)
        order by h.id
        for no key update
      ), positions as (
        select
          holders.workspace_id,
          element.id as record_id,
          jsonb_agg(
            jsonb_build_object(
              'table', $2, 'column', $3, 'id', holders.id, 'position', element.position
            )
            order by holders.id, element.position
          ) as array_references
        from holders
        cross join lateral unnest(holders.ids) with ordinality as element (id, position)
        where element.id = any ($1)
        group by holders.workspace_id, element.id
      ), stored as (
        update private.trash t
        set array_references = t.array_references || positions.array_references
        from positions
        where t.batch = private.current_change()
          and t.table_name = $4
          and t.workspace_id = positions.workspace_id
          and t.record_id = positions.record_id
      )
      update public.%1$I h
      set %2$I = array(
        select element.id
        from unnest(holders.ids) with ordinality as element (id, position)
        where element.id <> all ($1)
        order by element.position
      )
      from holders
      where h.id = holders.id
    $sql$,
    holder_table, column_name
  ) using deleted_ids, holder_table, column_name, tg_table_name;
  return null;
end
$$;
comment on function private.remove_references() is
  'Removes deleted ids from the arrays that contain them and stores their positions in the trash. '
  'Arguments: table, column.';

-- Restoring rows --------------------------------------------------------------------------------

create function private.restored_values(trashed private.trash)
returns jsonb
language sql stable security definer
set search_path = ''
as $$
  select
    jsonb_build_object('updated_at', greatest(
      clock_timestamp(), (trashed.record ->> 'updated_at')::timestamptz + interval '1 microsecond'
    ))
    || case
      when exists (
        select from public.sales s
        where s.workspace_id = trashed.workspace_id
          and s.id = (trashed.record ->> 'sales_id')::bigint
          and not s.disabled
      ) or not trashed.record ? 'sales_id' then '{}'
      else '{"sales_id": null}'::jsonb
    end
$$;
comment on function private.restored_values(private.trash) is
  'Returns the changed values of a restored row: a later updated_at, and no owner when the member '
  'is disabled or does not exist.';

create function private.reinsert(table_name text, trash_ids bigint[])
returns void
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  columns text[];
begin
  -- Columns that were added later get their defaults.
  columns := array(
    select quote_ident(a.attname)
    from pg_catalog.pg_attribute a
    where a.attrelid = format('public.%I', table_name)::regclass
      and a.attnum > 0
      and not a.attisdropped
      and a.attname in (
        select jsonb_object_keys(t.record) from private.trash t where t.id = any (trash_ids)
      )
    order by a.attnum
  );
  execute format(
    $sql$
      insert into public.%1$I (%2$s)
      select r.%3$s
      from private.trash t
      cross join lateral jsonb_populate_record(
        null::public.%1$I, t.record || private.restored_values(t)
      ) r
      where t.id = any ($1)
    $sql$,
    table_name, array_to_string(columns, ', '), array_to_string(columns, ', r.')
  ) using trash_ids;
end
$$;
comment on function private.reinsert(text, bigint[]) is
  'Inserts rows of the trash into their table again.';

create function private.trash_family(batch uuid, table_name text, record_ids bigint[])
returns bigint[]
language plpgsql stable security definer
set search_path = ''
as $$
declare
  cascade record;
  trash_ids bigint[];
  child_ids bigint[];
begin
  trash_ids := array(
    select t.id
    from private.trash t
    where t.batch = trash_family.batch
      and t.table_name = trash_family.table_name
      and t.record_id = any (record_ids)
      and t.reason = 'deleted'
  );
  for cascade in
    select * from private.cascades c where c.parent_table = trash_family.table_name
  loop
    child_ids := array(
      select t.record_id
      from private.trash t
      where t.batch = trash_family.batch
        and t.table_name = cascade.child_table
        and (t.record ->> cascade.column_name)::bigint = any (record_ids)
    );
    if child_ids <> '{}' then
      trash_ids := trash_ids || private.trash_family(batch, cascade.child_table, child_ids);
    end if;
  end loop;
  return trash_ids;
end
$$;
comment on function private.trash_family(uuid, text, bigint[]) is
  'Returns the rows of the trash of these records and of their children of the same batch.';

-- Restoring ids in arrays -----------------------------------------------------------------------

-- The holder is the record with the array, for example a deal with contact_ids. A restored id
-- returns to its former position. A restored array loses the ids of records that no longer exist,
-- and the id of a merged record becomes the id of the winner.
--
-- A holder that was merged meanwhile is followed to the winner.
--
-- Holder and element can be deleted one after the other and restored in any order:
--   deleted first   restored first   what happens
--   deal            deal             The deal loses the id. The row of the contact in the trash
--                                    stores the position. Restoring the contact inserts the id.
--   deal            contact          Nothing: the deal in the trash still contains the id.
--   contact         deal             Nothing: the deal lost the id when the contact was deleted.
--   contact         contact          The id is inserted into the deal in the trash.

create function private.final_winner(table_name text, workspace_id uuid, record_id bigint)
returns bigint
language sql stable security definer
set search_path = ''
as $$
  with recursive path as (
    select t.merged_into, 1 as step
    from private.trash t
    where t.workspace_id = final_winner.workspace_id
      and t.table_name = final_winner.table_name
      and t.record_id = final_winner.record_id
      and t.reason = 'merged'
    union all
    select t.merged_into, path.step + 1
    from path
    join private.trash t
      on t.workspace_id = final_winner.workspace_id
      and t.table_name = final_winner.table_name
      and t.record_id = path.merged_into
      and t.reason = 'merged'
  )
  select path.merged_into
  from path
  order by path.step desc
  limit 1
$$;
comment on function private.final_winner(text, uuid, bigint) is
  'Returns the record that a record was merged into, also through several merges. Null for a record '
  'that was not merged.';

create function private.store_positions(
  holder_table text, column_name text, referenced_table text, workspace_id uuid,
  holder_ids bigint[], missing_ids bigint[]
)
returns void
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  execute format(
    $sql$
      with positions as (
        select
          element.id as record_id,
          jsonb_agg(
            jsonb_build_object(
              'table', $5, 'column', $6, 'id', h.id, 'position', element.position
            )
            order by h.id, element.position
          ) as array_references
        from public.%1$I h
        cross join lateral unnest(h.%2$I) with ordinality as element (id, position)
        where h.workspace_id = $1 and h.id = any ($2) and element.id = any ($3)
        group by element.id
      )
      update private.trash t
      set array_references = t.array_references || positions.array_references
      from positions
      where t.workspace_id = $1
        and t.table_name = $4
        and t.record_id = positions.record_id
        and t.reason = 'deleted'
    $sql$,
    holder_table, column_name
  ) using workspace_id, holder_ids, missing_ids, referenced_table, holder_table, column_name;
end
$$;
comment on function private.store_positions(text, text, text, uuid, bigint[], bigint[]) is
  'Stores in the trash at which positions restored arrays contain the ids of deleted records.';

create function private.missing_references(
  holder_table text, column_name text, referenced_table text, workspace_id uuid, holder_ids bigint[]
)
returns bigint[]
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  held_ids bigint[];
begin
  execute format(
    $sql$
      select array(
        select distinct unnest(h.%2$I)
        from public.%1$I h
        where h.workspace_id = $1 and h.id = any ($2)
      )
    $sql$,
    holder_table, column_name
  ) into held_ids using workspace_id, holder_ids;
  return private.missing_ids(referenced_table, workspace_id, held_ids);
end
$$;
comment on function private.missing_references(text, text, text, uuid, bigint[]) is
  'Returns the ids in the arrays of these holders whose records do not exist.';

create function private.replace_references(
  holder_table text, column_name text, workspace_id uuid, holder_ids bigint[], ids bigint[],
  new_ids bigint[]
)
returns bigint
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  number bigint;
begin
  execute format(
    $sql$
      update public.%1$I h
      set %2$I = array(
        select replaced.id
        from unnest(h.%2$I) with ordinality as element (id, position)
        cross join lateral (
          select case
            when element.id = any ($3) then ($4::bigint[])[array_position($3, element.id)]
            else element.id
          end as id
        ) as replaced
        where replaced.id is not null
        group by replaced.id
        order by min(element.position)
      )
      where h.workspace_id = $1 and h.%2$I && $3 %3$s
    $sql$,
    holder_table, column_name, case when holder_ids is not null then 'and h.id = any ($2)' end
  ) using workspace_id, holder_ids, ids, new_ids;
  get diagnostics number = row_count;
  return number;
end
$$;
comment on function private.replace_references(text, text, uuid, bigint[], bigint[], bigint[]) is
  'Replaces ids in the arrays of these holders by the new id at the same position. Without holders: '
  'in all arrays of the workspace. A missing new id removes the id. Returns the number of rows.';

create function private.replace_missing_references(
  holder_table text, column_name text, referenced_table text, workspace_id uuid, holder_ids bigint[]
)
returns void
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  missing_ids bigint[] := private.missing_references(
    holder_table, column_name, referenced_table, workspace_id, holder_ids
  );
  merged_ids bigint[];
  winner_ids bigint[];
begin
  select array_agg(merged.id), array_agg(merged.winner_id)
  into merged_ids, winner_ids
  from (
    select id, private.final_winner(referenced_table, workspace_id, id) as winner_id
    from unnest(missing_ids) as id
  ) as merged
  where merged.winner_id is not null;
  if merged_ids is not null then
    perform private.replace_references(
      holder_table, column_name, workspace_id, holder_ids, merged_ids, winner_ids
    );
    -- A winner can be in the trash. Its restoration then puts its id into the array.
    missing_ids := private.missing_references(
      holder_table, column_name, referenced_table, workspace_id, holder_ids
    );
  end if;
  if missing_ids <> '{}' then
    perform private.store_positions(
      holder_table, column_name, referenced_table, workspace_id, holder_ids, missing_ids
    );
    perform private.replace_references(
      holder_table, column_name, workspace_id, holder_ids, missing_ids, '{}'
    );
  end if;
end
$$;
comment on function private.replace_missing_references(text, text, text, uuid, bigint[]) is
  'Removes the ids of missing records from restored arrays. Replaces merged ones by the winner.';

create function private.insert_at(elements bigint[], ids bigint[], positions bigint[])
returns bigint[]
language plpgsql immutable
set search_path = ''
as $$
declare
  result bigint[] := coalesce(elements, '{}');
begin
  for i in 1 .. cardinality(ids) loop
    if ids[i] <> all (result) then
      result := result[: positions[i] - 1] || ids[i] || result[positions[i] :];
    end if;
  end loop;
  return result;
end
$$;
comment on function private.insert_at(bigint[], bigint[], bigint[]) is
  'Returns the array with the missing ids inserted. Positions must be in ascending order.';

create function private.former_positions(trash_ids bigint[])
returns table (
  holder_table text, column_name text, holder_id bigint, ids bigint[], positions bigint[]
)
language sql stable security definer
set search_path = ''
as $$
  select
    reference.holder_table,
    reference.column_name,
    case
      when merged.id is null then reference.holder_id
      else private.final_winner(reference.holder_table, t.workspace_id, reference.holder_id)
    end,
    array_agg(t.record_id order by reference.position, t.id),
    array_agg(reference.position order by reference.position, t.id)
  from private.trash t
  cross join lateral (
    select
      element ->> 'table' as holder_table,
      element ->> 'column' as column_name,
      (element ->> 'id')::bigint as holder_id,
      (element ->> 'position')::bigint as position
    from jsonb_array_elements(t.array_references) as element
  ) as reference
  left join private.trash merged
    on merged.workspace_id = t.workspace_id
    and merged.table_name = reference.holder_table
    and merged.record_id = reference.holder_id
    and merged.reason = 'merged'
  where t.id = any (trash_ids)
  group by 1, 2, 3
$$;
comment on function private.former_positions(bigint[]) is
  'Returns the arrays that contained the ids of these rows of the trash, one row per array, with '
  'the ids in the order of their positions. The winner takes the place of a merged holder.';

create function private.restore_references_in_tables(workspace_id uuid, trash_ids bigint[])
returns void
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  holder record;
begin
  for holder in
    select distinct former.holder_table, former.column_name
    from private.former_positions(trash_ids) as former
  loop
    execute format(
      $sql$
        with holders as (
          select h.id, h.%2$I as elements, former.ids, former.positions
          from private.former_positions($1) as former
          join public.%1$I h on h.id = former.holder_id
          where former.holder_table = $2 and former.column_name = $3 and h.workspace_id = $4
          order by h.id
          for no key update of h
        )
        update public.%1$I h
        set %2$I = private.insert_at(holders.elements, holders.ids, holders.positions)
        from holders
        where h.id = holders.id
      $sql$,
      holder.holder_table, holder.column_name
    ) using trash_ids, holder.holder_table, holder.column_name, workspace_id;
  end loop;
end
$$;
comment on function private.restore_references_in_tables(uuid, bigint[]) is
  'Inserts restored ids into the arrays of existing records that contained them.';

create function private.ids_of(ids jsonb)
returns bigint[]
language sql immutable
set search_path = ''
as $$
  select array(
    select element.id::bigint
    from jsonb_array_elements_text(case jsonb_typeof(ids) when 'array' then ids else '[]' end)
      with ordinality as element (id, position)
    order by element.position
  )
$$;
comment on function private.ids_of(jsonb) is 'Returns a JSON array of ids as an array.';

create function private.restore_references_in_trash(workspace_id uuid, trash_ids bigint[])
returns void
language sql volatile security definer
set search_path = ''
as $$
  update private.trash holder
  set record = jsonb_set(
    holder.record,
    array[former.column_name],
    to_jsonb(private.insert_at(
      private.ids_of(holder.record -> former.column_name), former.ids, former.positions
    ))
  )
  from private.former_positions(trash_ids) as former
  where holder.workspace_id = restore_references_in_trash.workspace_id
    and holder.table_name = former.holder_table
    and holder.record_id = former.holder_id
    and holder.id <> all (trash_ids)
$$;
comment on function private.restore_references_in_trash(uuid, bigint[]) is
  'Inserts restored ids into the arrays of records in the trash that contained them.';

-- Restoring a record ----------------------------------------------------------------------------

create function private.restored_ids(trash_ids bigint[], table_name text)
returns bigint[]
language sql stable security definer
set search_path = ''
as $$
  select array(
    select t.record_id
    from private.trash t
    where t.id = any (trash_ids) and t.table_name = restored_ids.table_name
  )
$$;
comment on function private.restored_ids(bigint[], text) is
  'Returns the ids of the records of one table among these rows of the trash.';

-- A record can be deleted before its parent is merged or purged. It then follows the parent to the
-- winner. Without a parent, it is restored when its table allows that. Any other record needs a
-- parent, which the caller can choose.

create function private.check_restorable(root private.trash)
returns void
language plpgsql stable security definer
set search_path = ''
as $$
begin
  if not private.may_manage((root.record ->> 'sales_id')::bigint) then
    raise exception using
      errcode = 'PT409',
      message = 'Only the owner, a manager or an admin may restore this record. Ask one of them.',
      detail = 'restore_not_allowed';
  end if;
  if root.reason = 'merged' then
    raise exception using
      errcode = 'PT410',
      message = format(
        'This record was merged into %s and cannot be restored. Use that record.', root.merged_into
      ),
      detail = 'merged',
      hint = jsonb_build_object('merged_into', root.merged_into, 'deleted_at', root.deleted_at);
  end if;
end
$$;
comment on function private.check_restorable(private.trash) is
  'Raises restore_not_allowed or merged when this row cannot be restored.';

create function private.restore_trash_rows(workspace_id uuid, trash_ids bigint[])
returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  restored_table text;
  reference record;
  restored jsonb;
begin
  perform set_config('portico.restoring', 'on', true);
  for restored_table in
    select r.table_name
    from private.record_tables r
    where r.table_name in (select t.table_name from private.trash t where t.id = any (trash_ids))
    order by r.depth
  loop
    perform private.reinsert(restored_table, array(
      select t.id from private.trash t
      where t.id = any (trash_ids) and t.table_name = restored_table
    ));
  end loop;
  for reference in select * from private.id_arrays a order by a.table_name, a.column_name loop
    perform private.replace_missing_references(
      reference.table_name, reference.column_name, reference.referenced_table, workspace_id,
      private.restored_ids(trash_ids, reference.table_name)
    );
  end loop;
  perform private.restore_references_in_tables(workspace_id, trash_ids);
  perform private.restore_references_in_trash(workspace_id, trash_ids);
  perform private.number_returned_deals(private.restored_ids(trash_ids, 'deals'));
  perform set_config('portico.restoring', '', true);

  with deleted as (
    delete from private.trash t where t.id = any (trash_ids) returning t.table_name
  ), counts as (
    select d.table_name, count(*) as rows from deleted d group by d.table_name
  )
  select coalesce(jsonb_object_agg(c.table_name, c.rows), '{}') into restored from counts c;
  return restored;
end
$$;
comment on function private.restore_trash_rows(uuid, bigint[]) is
  'Restores rows of the trash, parents first, and the ids in arrays that referred to them. Returns '
  '{table: rows}.';

create function private.current_parent(root private.trash, cascade private.cascades)
returns bigint
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  former_id constant bigint := (root.record ->> cascade.column_name)::bigint;
  parent_id constant bigint := coalesce(
    private.final_winner(cascade.parent_table, root.workspace_id, former_id), former_id
  );
begin
  if parent_id is null
    or private.missing_ids(cascade.parent_table, root.workspace_id, array[parent_id]) = '{}'
  then
    return parent_id;
  end if;
  if exists (
    select from private.trash t
    where t.workspace_id = root.workspace_id
      and t.table_name = cascade.parent_table
      and t.record_id = parent_id
  ) then
    raise exception using
      errcode = 'PT409',
      message = format(
        'This record belongs to %s %s, which is in the trash. Restore that record first, or choose '
        'another parent.',
        cascade.parent_table, parent_id
      ),
      detail = 'parent_deleted';
  end if;
  if cascade.is_required then
    raise exception using
      errcode = 'PT409',
      message = format(
        'This record belongs to %s %s, which was permanently deleted. Choose another parent.',
        cascade.parent_table, parent_id
      ),
      detail = 'parent_purged',
      column = 'parent_id';
  end if;
  return null;
end
$$;
comment on function private.current_parent(private.trash, private.cascades) is
  'Returns the parent that a row is restored to: its former parent or the winner of its merges, or '
  'null when that was purged. Raises parent_deleted or parent_purged.';

create function private.chosen_parent(
  root private.trash, cascade private.cascades, parent_id bigint
)
returns bigint
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  if private.missing_ids(cascade.parent_table, root.workspace_id, array[parent_id]) <> '{}' then
    raise exception using
      errcode = 'PT422',
      message = format(
        'There is no record %s in %s. Use the id of an existing one.', parent_id,
        cascade.parent_table
      ),
      detail = 'unknown_reference',
      column = 'parent_id';
  end if;
  return parent_id;
end
$$;
comment on function private.chosen_parent(private.trash, private.cascades, bigint) is
  'Returns the parent that the caller chose. Raises unknown_reference when it does not exist.';

create function private.set_parent(root private.trash, parent_id bigint)
returns void
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  cascade private.cascades;
begin
  select * into cascade from private.cascades c where c.child_table = root.table_name;
  if found then
    update private.trash t
    set record = t.record || jsonb_build_object(
      cascade.column_name,
      case
        when parent_id is null then private.current_parent(root, cascade)
        else private.chosen_parent(root, cascade, parent_id)
      end
    )
    where t.id = root.id;
  elsif parent_id is not null then
    raise exception using
      errcode = 'PT422',
      message = 'This record has no parent. Leave the parent out.',
      detail = 'unknown_reference',
      column = 'parent_id';
  end if;
end
$$;
comment on function private.set_parent(private.trash, bigint) is
  'Sets the parent of a row in the trash: the given one, else the present one.';

create function private.restore(table_name text, record_id bigint, parent_id bigint default null)
returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  root private.trash;
begin
  -- Before any row, as every other change of the board.
  if restore.table_name in ('companies', 'deals') then
    perform private.lock_board(private.workspace_id());
  end if;
  select * into root
  from private.trash t
  where t.workspace_id = (select private.workspace_id())
    and t.table_name = restore.table_name
    and t.record_id = restore.record_id
  order by t.id desc
  limit 1
  for update;
  if not found then
    return null;
  end if;
  perform private.check_restorable(root);
  perform private.set_parent(root, parent_id);
  if root.table_name = 'tags' then
    perform private.require_free_tag_name(root.record ->> 'name');
  end if;

  return jsonb_build_object(
    'batch', root.batch,
    'restored', private.restore_trash_rows(
      root.workspace_id,
      private.trash_family(root.batch, root.table_name, array[root.record_id])
    )
  );
end
$$;
comment on function private.restore(text, bigint, bigint) is
  'Restores a deleted record of the caller''s workspace and the children that were deleted with '
  'it, to the given parent or to its former one. Returns {"batch", "restored": {table: rows}}, or '
  'null when the record is not in the trash.';
grant execute on function private.restore(text, bigint, bigint) to authenticated;

-- Reading the trash -----------------------------------------------------------------------------

create function private.trashed(table_name text, record_id bigint)
returns jsonb
language sql stable security definer
set search_path = ''
as $$
  with recursive path as (
    (
      select t.deleted_at, t.reason, t.merged_into, 1 as step
      from private.trash t
      where t.workspace_id = (select private.workspace_id())
        and t.table_name = trashed.table_name
        and t.record_id = trashed.record_id
      order by t.id desc
      limit 1
    )
    union all
    select path.deleted_at, path.reason, t.merged_into, path.step + 1
    from path
    join private.trash t
      on t.workspace_id = (select private.workspace_id())
      and t.table_name = trashed.table_name
      and t.record_id = path.merged_into
      and t.reason = 'merged'
  )
  select jsonb_build_object(
    'deleted_at', path.deleted_at, 'reason', path.reason, 'merged_into', path.merged_into
  )
  from path
  order by path.step desc
  limit 1
$$;
comment on function private.trashed(text, bigint) is
  'Returns when and why a record of the caller''s workspace was deleted: {"deleted_at", "reason", '
  '"merged_into"}, or null. After several merges, merged_into is the last winner.';
grant execute on function private.trashed(text, bigint) to authenticated;

create function private.record_label(table_name text, record jsonb)
returns text
language sql immutable
set search_path = ''
as $$
  select left(
    coalesce(
      case table_name
        when 'contacts' then
          nullif(concat_ws(' ', record ->> 'first_name', record ->> 'last_name'), '')
        when 'contact_notes' then record ->> 'text'
        when 'deal_notes' then record ->> 'text'
        when 'tasks' then record ->> 'text'
        else record ->> 'name'
      end,
      ''
    ),
    200
  )
$$;
comment on function private.record_label(text, jsonb) is
  'Returns the name of a record or the first 200 characters of its text.';

create function private.list_trash(
  p_table_name text,
  p_reason text,
  p_deleted_by bigint,
  p_before_id bigint,
  p_max_rows integer
)
returns table (
  id bigint,
  table_name text,
  record_id bigint,
  label text,
  reason text,
  merged_into bigint,
  deleted_by bigint,
  deleted_at timestamptz,
  taken_along jsonb
)
language plpgsql stable security definer
set search_path = ''
as $$
declare
  caller_workspace constant uuid := private.workspace_id();
begin
  return query
    with page as (
      select t.*
      from private.trash t
      where t.workspace_id = caller_workspace
        and t.root_id is null
        and t.id < coalesce(p_before_id, 9223372036854775807)
        and (p_table_name is null or t.table_name = p_table_name)
        and (p_reason is null or t.reason = p_reason)
        and (p_deleted_by is null or t.deleted_by = p_deleted_by)
      order by t.id desc
      limit p_max_rows
    )
    select
      p.id,
      p.table_name,
      p.record_id,
      private.record_label(p.table_name, p.record),
      p.reason,
      p.merged_into,
      p.deleted_by,
      p.deleted_at,
      coalesce(
        (
          select jsonb_object_agg(counted.table_name, counted.number)
          from (
            select child.table_name, count(*) as number
            from private.trash child
            where child.root_id = p.id
            group by child.table_name
          ) as counted
        ),
        '{}'
      )
    from page p
    order by p.id desc;
end
$$;
comment on function private.list_trash(text, text, bigint, bigint, integer) is
  'Returns the directly deleted rows of the caller''s workspace, newest first. taken_along is the '
  'number of rows that were deleted with each of them, by table.';
grant execute on function private.list_trash(text, text, bigint, bigint, integer) to authenticated;

create function private.trash_item(p_id bigint)
returns table (table_name text, record_id bigint)
language plpgsql stable security definer
set search_path = ''
as $$
begin
  return query
    select t.table_name, t.record_id
    from private.trash t
    where t.id = p_id and t.workspace_id = (select private.workspace_id());
end
$$;
comment on function private.trash_item(bigint) is
  'Returns the record of a row in the trash of the caller''s workspace. No row when there is none.';
grant execute on function private.trash_item(bigint) to authenticated;

create function private.was_purged(p_id bigint)
returns boolean
language plpgsql stable security definer
set search_path = ''
as $$
begin
  return exists (
    select from public.audit_log a
    where a.workspace_id = (select private.workspace_id())
      and a.action = 'purged'
      and a.after ->> 'trash_id' = p_id::text
  );
end
$$;
comment on function private.was_purged(bigint) is
  'Returns whether this row of the trash of the caller''s workspace was purged, so that a repeated '
  'request succeeds.';
grant execute on function private.was_purged(bigint) to authenticated;

-- Purging ---------------------------------------------------------------------------------------

create function private.purge_trash_rows(trash_ids bigint[])
returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  caller constant uuid := auth.uid();
  caller_member constant bigint := private.member_id();
  request constant text := nullif(current_setting('portico.request_id', true), '');
  counts jsonb;
begin
  -- The audit log loses the values but still shows that the record existed and who deleted it.
  perform set_config('portico.purging', 'on', true);
  -- The list of merges keeps the winner.
  update public.audit_log a
  set before = null, after = case when a.action = 'merged' then a.after end
  from private.trash t
  where t.id = any (trash_ids)
    and a.workspace_id = t.workspace_id
    and a.table_name = t.table_name
    and a.record_id = t.record_id
    and a.created_at <= t.deleted_at;
  perform set_config('portico.purging', '', true);

  insert into public.audit_log (
    workspace_id, table_name, record_id, action, after, member_id, user_id, request_id
  )
  select
    t.workspace_id,
    t.table_name,
    t.record_id,
    'purged',
    jsonb_build_object('trash_id', t.id),
    caller_member,
    caller,
    request
  from private.trash t
  where t.id = any (trash_ids)
  order by t.id;

  with purged as (
    delete from private.trash t where t.id = any (trash_ids) returning t.table_name
  ), counted as (
    select p.table_name, count(*) as number from purged p group by p.table_name
  )
  select coalesce(jsonb_object_agg(c.table_name, c.number), '{}') into counts from counted c;
  return counts;
end
$$;
comment on function private.purge_trash_rows(bigint[]) is
  'Permanently deletes rows of the trash and their values in the audit log. Returns {table: rows}.';

create function private.require_admin()
returns void
language plpgsql stable
set search_path = ''
as $$
begin
  if not private.is_admin() then
    raise exception using
      errcode = 'PT409',
      message = 'Only an admin may delete permanently. Ask an admin of your workspace.',
      detail = 'admin_required';
  end if;
end
$$;
comment on function private.require_admin() is
  'Raises admin_required when the caller is not an active admin.';

create function private.purge_trash_item(p_id bigint)
returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  perform private.require_admin();
  return private.purge_trash_rows(array(
    select t.id
    from private.trash t
    where (t.id = p_id or t.root_id = p_id)
      and t.workspace_id = (select private.workspace_id())
    order by t.id
    for update
  ));
end
$$;
comment on function private.purge_trash_item(bigint) is
  'Permanently deletes a row of the trash of the caller''s workspace and the rows that were '
  'deleted with it. Returns {table: rows}. For admins.';
grant execute on function private.purge_trash_item(bigint) to authenticated;

create function private.empty_trash(max_rows integer)
returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  perform private.require_admin();
  return private.purge_trash_rows(array(
    select t.id
    from private.trash t
    where t.workspace_id = (select private.workspace_id())
    order by t.id desc
    limit max_rows
    for update
  ));
end
$$;
comment on function private.empty_trash(integer) is
  'Permanently deletes at most max_rows rows of the trash of the caller''s workspace. Returns '
  '{table: rows}. For admins.';
grant execute on function private.empty_trash(integer) to authenticated;

create function private.purge_trash(older_than interval)
returns bigint
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  counts constant jsonb := private.purge_trash_rows(array(
    select t.id
    from private.trash t
    where t.deleted_at < now() - older_than
    order by t.id
    for update
  ));
begin
  return (select coalesce(sum(value::bigint), 0) from jsonb_each_text(counts));
end
$$;
comment on function private.purge_trash(interval) is
  'Permanently deletes the rows of the trash that are older than the interval. Returns their '
  'number.';
grant execute on function private.purge_trash(interval) to service_role;
