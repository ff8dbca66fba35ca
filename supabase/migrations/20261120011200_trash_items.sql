-- The trash as members see it: what was deleted itself, with the number of rows that went along.
--
-- Tables     private.trash gets root_id: which row of the trash took this one along
-- Functions  private.list_trash(table_name, reason, deleted_by, before_id, size)
--            private.trash_item(id), private.purge_trash_item(id), private.was_purged(id),
--            private.empty_trash(size)
--            private.purge_trash(older_than), which now also takes the values out of the audit log
--
-- Errors
--   PT403 admin_required   only admins delete for good

alter table private.trash add column root_id bigint;
comment on column private.trash.root_id is
  'The row whose deletion took this one along; null for what was deleted itself.';

drop index private.ix__trash__batch;
create index ix__trash__batch on private.trash (batch, table_name, record_id);
create index ix__trash__root_id on private.trash (root_id) where root_id is not null;
create index ix__trash__workspace_id__roots on private.trash (workspace_id, id)
  where root_id is null;

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

update private.trash t set root_id = private.find_root(t.batch, t.table_name, t.record);

-- A parent's rows come before its children's: its trigger was queued before the cascade began.
create or replace function private.move_to_trash()
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
comment on function private.record_label(text, jsonb) is 'What people call a record: its name, or how its text begins.';

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
  'Which record a row of the trash of the caller''s workspace is; nothing when it is not there.';

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
  'Deletes one row of the trash and what went along with it for good; returns {table: rows}. For admins.';

create index ix__audit_log__workspace_id__purged
  on public.audit_log (workspace_id, (after ->> 'trash_id'))
  where action = 'purged';

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
  'Deletes so many rows of the trash of the caller''s workspace for good; returns {table: rows}. For admins.';

create or replace function private.purge_trash(older_than interval)
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

revoke all on function
  private.find_root(uuid, text, jsonb), private.record_label(text, jsonb),
  private.list_trash(text, text, bigint, bigint, integer), private.trash_item(bigint),
  private.purge_trash_rows(bigint[]), private.require_admin(), private.purge_trash_item(bigint),
  private.was_purged(bigint), private.empty_trash(integer)
  from public, anon, authenticated;
grant execute on function
  private.list_trash(text, text, bigint, bigint, integer), private.trash_item(bigint),
  private.purge_trash_item(bigint), private.was_purged(bigint), private.empty_trash(integer)
  to authenticated;
