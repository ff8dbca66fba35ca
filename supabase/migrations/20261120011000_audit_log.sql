-- The audit log: who changed what, and when, written in the transaction of the change itself.
--
-- Tables     public.audit_log, append-only: nobody may insert, change or delete rows in it. The
--            triggers of the next migration write it.
-- Views      public.activity: its rows with before and after of each field side by side
-- Functions  private.purge_audit_log(older_than) returns bigint (service role only)
--
-- Values leave the log in two ways: whole rows by their age, and the values alone when a record is
-- purged from the trash. Both set portico.purging for their statements.

create table public.audit_log (
  id bigint generated always as identity,
  workspace_id uuid not null references public.workspaces (id) on delete cascade,
  table_name text not null,
  record_id bigint not null,
  action text not null default 'updated',
  before jsonb,
  after jsonb,
  member_id bigint,
  user_id uuid,
  request_id text,
  created_at timestamptz not null default now(),
  primary key (workspace_id, id),
  constraint audit_log_action_check check (
    action in ('created', 'updated', 'stage_changed', 'deleted', 'merged', 'restored', 'purged')
  )
);
create index ix__audit_log__workspace_id__table_name__record_id
  on public.audit_log (
    workspace_id, table_name, record_id, created_at desc nulls last, id desc
  );
create index ix__audit_log__workspace_id__member_id
  on public.audit_log (workspace_id, member_id, created_at desc nulls last, id desc);
create index ix__audit_log__workspace_id__created_at
  on public.audit_log (workspace_id, created_at desc nulls last, id desc);
-- Rows lie in the order of time: the purge finds the oldest of all workspaces by this.
create index ix__audit_log__created_at on public.audit_log using brin (created_at);
comment on table public.audit_log is 'One row for each change of a record. Append-only.';
comment on column public.audit_log.action is
  'created, updated, stage_changed, deleted, merged (went into another record), restored or purged.';
comment on column public.audit_log.before is
  'The changed fields as they were. Emptied when the record is purged from the trash.';
comment on column public.audit_log.after is
  'The changed fields as they are now. Emptied when the record is purged from the trash.';
comment on column public.audit_log.member_id is
  'The member who did it; null for the service role. Not a foreign key: it outlives the member.';
comment on column public.audit_log.user_id is 'The auth user behind it; null for the service role.';

alter table public.audit_log enable row level security;
create policy "members read, admins what concerns members" on public.audit_log
  for select to authenticated
  using (
    workspace_id = (select private.workspace_id())
    and (table_name <> 'sales' or (select private.is_admin()))
  );

revoke all on public.audit_log from anon, authenticated, service_role;
grant select on public.audit_log to authenticated, service_role;

-- Worked out for the rows that are returned, since most rows are written and never read.
create view public.activity
with (security_invoker = on)
as
select
  a.id,
  a.table_name,
  a.record_id,
  a.action,
  (
    select coalesce(
      json_object_agg(
        field, json_build_object('before', a.before -> field, 'after', a.after -> field)
        order by field
      ),
      '{}'
    )
    from jsonb_object_keys(coalesce(a.before, '{}') || coalesce(a.after, '{}')) as field
  ) as changes,
  a.member_id,
  a.user_id,
  a.request_id,
  a.created_at
from public.audit_log a;
comment on view public.activity is
  'The audit log with the changed fields in one: {field: {"before", "after"}}.';
revoke all on public.activity from anon, authenticated;
grant select on public.activity to authenticated;

create function private.guard_audit_log()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  if coalesce(current_setting('portico.purging', true), '') = 'on'
    -- The rows of a workspace that is deleted as a whole go along.
    or tg_op = 'DELETE' and not exists (
      select from public.workspaces w where w.id = old.workspace_id
    )
  then
    return coalesce(new, old);
  end if;
  raise exception using
    errcode = 'PT403',
    message = 'The audit log cannot be changed.',
    detail = 'forbidden';
end
$$;
comment on function private.guard_audit_log() is
  'Refuses changes of the audit log by anybody, its owner included.';

create trigger "10_guard_audit_log"
  before update or delete on public.audit_log
  for each row
  execute function private.guard_audit_log();

create function private.refuse_truncate()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  raise exception using
    errcode = 'PT403',
    message = 'The audit log cannot be emptied.',
    detail = 'forbidden';
end
$$;
comment on function private.refuse_truncate() is 'Refuses TRUNCATE, which row triggers do not see.';

create trigger "10_refuse_truncate"
  before truncate on public.audit_log
  for each statement
  execute function private.refuse_truncate();

create function private.purge_audit_log(older_than interval)
returns bigint
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  purged bigint;
begin
  perform set_config('portico.purging', 'on', true);
  delete from public.audit_log where created_at < now() - older_than;
  get diagnostics purged = row_count;
  perform set_config('portico.purging', '', true);
  return purged;
end
$$;
comment on function private.purge_audit_log(interval) is
  'Deletes what was logged longer ago, for operators who may keep personal data for a time only; returns how many rows.';
revoke all on function private.purge_audit_log(interval) from public, anon, authenticated;
grant execute on function private.purge_audit_log(interval) to service_role;
