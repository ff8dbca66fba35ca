-- The trash: deleted rows move to private.trash, whoever deletes them and by whatever way, and come
-- back under the same ids.
--
-- Tables      private.trash
-- Procedures  private.add_trash_triggers(table_name): a table's deleted rows are kept
-- Functions   private.restore(table_name, record_id) returns jsonb
--             private.trashed(table_name, record_id) returns jsonb
--             private.list_trash(table_name, reason, deleted_by, before_id, size)
--             private.trash_item(id), private.was_purged(id)
--             private.purge_trash_item(id), private.empty_trash(size)
--             private.purge_trash(older_than) returns bigint (service role only)
--
-- Rows of one transaction share a batch: a record and what its deletion took along. Which table
-- takes which along is read from the foreign keys (private.cascades), so that a new table needs
-- nothing but its foreign key and the trash's trigger. Ids of deleted contacts and tags are taken out
-- of the arrays that hold them, and their places remembered. The rows of a workspace that is deleted
-- as a whole are not kept.
--
-- Settings   portico.merged_into (id of the winner while a merge deletes the others) and
--            portico.request_id, both set by the gateway for one transaction
--
-- Errors
--   PT403 restore_not_allowed   not the owner, a manager or an admin
--   PT410 merged                the record went into another one
--   PT409 parent_deleted        what it belongs to is deleted itself
--   PT403 admin_required        only admins delete for good

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
comment on table private.trash is 'Deleted rows. Read and emptied by functions only.';
comment on column private.trash.id is 'Given by the database.';
comment on column private.trash.batch is 'The transaction that deleted the row.';
comment on column private.trash.workspace_id is 'The workspace of the deleted row.';
comment on column private.trash.table_name is 'The table that the row was deleted from.';
comment on column private.trash.record_id is 'The id that the row had, and gets back.';
comment on column private.trash.record is 'The row as it was.';
comment on column private.trash.array_references is
  'The arrays that held the id: [{"table", "column", "id", "position"}].';
comment on column private.trash.reason is 'deleted, or merged into another record.';
comment on column private.trash.merged_into is 'The record that this one was merged into.';
comment on column private.trash.deleted_at is
  'When the row was deleted; it is purged 30 days later.';
comment on column private.trash.deleted_by is
  'The member who deleted it; null for the service role.';
comment on column private.trash.request_id is
  'The request that deleted it; null when it did not come through the gateway.';
comment on column private.trash.root_id is
  'The row whose deletion took this one along; null for what was deleted itself.';

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

-- Into the trash --------------------------------------------------------------------------------

create view private.cascades
with (security_invoker = on)
as
select
  child.relname::text as child_table,
  parent.relname::text as parent_table,
  attribute.attname::text as column_name
from pg_catalog.pg_constraint c
join pg_catalog.pg_class child on child.oid = c.conrelid
join pg_catalog.pg_class parent on parent.oid = c.confrelid
join pg_catalog.pg_attribute attribute
  on attribute.attrelid = c.conrelid and attribute.attnum = c.conkey[2]
where c.contype = 'f'
  and c.confdeltype = 'c'
  and c.connamespace = 'public'::regnamespace
  and array_length(c.conkey, 1) = 2;
comment on view private.cascades is
  'Foreign keys (workspace_id, column_name) that delete the child with its parent.';
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
  'The row of the same deletion that a new row of the trash belongs to; null without one.';

create function private.trash_batch()
returns uuid
language sql volatile
set search_path = ''
as $$
  select coalesce(
    nullif(current_setting('portico.batch', true), ''),
    set_config('portico.batch', gen_random_uuid()::text, true)
  )::uuid
$$;
comment on function private.trash_batch() is 'One uuid per transaction.';

-- A parent's rows come before its children's: its trigger was queued before the cascade began.
create function private.move_to_trash()
returns trigger
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  winner_id constant bigint := nullif(current_setting('portico.merged_into', true), '')::bigint;
  batch constant uuid := private.trash_batch();
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
  -- Not in a workspace that is being deleted itself.
  where exists (select from public.workspaces w where w.id = d.workspace_id);
  return null;
end
$$;
comment on function private.move_to_trash() is 'Keeps the rows of a DELETE in the trash.';

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
  'Moves the rows that are deleted from a table to the trash.';

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
      ), remembered as (
        update private.trash t
        set array_references = positions.array_references
        from positions
        where t.batch = private.trash_batch()
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
  'Takes deleted ids out of the arrays that hold them, and remembers where they stood.';

-- Out of the trash: rows ------------------------------------------------------------------------

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
      ) or not trashed.record ? 'sales_id' then '{}'
      else '{"sales_id": null}'::jsonb
    end
$$;
comment on function private.restored_values(private.trash) is
  'What differs from the trashed record: a new updated_at, and no owner when they are gone.';

create function private.reinsert(table_name text, trash_ids bigint[])
returns void
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  columns text[];
begin
  -- Only columns that the rows had: later ones get their defaults.
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
  'Puts rows of one table back under their ids.';

create function private.restore_rows(batch uuid, table_name text, record_ids bigint[])
returns bigint[]
language plpgsql volatile security definer
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
    where t.batch = restore_rows.batch
      and t.table_name = restore_rows.table_name
      and t.record_id = any (record_ids)
      and t.reason = 'deleted'
  );
  perform private.reinsert(table_name, trash_ids);
  for cascade in
    select * from private.cascades c where c.parent_table = restore_rows.table_name
  loop
    child_ids := array(
      select t.record_id
      from private.trash t
      where t.batch = restore_rows.batch
        and t.table_name = cascade.child_table
        and (t.record ->> cascade.column_name)::bigint = any (record_ids)
    );
    if child_ids <> '{}' then
      trash_ids := trash_ids || private.restore_rows(batch, cascade.child_table, child_ids);
    end if;
  end loop;
  return trash_ids;
end
$$;
comment on function private.restore_rows(uuid, text, bigint[]) is
  'Puts rows back, then the children that went with them; returns the ids of all in the trash.';

-- Out of the trash: arrays of ids ---------------------------------------------------------------

-- Restored ids return to where they stood, and restored arrays lose the ids of records that died
-- meanwhile; a merged one becomes the record it went into.
--
-- Holder and element may both be deleted, one after the other, and come back in any order. A deal
-- and then its contact are deleted. The deal returns first: it loses the id of the contact, whose
-- row in the trash now remembers the place. The contact returns first: nothing to do. A contact and
-- then the deal that held it are deleted. The contact returns first: its id goes back into the deal
-- in the trash.

create function private.survivor(table_name text, workspace_id uuid, record_id bigint)
returns bigint
language sql stable security definer
set search_path = ''
as $$
  with recursive path as (
    select t.merged_into
    from private.trash t
    where t.workspace_id = survivor.workspace_id
      and t.table_name = survivor.table_name
      and t.record_id = survivor.record_id
      and t.reason = 'merged'
    union
    select t.merged_into
    from path
    join private.trash t
      on t.workspace_id = survivor.workspace_id
      and t.table_name = survivor.table_name
      and t.record_id = path.merged_into
      and t.reason = 'merged'
  )
  select path.merged_into
  from path
  where private.missing_ids(table_name, workspace_id, array[path.merged_into]) = '{}'
  limit 1
$$;
comment on function private.survivor(text, uuid, bigint) is
  'The living record that a merged one ended up in; null without one.';

create function private.remember_places(
  holder_table text, column_name text, referenced_table text, workspace_id uuid,
  holder_ids bigint[], dead_ids bigint[]
)
returns void
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  execute format(
    $sql$
      with places as (
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
      set array_references = t.array_references || places.array_references
      from places
      where t.workspace_id = $1
        and t.table_name = $4
        and t.record_id = places.record_id
        and t.reason = 'deleted'
    $sql$,
    holder_table, column_name
  ) using workspace_id, holder_ids, dead_ids, referenced_table, holder_table, column_name;
end
$$;
comment on function private.remember_places(text, text, text, uuid, bigint[], bigint[]) is
  'Notes in the trash where the ids of deleted records stand in restored arrays, which lose them.';

create function private.replace_dead_references(
  holder_table text, column_name text, referenced_table text, workspace_id uuid, holder_ids bigint[]
)
returns void
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  held_ids bigint[];
  dead_ids bigint[];
begin
  execute format(
    $sql$
      select array(
        select distinct unnest(h.%2$I) from public.%1$I h where h.workspace_id = $1 and h.id = any ($2)
      )
    $sql$,
    holder_table, column_name
  ) into held_ids using workspace_id, holder_ids;
  dead_ids := private.missing_ids(referenced_table, workspace_id, held_ids);
  if dead_ids = '{}' then
    return;
  end if;
  perform private.remember_places(
    holder_table, column_name, referenced_table, workspace_id, holder_ids, dead_ids
  );
  execute format(
    $sql$
      update public.%1$I h
      set %2$I = array(
        select living.id
        from unnest(h.%2$I) with ordinality as element (id, position)
        cross join lateral (
          select case
            when element.id = any ($3) then private.survivor($4, $1, element.id) else element.id
          end as id
        ) as living
        where living.id is not null
        group by living.id
        order by min(element.position)
      )
      where h.workspace_id = $1 and h.id = any ($2) and h.%2$I && $3
    $sql$,
    holder_table, column_name
  ) using workspace_id, holder_ids, dead_ids, referenced_table;
end
$$;
comment on function private.replace_dead_references(text, text, text, uuid, bigint[]) is
  'Takes ids of records that died meanwhile out of restored arrays; merged ones become their winner.';

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
  'The array with ids put in at ascending positions, unless it has them.';

create function private.restore_living_references(workspace_id uuid, trash_ids bigint[])
returns void
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  holder record;
begin
  for holder in
    select distinct reference ->> 'table' as table_name, reference ->> 'column' as column_name
    from private.trash t
    cross join lateral jsonb_array_elements(t.array_references) as reference
    where t.id = any (trash_ids)
  loop
    execute format(
      $sql$
        with remembered as (
          select
            (reference ->> 'id')::bigint as id,
            array_agg(t.record_id order by (reference ->> 'position')::bigint, t.id) as ids,
            array_agg((reference ->> 'position')::bigint order by (reference ->> 'position')::bigint, t.id)
              as positions
          from private.trash t
          cross join lateral jsonb_array_elements(t.array_references) as reference
          where t.id = any ($1) and reference ->> 'table' = $2 and reference ->> 'column' = $3
          group by 1
        ), holders as (
          select h.id, h.%2$I as held, remembered.ids, remembered.positions
          from public.%1$I h
          join remembered using (id)
          where h.workspace_id = $4
          order by h.id
          for no key update of h
        )
        update public.%1$I h
        set %2$I = private.insert_at(holders.held, holders.ids, holders.positions)
        from holders
        where h.id = holders.id
      $sql$,
      holder.table_name, holder.column_name
    ) using trash_ids, holder.table_name, holder.column_name, workspace_id;
  end loop;
end
$$;
comment on function private.restore_living_references(uuid, bigint[]) is
  'Puts restored ids back into the arrays that held them, where those still exist.';

create function private.restore_trashed_references(workspace_id uuid, trash_ids bigint[])
returns void
language sql volatile security definer
set search_path = ''
as $$
  with remembered as (
    select
      reference ->> 'table' as table_name,
      reference ->> 'column' as column_name,
      (reference ->> 'id')::bigint as record_id,
      array_agg(t.record_id order by (reference ->> 'position')::bigint, t.id) as ids,
      array_agg(
        (reference ->> 'position')::bigint order by (reference ->> 'position')::bigint, t.id
      ) as positions
    from private.trash t
    cross join lateral jsonb_array_elements(t.array_references) as reference
    where t.id = any (trash_ids)
    group by 1, 2, 3
  )
  update private.trash holder
  set record = jsonb_set(
    holder.record,
    array[remembered.column_name],
    to_jsonb(private.insert_at(
      array(
        select element::bigint
        from jsonb_array_elements_text(
          case jsonb_typeof(holder.record -> remembered.column_name)
            when 'array' then holder.record -> remembered.column_name
            else '[]'
          end
        ) with ordinality as held (element, position)
        order by held.position
      ),
      remembered.ids,
      remembered.positions
    ))
  )
  from remembered
  where holder.workspace_id = restore_trashed_references.workspace_id
    and holder.table_name = remembered.table_name
    and holder.record_id = remembered.record_id
    and holder.id <> all (trash_ids)
$$;
comment on function private.restore_trashed_references(uuid, bigint[]) is
  'Puts restored ids back into the arrays of holders that are in the trash themselves.';

-- Out of the trash: the whole -------------------------------------------------------------------

create function private.check_restorable(root private.trash)
returns void
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  parent record;
  parent_exists boolean;
begin
  if not private.may_manage((root.record ->> 'sales_id')::bigint) then
    raise exception using
      errcode = 'PT403',
      message = 'Only its owner, a manager or an admin may restore this record.',
      detail = 'restore_not_allowed';
  end if;
  if root.reason = 'merged' then
    raise exception using
      errcode = 'PT410',
      message = format('This record was merged into %s and cannot be restored.', root.merged_into),
      detail = 'merged';
  end if;
  for parent in
    select parent_table, (root.record ->> column_name)::bigint as id
    from private.cascades
    where child_table = root.table_name and root.record ->> column_name is not null
  loop
    execute format(
      'select exists (select from public.%I where workspace_id = $1 and id = $2)',
      parent.parent_table
    ) into parent_exists using root.workspace_id, parent.id;
    if not parent_exists then
      raise exception using
        errcode = 'PT409',
        message = format(
          'This record belongs to %s %s, which no longer exists. Restore that first.',
          parent.parent_table, parent.id
        ),
        detail = 'parent_deleted';
    end if;
  end loop;
end
$$;
comment on function private.check_restorable(private.trash) is
  'Raises PT403 or PT409 when the caller may not restore this row, or nobody can.';

create function private.restore(table_name text, record_id bigint)
returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  root private.trash;
  trash_ids bigint[];
  restored jsonb;
begin
  select * into root
  from private.trash t
  where t.workspace_id = private.workspace_id()
    and t.table_name = restore.table_name
    and t.record_id = restore.record_id
  order by t.id desc
  limit 1
  for update;
  if not found then
    return null;
  end if;
  perform private.check_restorable(root);

  perform set_config('portico.restoring', 'on', true);
  trash_ids := private.restore_rows(root.batch, root.table_name, array[root.record_id]);
  perform private.replace_dead_references(
    'contacts', 'tags', 'tags', root.workspace_id,
    array(select t.record_id from private.trash t where t.id = any (trash_ids) and t.table_name = 'contacts')
  );
  perform private.replace_dead_references(
    'deals', 'contact_ids', 'contacts', root.workspace_id,
    array(select t.record_id from private.trash t where t.id = any (trash_ids) and t.table_name = 'deals')
  );
  perform private.restore_living_references(root.workspace_id, trash_ids);
  perform private.restore_trashed_references(root.workspace_id, trash_ids);
  perform set_config('portico.restoring', '', true);

  with emptied as (
    delete from private.trash t where t.id = any (trash_ids) returning t.table_name
  ), counts as (
    select e.table_name, count(*) as rows from emptied e group by e.table_name
  )
  select jsonb_object_agg(c.table_name, c.rows) into restored from counts c;
  return jsonb_build_object('batch', root.batch, 'restored', restored);
end
$$;
comment on function private.restore(text, bigint) is
  'Restores a deleted record of the caller''s workspace and what its deletion took along; returns {"batch", "restored": {table: rows}}, or null when it is not in the trash.';
grant execute on function private.restore(text, bigint) to authenticated;

-- What is in the trash --------------------------------------------------------------------------

create function private.trashed(table_name text, record_id bigint)
returns jsonb
language sql stable security definer
set search_path = ''
as $$
  with recursive path as (
    (
      select t.deleted_at, t.reason, t.merged_into, 1 as step
      from private.trash t
      where t.workspace_id = private.workspace_id()
        and t.table_name = trashed.table_name
        and t.record_id = trashed.record_id
      order by t.id desc
      limit 1
    )
    union all
    select path.deleted_at, path.reason, t.merged_into, path.step + 1
    from path
    join private.trash t
      on t.workspace_id = private.workspace_id()
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
  'When and why a record of the caller''s workspace was deleted: {"deleted_at", "reason", "merged_into"}, or null. When the winner was merged too, merged_into is the last one.';
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
  'What people call a record: its name, or how its text begins.';

create function private.list_trash(
  p_table_name text,
  p_reason text,
  p_deleted_by bigint,
  p_before_id bigint,
  p_size integer
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
      limit p_size
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
  'What was deleted in the caller''s workspace, newest first, with the numbers of rows that went along by table.';
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
    where t.id = p_id and t.workspace_id = private.workspace_id();
end
$$;
comment on function private.trash_item(bigint) is
  'Returns which record a row of the caller''s trash is; no row when it is not there.';
grant execute on function private.trash_item(bigint) to authenticated;

create function private.was_purged(p_id bigint)
returns boolean
language plpgsql stable security definer
set search_path = ''
as $$
begin
  return exists (
    select from public.audit_log a
    where a.workspace_id = private.workspace_id()
      and a.action = 'purged'
      and a.after ->> 'trash_id' = p_id::text
  );
end
$$;
comment on function private.was_purged(bigint) is
  'Whether this row of the trash of the caller''s workspace was deleted for good, so that repeating it succeeds.';
grant execute on function private.was_purged(bigint) to authenticated;

-- For good --------------------------------------------------------------------------------------

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
  -- What is deleted for good leaves no values behind; that it existed, and who deleted it, stays.
  perform set_config('portico.purging', 'on', true);
  update public.audit_log a
  set before = null, after = null
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
  'Deletes rows of the trash for good, and their values from the audit log; returns {table: rows}.';

create function private.require_admin()
returns void
language plpgsql stable
set search_path = ''
as $$
begin
  if not private.is_admin() then
    raise exception using
      errcode = 'PT403',
      message = 'Only an admin may delete for good. Ask an admin of your workspace.',
      detail = 'admin_required';
  end if;
end
$$;
comment on function private.require_admin() is 'Raises PT403 unless the caller is an active admin.';

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
    where (t.id = p_id or t.root_id = p_id) and t.workspace_id = private.workspace_id()
    order by t.id
    for update
  ));
end
$$;
comment on function private.purge_trash_item(bigint) is
  'Deletes one row of the caller''s trash for good, and what went along with it; returns {table: rows}. For admins.';
grant execute on function private.purge_trash_item(bigint) to authenticated;

create function private.empty_trash(p_size integer)
returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  perform private.require_admin();
  return private.purge_trash_rows(array(
    select t.id
    from private.trash t
    where t.workspace_id = private.workspace_id()
    order by t.id desc
    limit p_size
    for update
  ));
end
$$;
comment on function private.empty_trash(integer) is
  'Deletes at most p_size rows of the caller''s trash for good; returns {table: rows}. For admins.';
grant execute on function private.empty_trash(integer) to authenticated;

create function private.purge_trash(older_than interval)
returns bigint
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  counts constant jsonb := private.purge_trash_rows(array(
    select t.id from private.trash t where t.deleted_at < now() - older_than order by t.id for update
  ));
begin
  return (select coalesce(sum(value::bigint), 0) from jsonb_each_text(counts));
end
$$;
comment on function private.purge_trash(interval) is
  'Deletes for good what was trashed longer ago, with its values in the audit log; returns how many rows.';
grant execute on function private.purge_trash(interval) to service_role;
