-- Out of the trash: private.restore() puts exactly one deletion back, under the same ids.
--
-- Functions  private.restore(table_name, record_id) returns jsonb
--            private.trashed(table_name, record_id) returns jsonb
--            private.purge_trash(older_than) returns bigint (service role only)
--
-- Errors of restore
--   PT403 restore_not_allowed   not the owner, a manager or an admin
--   PT410 merged                the record went into another one
--   PT409 parent_deleted        what it belongs to is deleted itself

create function private.check_restorable(root private.trash)
returns void
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  parent record;
  parent_exists boolean;
begin
  if not private.can_manage()
    and (root.record ->> 'sales_id')::bigint is distinct from private.member_id()
  then
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
  perform private.restore_references(root.workspace_id, trash_ids);
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
  'Restores a deleted record of the caller''s workspace with what its deletion took along: {"batch", "restored": {table: rows}}; null when it is not in the trash.';

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
  'When and why a record of the caller''s workspace was deleted: {"deleted_at", "reason", "merged_into"}, or null. merged_into is the end of the way, when that one was merged too.';

create function private.purge_trash(older_than interval)
returns bigint
language sql volatile security definer
set search_path = ''
as $$
  with purged as (
    delete from private.trash where deleted_at < now() - older_than returning id
  )
  select count(*) from purged
$$;
comment on function private.purge_trash(interval) is 'Deletes for good what was trashed longer ago; returns how many rows.';

grant execute on function private.restore(text, bigint), private.trashed(text, bigint)
  to authenticated;
grant execute on function private.purge_trash(interval) to service_role;
