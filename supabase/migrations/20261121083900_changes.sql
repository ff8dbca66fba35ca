-- Changes: one row for each write transaction of a workspace. The rows of the audit log that the
-- transaction wrote belong to it.
--
-- Tables      changes: written by triggers only; partitioned by month
-- Views       private.log_partitions: the monthly partitions of changes and the audit log
-- Functions   private.current_change(): the change of this transaction
--             private.add_missing_log_partition(last_month): creates a monthly partition
--             private.drop_oldest_log_partition(older_than): drops one; for the service role
--
-- Settings, which the gateway sets for one transaction
--   portico.operation   id of the operation
--   portico.request_id  id of the request
--   portico.import_id   id of the import that the transaction belongs to
--
-- The partitions are in the schema private. Callers use them through their parent only.

create table public.changes (
  id uuid not null,
  workspace_id uuid not null references public.workspaces (id) on delete cascade,
  transaction_id bigint not null default (pg_current_xact_id()::text::bigint),
  operation text,
  member_id bigint,
  user_id uuid,
  request_id text,
  touched jsonb not null default '{}',
  undoes uuid,
  undone_by uuid,
  import_id uuid,
  created_at timestamptz not null default now(),
  primary key (workspace_id, id, created_at)
) partition by range (created_at);
comment on table public.changes is
  'One row for each transaction that changed records of a workspace. Written by triggers.';
comment on column public.changes.id is 'Assigned by the database.';
comment on column public.changes.workspace_id is 'The workspace of the changed records.';
comment on column public.changes.transaction_id is
  'The id of the transaction, which gives the order of the feed.';
comment on column public.changes.operation is
  'The operation of the gateway. Null when the change did not come through the gateway.';
comment on column public.changes.member_id is
  'The member who made the change. Null for the service role.';
comment on column public.changes.user_id is
  'The auth user who made the change. Null for the service role.';
comment on column public.changes.request_id is
  'The id of the request. Null when the change did not come through the gateway.';
comment on column public.changes.touched is
  'Number of entries in the audit log, by table: {"contacts": 2}.';
comment on column public.changes.undoes is 'The change that this change undid.';
comment on column public.changes.undone_by is
  'The change that undid this change. Null while its effect is present.';
comment on column public.changes.import_id is
  'The import that the change belongs to. Null for every other change.';
comment on column public.changes.created_at is 'When the transaction began.';

create index ix__changes__workspace_id__created_at
  on public.changes (workspace_id, created_at desc nulls last, id desc);
create index ix__changes__workspace_id__transaction_id
  on public.changes (workspace_id, transaction_id, id);
create index ix__changes__workspace_id__member_id
  on public.changes (workspace_id, member_id, created_at desc nulls last, id desc);
create index ix__changes__workspace_id__operation
  on public.changes (workspace_id, operation, created_at desc nulls last, id desc);
create index ix__changes__workspace_id__import_id
  on public.changes (workspace_id, import_id)
  where import_id is not null;

alter table public.changes enable row level security;
create policy "members read" on public.changes for select to authenticated
  using (workspace_id = (select private.workspace_id()));
revoke all on public.changes from service_role;
grant select on public.changes to authenticated, service_role;

create function private.current_change()
returns uuid
language sql volatile
set search_path = ''
as $$
  select coalesce(
    nullif(current_setting('portico.change_id', true), ''),
    set_config('portico.change_id', gen_random_uuid()::text, true)
  )::uuid
$$;
comment on function private.current_change() is
  'Returns the id of the change of this transaction. The first call creates it.';

-- Partitions ------------------------------------------------------------------------------------

create view private.log_partitions
with (security_invoker = on)
as
select
  parent.relname::text as table_name,
  partition.relname::text as partition_name,
  to_date(right(partition.relname, 7), 'YYYY_MM') as month
from pg_catalog.pg_inherits i
join pg_catalog.pg_class parent on parent.oid = i.inhparent
join pg_catalog.pg_class partition on partition.oid = i.inhrelid
where i.inhparent in (
    to_regclass('public.changes'), to_regclass('public.audit_log')
  )
  and partition.relname ~ '_[0-9]{4}_[0-9]{2}$';
comment on view private.log_partitions is
  'The monthly partitions of changes and audit_log. The default partitions are left out.';
revoke all on private.log_partitions from service_role;

create function private.add_log_partition(table_name text, month date)
returns void
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  partition_name constant text := table_name || to_char(month, '_YYYY_MM');
  next_month constant date := (month + interval '1 month')::date;
begin
  if to_regclass(format('private.%I', partition_name)) is not null then
    return;
  end if;
  -- Rows of this month may be in the default partition, which then refuses the new partition.
  perform set_config('portico.purging', 'on', true);
  execute format(
    $sql$
      create table private.%2$I (like public.%1$I including all excluding identity);
      alter table private.%2$I enable row level security;
      revoke all on private.%2$I from service_role;
      create policy "through the parent only" on private.%2$I for select to authenticated using (false);
      comment on table private.%2$I is %6$L;
      with moved as (
        delete from private.%3$I
        where created_at >= %4$L and created_at < %5$L
        returning *
      )
      insert into private.%2$I select * from moved;
      alter table public.%1$I attach partition private.%2$I for values from (%4$L) to (%5$L);
    $sql$,
    table_name, partition_name, table_name || '_default',
    month::timestamp at time zone 'UTC', next_month::timestamp at time zone 'UTC',
    format('The rows of %s of one month.', table_name)
  );
  perform set_config('portico.purging', '', true);
end
$$;
comment on function private.add_log_partition(text, date) is
  'Creates the partition of a month unless it exists. Moves the rows of the month there.';

create function private.add_missing_log_partition(last_month date)
returns text
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  missing record;
begin
  select t.table_name, m.month::date as month into missing
  from generate_series(date_trunc('month', now()), last_month, interval '1 month') as m (month)
  cross join unnest(array['changes', 'audit_log']) as t (table_name)
  where to_regclass(format('private.%I', t.table_name || to_char(m.month, '_YYYY_MM'))) is null
  order by m.month, t.table_name
  limit 1;
  if found then
    perform private.add_log_partition(missing.table_name, missing.month);
  end if;
  return missing.table_name;
end
$$;
comment on function private.add_missing_log_partition(date) is
  'Creates the first missing partition from this month to the last month. Returns its table, or null '
  'when none is missing.';

create function private.drop_oldest_log_partition(older_than interval)
returns text
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  oldest text;
begin
  select p.partition_name into oldest
  from private.log_partitions p
  where p.month + interval '1 month' < now() - older_than
  order by p.month, p.partition_name
  limit 1;
  if found then
    execute format('drop table private.%I', oldest);
  end if;
  return oldest;
end
$$;
comment on function private.drop_oldest_log_partition(interval) is
  'Drops the oldest partition whose rows are all older than the interval. Returns its name, or null '
  'when there is none.';
grant execute on function private.drop_oldest_log_partition(interval) to service_role;

create table private.changes_default partition of public.changes default;
alter table private.changes_default enable row level security;
revoke all on private.changes_default from service_role;
create policy "through the parent only" on private.changes_default for select to authenticated using (false);
comment on table private.changes_default is
  'Rows of months without a partition. A job creates the partitions of the next months.';
