-- Undo: takes back what a change did. The undo is a change itself, so it can be undone too.
--
-- Functions   private.undo_change(change_id, on_conflict): undoes a change of the caller's workspace
--             private.change_effects(change_id, kept): what a change did to each record, one row each
--             private.undo_conflicts(change_id): what stands in the way of an undo
--
-- An undo restores deleted records, then gives changed fields their former values, then deletes
-- created records, and at last puts deals back to their places on the board. It runs with the
-- rights of the caller: row-level security and the triggers of the tables decide about each record.
--
-- A field that was changed again later is a conflict, and so is one whose former value refers to a
-- record that does not exist, and a record that cannot return.
-- on_conflict decides: refuse changes nothing, keep leaves these fields and records as they are,
-- revert takes later changes back too. A record that is kept keeps the record that it belongs to. In
-- arrays of ids, only the ids that the change added or removed are taken back, so that later ids
-- remain. Such arrays have no conflicts. The stage of a deal and its closing date are kept together.
--
-- Errors
--   PT404 not_found           the workspace has no such change
--   PT409 already_undone      the change was undone before
--   PT409 undo_expired        the change is older than 30 days
--   PT409 restore_not_allowed, forbidden   the caller may not restore or delete one of the records

-- The tables of records, in the order in which rows can be inserted: parents first. The columns of
-- a table are restored and reverted in one statement.
create view private.record_tables
with (security_invoker = on)
as
with recursive tables as (
  select c.oid, c.relname::text as table_name
  from pg_catalog.pg_trigger t
  join pg_catalog.pg_class c on c.oid = t.tgrelid
  where t.tgname = '05_audit_inserted'
), steps as (
  select t.oid, t.table_name, 0 as depth from tables t
  union all
  select child.oid, child.table_name, s.depth + 1
  from steps s
  join pg_catalog.pg_constraint k on k.contype = 'f' and k.confrelid = s.oid
    and k.conrelid <> k.confrelid
  join tables child on child.oid = k.conrelid
)
select s.table_name, max(s.depth) as depth from steps s group by s.table_name;
comment on view private.record_tables is
  'The tables whose changes are logged. A table has a greater depth than the tables it refers to.';
revoke all on private.record_tables from service_role;

-- Arrays of ids: the triggers that check added ids name column and referenced table.
create view private.id_arrays
with (security_invoker = on)
as
select distinct
  c.relname::text as table_name,
  split_part(encode(t.tgargs, 'escape'), '\000', 1) as column_name,
  split_part(encode(t.tgargs, 'escape'), '\000', 2) as referenced_table
from pg_catalog.pg_trigger t
join pg_catalog.pg_class c on c.oid = t.tgrelid
where t.tgfoid = to_regproc('private.check_references');
comment on view private.id_arrays is 'The columns with ids of records of another table.';
revoke all on private.id_arrays from service_role;

create function private.tables_of_change(p_change_id uuid)
returns text[]
language sql stable security definer
set search_path = ''
as $$
  select coalesce(array_agg(t.table_name order by t.depth, t.table_name), '{}')
  from public.changes c
  join private.record_tables t on c.touched ? t.table_name
  where c.workspace_id = (select private.workspace_id()) and c.id = p_change_id
$$;
comment on function private.tables_of_change(uuid) is
  'Returns the tables that a change of the caller''s workspace touched, parents first.';
grant execute on function private.tables_of_change(uuid) to authenticated;

create function private.id_array_fields(p_table_name text)
returns text[]
language sql stable security definer
set search_path = ''
as $$
  select array(select a.column_name from private.id_arrays a where a.table_name = p_table_name)
$$;
comment on function private.id_array_fields(text) is
  'Returns the columns of a table with ids of other records.';
grant execute on function private.id_array_fields(text) to authenticated;

-- Effects ---------------------------------------------------------------------------------------

create function private.change_effects(p_change_id uuid, p_kept jsonb default '[]')
returns table (
  table_name text,
  record_id bigint,
  effect text,
  before jsonb,
  after jsonb,
  merged_into bigint,
  was_restored boolean,
  last_entry bigint
)
language sql stable security definer
set search_path = ''
as $$
  with entries as (
    select
      a.*,
      first_value(a.action) over first_to_last as first_action,
      last_value(a.action) over first_to_last as last_action
    from public.audit_log a
    where a.workspace_id = (select private.workspace_id())
      and a.change_id = p_change_id
    window first_to_last as (
      partition by a.table_name, a.record_id
      order by a.id
      rows between unbounded preceding and unbounded following
    )
  ), fields as (
    -- An update has the old values of its fields. The first of them are the values before.
    select
      e.table_name,
      e.record_id,
      jsonb_object_agg(f.field, e.before -> f.field order by e.id desc) as before,
      jsonb_object_agg(f.field, e.after -> f.field order by e.id) as after
    from entries e
    cross join lateral jsonb_object_keys(e.after) as f (field)
    where e.action in ('updated', 'stage_changed')
    group by e.table_name, e.record_id
  ), records as (
    select
      e.table_name,
      e.record_id,
      min(e.first_action) in ('created', 'restored') as is_new,
      min(e.last_action) in ('deleted', 'merged') as is_gone,
      max((e.after ->> 'merged_into')::bigint) filter (where e.action = 'merged') as merged_into,
      (array_agg(e.after order by e.id) filter (where e.action in ('created', 'restored')))[1]
        as first_values,
      bool_or(e.action = 'purged') as is_purged,
      bool_or(e.action = 'restored') as was_restored,
      max(e.id) as last_entry
    from entries e
    group by e.table_name, e.record_id
  )
  select
    r.table_name,
    r.record_id,
    case
      when r.is_purged then 'purged'
      when r.is_new and r.is_gone then 'none'
      -- The member of an API key follows its key. It stays, because records and the log name it.
      when r.table_name = 'sales' and exists (
        select from public.sales s where s.id = r.record_id and s.kind = 'key'
      ) then 'none'
      when r.is_new then 'created'
      when r.is_gone then 'deleted'
      else 'updated'
    end,
    coalesce(f.before, '{}'),
    coalesce(r.first_values, '{}') || coalesce(f.after, '{}'),
    r.merged_into,
    r.was_restored,
    r.last_entry
  from records r
  left join fields f using (table_name, record_id)
  where not exists (
    select
    from jsonb_to_recordset(p_kept) as kept (table_name text, record_id bigint)
    where (kept.table_name, kept.record_id) = (r.table_name, r.record_id)
  )
$$;
comment on function private.change_effects(uuid, jsonb) is
  'Returns the effect of a change of the caller''s workspace on each record: created, updated, '
  'deleted, purged or none, with the values of the changed fields before and after. Leaves out '
  'the kept records: [{"table_name", "record_id"}].';
grant execute on function private.change_effects(uuid, jsonb) to authenticated;

-- Conflicts -------------------------------------------------------------------------------------

create function private.lock_change(p_change_id uuid)
returns void
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  change public.changes;
begin
  select * into change
  from public.changes c
  where c.workspace_id = (select private.workspace_id()) and c.id = p_change_id
  for update;
  if not found then
    raise exception using
      errcode = 'PT404',
      message = 'There is no such change. It may be too old.',
      detail = 'not_found';
  elsif change.undone_by is not null then
    raise exception using
      errcode = 'PT409',
      message = format(
        'This change was undone by the change %s. Undo that change to repeat this one.',
        change.undone_by
      ),
      detail = 'already_undone';
  elsif change.created_at < now() - interval '30 days' then
    raise exception using
      errcode = 'PT409',
      message = 'A change can be undone for 30 days. Change the records instead.',
      detail = 'undo_expired';
  elsif not private.manages_members() and exists (
    select
    from private.change_effects(p_change_id) e
    where e.table_name = 'sales' and e.record_id is distinct from private.member_id()
      or e.table_name = 'api_keys'
  ) then
    raise exception using
      errcode = 'PT409',
      message = 'Only an admin may undo a change of other members or of API keys. Ask an admin of your workspace.',
      detail = 'admin_required';
  end if;
  if change.touched ? 'deals' then
    perform private.lock_board(change.workspace_id);
  end if;
end
$$;
comment on function private.lock_change(uuid) is
  'Locks a change of the caller''s workspace. Raises an error when nobody or not the caller may '
  'undo it.';
grant execute on function private.lock_change(uuid) to authenticated;

create function private.with_parents(p_workspace_id uuid, trash_ids bigint[])
returns bigint[]
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  remaining bigint[] := trash_ids;
  orphans bigint[];
  reference record;
  parents bigint[];
begin
  loop
    orphans := '{}';
    for reference in select * from private.cascades loop
      parents := array(
        select (t.record ->> reference.column_name)::bigint
        from private.trash t
        where t.id = any (remaining) and t.table_name = reference.child_table
        except
        select t.record_id
        from private.trash t
        where t.id = any (remaining) and t.table_name = reference.parent_table
      );
      parents := private.missing_ids(
        reference.parent_table, p_workspace_id, array_remove(parents, null)
      );
      orphans := orphans || array(
        select t.id
        from private.trash t
        where t.id = any (remaining)
          and t.table_name = reference.child_table
          and (t.record ->> reference.column_name)::bigint = any (parents)
      );
    end loop;
    if orphans = '{}' then
      return remaining;
    end if;
    remaining := array(select id from unnest(remaining) as id where id <> all (orphans));
  end loop;
end
$$;
comment on function private.with_parents(uuid, bigint[]) is
  'Returns the rows of the trash whose parents exist or are among them. Locks the parents against '
  'deletion.';

-- The trash belongs to no member, so these conflicts are found with the rights of the owner.
create function private.restore_conflicts(p_change_id uuid)
returns table (table_name text, record_id bigint, reason text)
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  caller_workspace constant uuid := private.workspace_id();
  trash_ids constant bigint[] := array(
    select t.id
    from private.trash t
    where t.workspace_id = caller_workspace and t.batch = p_change_id
  );
  restorable_ids constant bigint[] := private.with_parents(caller_workspace, trash_ids);
  gone record;
begin
  -- A record that exists again needs nothing. One that is not in the trash was purged.
  for gone in
    select e.table_name, array_agg(e.record_id) as ids
    from private.change_effects(p_change_id) e
    where e.effect in ('deleted', 'purged')
      and not exists (
        select
        from private.trash t
        where t.workspace_id = caller_workspace
          and t.table_name = e.table_name
          and t.record_id = e.record_id
      )
    group by e.table_name
  loop
    return query
      select gone.table_name, purged.id, 'purged'
      from unnest(private.missing_ids(gone.table_name, caller_workspace, gone.ids)) as purged (id);
  end loop;
  return query
    select t.table_name, t.record_id, 'parent_deleted'
    from private.trash t
    where t.id = any (trash_ids) and t.id <> all (restorable_ids);
end
$$;
comment on function private.restore_conflicts(uuid) is
  'Returns the deleted records of a change that cannot return: purged, or without their parent.';
grant execute on function private.restore_conflicts(uuid) to authenticated;

create function private.changed_later(
  p_table_name text, p_record_id bigint, p_field text, p_after_entry bigint
)
returns uuid
language sql stable
set search_path = ''
as $$
  select a.change_id
  from public.audit_log a
  where a.workspace_id = (select private.workspace_id())
    and a.table_name = p_table_name
    and a.record_id = p_record_id
    and a.id > p_after_entry
    and (p_field is null or a.before ? p_field or a.after ? p_field)
  order by a.created_at desc nulls last, a.id desc
  limit 1
$$;
comment on function private.changed_later(text, bigint, text, bigint) is
  'Returns the last change of a field of a record after this entry of the log. Without a field: '
  'the last change of the record.';
grant execute on function private.changed_later(text, bigint, text, bigint) to authenticated;

-- Fields that an undo does not compare: derived ones, positions on the board, and arrays of ids.
-- A contact that was seen again later keeps its last_seen.
create function private.uncompared_fields(p_table_name text)
returns text[]
language sql stable security definer
set search_path = ''
as $$
  select '{id,workspace_id,created_at,updated_at,search,index,last_seen}'::text[]
    || private.id_array_fields(p_table_name)
$$;
comment on function private.uncompared_fields(text) is
  'Returns the fields of a table that have no conflicts.';
grant execute on function private.uncompared_fields(text) to authenticated;

-- Accounts are in the auth server, which an undo does not reach. Secrets of API keys never return.
create function private.account_fields(p_table_name text)
returns text[]
language sql immutable
set search_path = ''
as $$
  select case p_table_name
    when 'sales' then '{email,disabled,user_id}'::text[]
    when 'api_keys' then '{rotated_at}'
    else '{}'
  end
$$;
comment on function private.account_fields(text) is
  'Returns the fields of a table that belong to an auth user, or to the secret of an API key.';
grant execute on function private.account_fields(text) to authenticated;

create function private.field_conflicts(p_change_id uuid, p_table_name text)
returns table (
  record_id bigint,
  field text,
  reason text,
  before jsonb,
  after jsonb,
  current jsonb,
  last_entry bigint
)
language plpgsql volatile
set search_path = ''
as $$
begin
  -- The locks keep the compared values until the end of the transaction.
  execute format(
    $sql$
      select from public.%1$I t
      where t.workspace_id = $2
        and t.id in (
          select e.record_id from private.change_effects($1) e where e.table_name = $3
        )
      order by t.id
      for update
    $sql$,
    p_table_name
  ) using p_change_id, private.workspace_id(), p_table_name;
  return query execute format(
    $sql$
      with effects as (
        select e.*, to_jsonb(t) as current, t.id is not null as exists
        from private.change_effects($1) e
        left join public.%1$I t on t.workspace_id = $2 and t.id = e.record_id
        where e.table_name = $3
      )
      select
        e.record_id, f.field, case when f.field = any ($5) then 'account'
          else 'changed_since' end,
        e.before -> f.field, e.after -> f.field, e.current -> f.field, e.last_entry
      from effects e
      cross join lateral (
        select jsonb_object_keys(e.after)
        union
        select jsonb_object_keys(jsonb_strip_nulls(e.current)) where e.effect = 'created'
      ) as f (field)
      where e.exists
        and e.effect in ('updated', 'created')
        and f.field <> all ($4)
        and (
          f.field = any ($5)
          or coalesce(jsonb_strip_nulls(e.current -> f.field), 'null')
              is distinct from coalesce(jsonb_strip_nulls(e.after -> f.field), 'null')
            and (
              e.effect = 'created'
              or e.current -> f.field is distinct from e.before -> f.field
            )
        )
      union all
      select e.record_id, null, 'deleted_since', null, null, null, e.last_entry
      from effects e
      where not e.exists and e.effect = 'updated'
    $sql$,
    p_table_name
  ) using
    p_change_id, private.workspace_id(), p_table_name, private.uncompared_fields(p_table_name),
    private.account_fields(p_table_name);
end
$$;
comment on function private.field_conflicts(uuid, text) is
  'Locks the records of a change in one table. Returns the fields that changed since, and the '
  'records that were deleted since.';
grant execute on function private.field_conflicts(uuid, text) to authenticated;

create function private.reference_conflicts(
  p_change_id uuid,
  p_table_name text,
  p_unrestorable jsonb
)
returns table (
  record_id bigint, field text, before jsonb, after jsonb, current jsonb, changed_by uuid
)
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  caller_workspace constant uuid := private.workspace_id();
  reference record;
  missing bigint[];
begin
  for reference in
    select r.column_name, r.referenced_table
    from private.record_references r
    -- A record whose former owner is gone returns without owner.
    where r.table_name = p_table_name and not r.is_array and r.column_name <> 'sales_id'
  loop
    -- The undo restores the records that the change deleted, except for the unrestorable ones.
    missing := private.missing_ids(reference.referenced_table, caller_workspace, array(
      select (e.before ->> reference.column_name)::bigint
      from private.change_effects(p_change_id) e
      where e.table_name = p_table_name and e.before ->> reference.column_name is not null
      except
      select e.record_id
      from private.change_effects(p_change_id, p_unrestorable) e
      where e.table_name = reference.referenced_table and e.effect = 'deleted'
    ));
    return query execute format(
      $sql$
        select
          e.record_id, $3, e.before -> $3, e.after -> $3, to_jsonb(t) -> $3,
          private.changed_later($4, (e.before ->> $3)::bigint, null, e.last_entry)
        from private.change_effects($1) e
        join public.%1$I t on t.workspace_id = $2 and t.id = e.record_id
        where e.table_name = $5
          and e.effect = 'updated'
          and (e.before ->> $3)::bigint = any ($6)
      $sql$,
      p_table_name
    ) using
      p_change_id, caller_workspace, reference.column_name, reference.referenced_table,
      p_table_name, missing;
  end loop;
end
$$;
comment on function private.reference_conflicts(uuid, text, jsonb) is
  'Returns the fields whose value before a change refers to a record that does not exist, and that '
  'the undo cannot restore. changed_by is the change that deleted it.';
grant execute on function private.reference_conflicts(uuid, text, jsonb) to authenticated;

create function private.child_conflicts(p_change_id uuid, p_table_name text, p_kept jsonb)
returns table (record_id bigint, last_entry bigint)
language plpgsql stable security definer
set search_path = ''
as $$
declare
  reference record;
begin
  for reference in
    select c.child_table, c.column_name, 'child.%2$I = e.record_id' as refers
    from private.cascades c
    where c.parent_table = p_table_name
    union all
    select a.table_name, a.column_name, 'child.%2$I operator(pg_catalog.@>) array[e.record_id]'
    from private.id_arrays a
    where a.referenced_table = p_table_name
  loop
    return query execute format(
      $sql$
        select distinct e.record_id, e.last_entry
        from private.change_effects($1) e
        join public.%1$I child on child.workspace_id = $2 and $sql$ || reference.refers || $sql$
        where e.table_name = $3
          and e.effect = 'created'
          and not exists (
            select
            from private.change_effects($1) own
            where own.table_name = $4
              and own.record_id = child.id
              and case own.effect
                when 'created' then not exists (
                  select
                  from jsonb_to_recordset($6) as kept (table_name text, record_id bigint)
                  where (kept.table_name, kept.record_id) = ($4, child.id)
                )
                else own.after ? $5
              end
          )
      $sql$,
      reference.child_table, reference.column_name
    ) using
      p_change_id, private.workspace_id(), p_table_name, reference.child_table,
      reference.column_name, p_kept;
  end loop;
end
$$;
comment on function private.child_conflicts(uuid, text, jsonb) is
  'Returns the records that a change created and that other records refer to: records since, and '
  'those of the change that are kept.';
grant execute on function private.child_conflicts(uuid, text, jsonb) to authenticated;

create function private.undo_conflicts(p_change_id uuid)
returns table (
  table_name text,
  record_id bigint,
  field text,
  reason text,
  before jsonb,
  after jsonb,
  current jsonb,
  changed_by uuid
)
language plpgsql volatile
set search_path = ''
as $$
declare
  tables constant text[] := private.tables_of_change(p_change_id);
  unrestorable constant jsonb := (
    select coalesce(jsonb_agg(to_jsonb(c)), '[]') from private.restore_conflicts(p_change_id) c
  );
  touched_table text;
  conflicts jsonb := '[]';
begin
  foreach touched_table in array tables loop
    conflicts := conflicts || (
      select coalesce(jsonb_agg(to_jsonb(c) || jsonb_build_object(
        'table_name', touched_table,
        'changed_by', private.changed_later(touched_table, c.record_id, c.field, c.last_entry)
      )), '[]')
      from private.field_conflicts(p_change_id, touched_table) c
    ) || (
      select coalesce(jsonb_agg(to_jsonb(c) || jsonb_build_object(
        'table_name', touched_table, 'reason', 'reference_deleted'
      )), '[]')
      from private.reference_conflicts(p_change_id, touched_table, unrestorable) c
    );
  end loop;
  -- Children before parents: a record that is kept keeps the record that it belongs to.
  for touched_table in
    select t.name from unnest(tables) with ordinality as t (name, depth) order by t.depth desc
  loop
    conflicts := conflicts || (
      select coalesce(jsonb_agg(jsonb_build_object(
        'table_name', touched_table, 'record_id', c.record_id, 'reason', 'has_later_records'
      )), '[]')
      from private.child_conflicts(p_change_id, touched_table, conflicts) c
    );
  end loop;
  return query
    select *
    from jsonb_to_recordset(conflicts) as c (
      table_name text, record_id bigint, field text, reason text, before jsonb, after jsonb,
      current jsonb, changed_by uuid
    );
  return query
    select
      c.table_name, c.record_id, null::text, c.reason, null::jsonb, null::jsonb, null::jsonb,
      private.changed_later(c.table_name, c.record_id, null, e.last_entry)
    from jsonb_to_recordset(unrestorable) as c (table_name text, record_id bigint, reason text)
    join private.change_effects(p_change_id) e using (table_name, record_id);
  -- The related records of a merged record return from the winner, which must exist.
  return query
    select
      e.table_name, e.merged_into, null::text, 'deleted_since', null::jsonb, null::jsonb,
      null::jsonb, private.changed_later(e.table_name, e.merged_into, null, e.last_entry)
    from private.change_effects(p_change_id) e
    where e.merged_into is not null
      and private.trashed(e.table_name, e.merged_into) is not null;
end
$$;
comment on function private.undo_conflicts(uuid) is
  'Returns what stands in the way of an undo: the fields that changed since, with the values '
  'before, after and now, and the records that cannot return or cannot be deleted. changed_by is '
  'the later change.';
grant execute on function private.undo_conflicts(uuid) to authenticated;

-- Taking back -----------------------------------------------------------------------------------

create function private.restore_change(p_change_id uuid, p_kept jsonb)
returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  caller_workspace constant uuid := private.workspace_id();
  trash_ids constant bigint[] := array(
    select t.id
    from private.trash t
    join private.change_effects(p_change_id, p_kept) e using (table_name, record_id)
    where t.workspace_id = caller_workspace
      and t.batch = p_change_id
      and e.effect = 'deleted'
    order by t.id
    for update of t
  );
begin
  if exists (
    select
    from private.trash t
    where t.id = any (trash_ids)
      and t.root_id is null
      and not private.may_manage((t.record ->> 'sales_id')::bigint)
  ) then
    raise exception using
      errcode = 'PT409',
      message = 'Only the owner, a manager or an admin may restore these records. Ask one of them.',
      detail = 'restore_not_allowed';
  end if;
  return private.restore_trash_rows(caller_workspace, trash_ids);
end
$$;
comment on function private.restore_change(uuid, jsonb) is
  'Restores the records that a change deleted or merged. Returns {table: rows}.';
grant execute on function private.restore_change(uuid, jsonb) to authenticated;

create function private.merged_before(p_change_id uuid)
returns table (table_name text, record_id bigint, merged_into bigint)
language sql stable
set search_path = ''
as $$
  select e.table_name, e.record_id, e.merged_into
  from public.changes c
  cross join lateral private.change_effects(c.undoes) e
  where c.workspace_id = (select private.workspace_id())
    and c.id = p_change_id
    and e.merged_into is not null
$$;
comment on function private.merged_before(uuid) is
  'Returns the merged records that this change restored by undoing the merge.';
grant execute on function private.merged_before(uuid) to authenticated;

-- A record that goes back to the trash leaves the arrays with its deletion, which stores where it
-- was. One that is merged again was replaced by the winner before its deletion.
create function private.leaving_ids(p_change_id uuid, p_table_name text)
returns jsonb
language sql stable security definer
set search_path = ''
as $$
  select coalesce(jsonb_object_agg(a.column_name, leaving.ids), '{}')
  from private.id_arrays a
  cross join lateral (
    select coalesce(jsonb_agg(l.record_id), '[]') as ids
    from (
      select e.record_id
      from private.change_effects(p_change_id) e
      where e.table_name = a.referenced_table and e.effect = 'created' and e.was_restored
      except
      select m.record_id
      from private.merged_before(p_change_id) m
      where m.table_name = a.referenced_table
    ) as l
  ) as leaving
  where a.table_name = p_table_name
$$;
comment on function private.leaving_ids(uuid, text) is
  'Returns the ids that leave the arrays of a table when an undo deletes their records: '
  '{column: ids}.';
grant execute on function private.leaving_ids(uuid, text) to authenticated;

create function private.former_ids(
  p_table_name text,
  p_field text,
  p_current jsonb,
  p_before jsonb,
  p_after jsonb,
  p_leaving jsonb
)
returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  caller_workspace constant uuid := private.workspace_id();
  referenced constant text := (
    select a.referenced_table
    from private.id_arrays a
    where a.table_name = p_table_name and a.column_name = p_field
  );
  before constant bigint[] := private.ids_of(p_before);
  current constant bigint[] := private.ids_of(p_current);
  missing_ids constant bigint[] := private.missing_ids(referenced, caller_workspace, before);
  leaving_ids constant bigint[] := private.ids_of(p_leaving);
  added_ids constant bigint[] := array(
    select a.id
    from unnest(private.ids_of(p_after)) as a (id)
    where a.id <> all (before) and a.id <> all (leaving_ids)
  );
  returning_ids bigint[];
  positions bigint[];
  former bigint[];
begin
  if p_current = p_after and missing_ids = '{}' and leaving_ids = '{}' then
    return p_before;
  end if;
  select array_agg(b.id order by b.position), array_agg(b.position order by b.position)
  into returning_ids, positions
  from unnest(before) with ordinality as b (id, position)
  where b.id <> all (private.ids_of(p_after)) and b.id <> all (missing_ids);
  former := private.insert_at(
    array(
      select c.id
      from unnest(current) with ordinality as c (id, position)
      where c.id <> all (added_ids)
      order by c.position
    ),
    coalesce(returning_ids, '{}'),
    coalesce(positions, '{}')
  );
  -- Null and an empty array have the same ids. A later change from one to the other stays.
  return case when former = current then p_current else to_jsonb(former) end;
end
$$;
comment on function private.former_ids(text, text, jsonb, jsonb, jsonb, jsonb) is
  'Returns the current ids without those that a change added, and with those that it removed at '
  'their positions. Keeps the leaving ids. Leaves out the ids of records that no longer exist.';
grant execute on function private.former_ids(text, text, jsonb, jsonb, jsonb, jsonb)
  to authenticated;

create function private.require_all(number bigint, expected bigint)
returns void
language plpgsql
set search_path = ''
as $$
begin
  if number <> expected then
    raise exception using
      errcode = 'PT409',
      message = 'You may not change all of these records. Ask their owners, a manager or an admin.',
      detail = 'forbidden';
  end if;
end
$$;
comment on function private.require_all(bigint, bigint) is
  'Raises forbidden when row-level security hid some of the records from a statement.';
grant execute on function private.require_all(bigint, bigint) to authenticated;

create function private.former_values(p_change_id uuid, p_table_name text, p_kept jsonb)
returns table (id bigint, former jsonb)
language plpgsql volatile
set search_path = ''
as $$
begin
  return query execute format(
    $sql$
      select t.id::bigint, jsonb_object_agg(f.field, v.value)
      from private.change_effects($1) e
      join public.%1$I t on t.workspace_id = $2 and t.id = e.record_id
      cross join lateral jsonb_object_keys(e.before) as f (field)
      cross join lateral (select to_jsonb(t) -> f.field as value offset 0) as current
      cross join lateral (
        select case
          when f.field = any ($4) then
            private.former_ids(
              $3, f.field, current.value, e.before -> f.field, e.after -> f.field, $6 -> f.field
            )
          -- As a restored record, one whose former owner is disabled has no owner.
          when f.field = 'sales_id' and not exists (
            select
            from public.sales s
            where s.workspace_id = $2
              and s.id = (e.before ->> 'sales_id')::bigint
              and not s.disabled
          ) then 'null'
          else e.before -> f.field
        end as value
      ) as v
      where e.table_name = $3
        and e.effect in ('updated', 'deleted')
        and f.field <> 'index'
        and current.value is distinct from v.value
        and (f.field <> 'last_seen' or current.value is not distinct from e.after -> f.field)
        and not exists (
          select
          from jsonb_to_recordset($5) as kept (table_name text, record_id bigint, field text)
          where (kept.table_name, kept.record_id) = ($3, t.id)
            and (
              kept.field is null
              or kept.field = f.field
              or kept.field = any ($7) and f.field = any ($7)
            )
        )
      group by t.id
    $sql$,
    p_table_name
  ) using
    p_change_id, private.workspace_id(), p_table_name, private.id_array_fields(p_table_name), p_kept,
    private.leaving_ids(p_change_id, p_table_name),
    -- Only a deal in a closed stage has a closing date.
    '{stage,closed_at}'::text[];
end
$$;
comment on function private.former_values(uuid, text, jsonb) is
  'Returns the values before a change of the fields that it changed, for each record of a table.';
grant execute on function private.former_values(uuid, text, jsonb) to authenticated;

create function private.revert_fields(p_change_id uuid, p_table_name text, p_kept jsonb)
returns bigint
language plpgsql volatile
set search_path = ''
as $$
declare
  reverted jsonb;
  columns text[];
  number bigint;
begin
  select coalesce(jsonb_agg(to_jsonb(v)), '[]') into reverted
  from private.former_values(p_change_id, p_table_name, p_kept) v;
  columns := array(
    select distinct quote_ident(jsonb_object_keys(r.former))
    from jsonb_to_recordset(reverted) as r (former jsonb)
    order by 1
  );
  if columns = '{}' then
    return 0;
  end if;
  -- Triggers do not derive values from the returned ones, which were derived before.
  perform set_config('portico.restoring', 'on', true);
  execute format(
    $sql$
      update public.%1$I t
      set %2$s
      from jsonb_to_recordset($1) as r (id bigint, former jsonb)
      join public.%1$I current on current.workspace_id = $2 and current.id = r.id
      cross join lateral jsonb_populate_record(current, r.former) as p
      where t.workspace_id = current.workspace_id and t.id = current.id
    $sql$,
    p_table_name,
    (select string_agg(format('%1$s = p.%1$s', c), ', ') from unnest(columns) as c)
  ) using reverted, private.workspace_id();
  get diagnostics number = row_count;
  perform set_config('portico.restoring', '', true);
  perform private.require_all(number, jsonb_array_length(reverted));
  return number;
end
$$;
comment on function private.revert_fields(uuid, text, jsonb) is
  'Gives the fields that a change changed their values before it. Returns the number of records.';
grant execute on function private.revert_fields(uuid, text, jsonb) to authenticated;

create function private.delete_created(p_change_id uuid, p_table_name text, p_kept jsonb)
returns bigint
language plpgsql volatile
set search_path = ''
as $$
declare
  created record;
  number bigint;
  total bigint := 0;
begin
  for created in
    -- A record that an undo restored after a merge is merged again.
    select undone.merged_into, array_agg(e.record_id) as ids
    from private.change_effects(p_change_id, p_kept) e
    left join private.merged_before(p_change_id) undone using (table_name, record_id)
    where e.table_name = p_table_name and e.effect = 'created'
    group by undone.merged_into
  loop
    execute format(
      'select count(*) from public.%I where workspace_id = $1 and id = any ($2)', p_table_name
    ) into number using private.workspace_id(), created.ids;
    total := total + number;
    perform set_config('portico.merged_into', coalesce(created.merged_into::text, ''), true);
    execute format(
      'delete from public.%I where workspace_id = $1 and id = any ($2)', p_table_name
    ) using private.workspace_id(), created.ids;
    perform set_config('portico.merged_into', '', true);
    execute format(
      'select count(*) from public.%I where workspace_id = $1 and id = any ($2)', p_table_name
    ) into number using private.workspace_id(), created.ids;
    perform private.require_all(number, 0);
  end loop;
  return total;
end
$$;
comment on function private.delete_created(uuid, text, jsonb) is
  'Moves the records that a change created to the trash. Returns their number.';
grant execute on function private.delete_created(uuid, text, jsonb) to authenticated;

-- Deals return to their places, and the other deals of the column keep their order.
create function private.replace_on_board(p_change_id uuid, p_kept jsonb)
returns void
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  caller_workspace constant uuid := private.workspace_id();
  returned_ids constant bigint[] := array(
    select e.record_id
    from private.change_effects(p_change_id, p_kept) e
    where e.table_name = 'deals'
      and (e.effect = 'deleted' or e.before operator(pg_catalog.?|) '{index,stage,archived_at}')
  );
  stages constant text[] := array(
    select e.before ->> 'stage' from private.change_effects(p_change_id) e
    where e.table_name = 'deals'
    union
    select e.after ->> 'stage' from private.change_effects(p_change_id) e
    where e.table_name = 'deals'
    union
    select d.stage
    from public.deals d
    where d.workspace_id = caller_workspace and d.id = any (returned_ids)
  );
begin
  update public.deals d
  set index = (e.before ->> 'index')::smallint
  from private.change_effects(p_change_id) e
  where e.table_name = 'deals'
    and e.before ? 'index'
    and d.workspace_id = caller_workspace
    and d.id = e.record_id
    and d.id = any (returned_ids);
  perform private.number_deals(caller_workspace, stages, returned_ids);
end
$$;
comment on function private.replace_on_board(uuid, jsonb) is
  'Puts the deals of an undone change back to their former positions and numbers their columns.';
grant execute on function private.replace_on_board(uuid, jsonb) to authenticated;

create function private.mark_undone(p_change_id uuid)
returns uuid
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  caller_workspace constant uuid := private.workspace_id();
  undo_id constant uuid := private.current_change();
begin
  update public.changes c
  set undoes = p_change_id
  where c.workspace_id = caller_workspace and c.id = undo_id;
  if not found then
    return null;
  end if;
  update public.changes c
  set undone_by = undo_id
  where c.workspace_id = caller_workspace and c.id = p_change_id;
  -- Undoing an undo makes the first change effective again.
  update public.changes c
  set undone_by = null
  where c.workspace_id = caller_workspace
    and c.undone_by = p_change_id
    and c.id = (
      select u.undoes
      from public.changes u
      where u.workspace_id = caller_workspace and u.id = p_change_id
    );
  return undo_id;
end
$$;
comment on function private.mark_undone(uuid) is
  'Notes in both changes that the change of this transaction undoes another one. Returns its id, '
  'or null when the transaction changed nothing.';
grant execute on function private.mark_undone(uuid) to authenticated;

create function private.undo_change(p_change_id uuid, p_on_conflict text)
returns jsonb
language plpgsql volatile
set search_path = ''
as $$
declare
  conflicts jsonb;
  unresolved jsonb;
  kept jsonb := '[]';
  restored jsonb;
  changed jsonb := '{}';
  deleted jsonb := '{}';
  tables constant text[] := private.tables_of_change(p_change_id);
  touched_table text;
begin
  perform private.lock_change(p_change_id);
  select coalesce(jsonb_agg(to_jsonb(c)), '[]') into conflicts
  from private.undo_conflicts(p_change_id) c;
  unresolved := case p_on_conflict
    when 'keep' then '[]'
    when 'revert' then jsonb_path_query_array(
      conflicts, '$[*] ? (@.reason != "changed_since" && @.reason != "has_later_records")'
    )
    else conflicts
  end;
  if unresolved <> '[]' then
    return jsonb_build_object('conflicts', unresolved);
  end if;
  if p_on_conflict = 'keep' then
    kept := conflicts;
  end if;

  restored := private.restore_change(p_change_id, kept);
  foreach touched_table in array tables loop
    changed := changed || jsonb_build_object(
      touched_table, private.revert_fields(p_change_id, touched_table, kept)
    );
  end loop;
  foreach touched_table in array tables loop
    deleted := deleted || jsonb_build_object(
      touched_table, private.delete_created(p_change_id, touched_table, kept)
    );
  end loop;
  if changed ? 'deals' then
    perform private.replace_on_board(p_change_id, kept);
  end if;
  return jsonb_build_object(
    'undo_id', private.mark_undone(p_change_id),
    'restored', restored,
    'changed', changed,
    'deleted', deleted,
    'kept', kept
  );
end
$$;
comment on function private.undo_change(uuid, text) is
  'Undoes a change with the rights of the caller. p_on_conflict is refuse, keep or revert. Returns '
  '{"undo_id", "restored", "changed", "deleted", "kept"} with rows by table, or {"conflicts"} when '
  'nothing was changed.';
grant execute on function private.undo_change(uuid, text) to authenticated;
