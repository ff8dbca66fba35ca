-- The trash: deleted rows move to private.trash, whoever deletes them and by whatever way.
--
-- Rows of one transaction share a batch: a record and what its deletion took along. Ids of deleted
-- contacts and tags are taken out of the arrays that hold them, and their places remembered.
--
-- Settings   portico.merged_into (id of the winner while a merge deletes the others) and
--            portico.request_id, both set by the gateway for one transaction.
--
-- The rows of a workspace that is deleted as a whole are not kept.

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
  constraint trash_reason_check check (reason in ('deleted', 'merged')),
  constraint trash_merged_into_check check ((reason = 'merged') = (merged_into is not null))
);
create index ix__trash__workspace_id__table_name__record_id
  on private.trash (workspace_id, table_name, record_id);
create index ix__trash__batch on private.trash (batch, table_name);
create index ix__trash__deleted_at on private.trash (deleted_at);
comment on table private.trash is 'Deleted rows. Read and emptied by functions only.';
comment on column private.trash.batch is 'The transaction that deleted the row.';
comment on column private.trash.record is 'The row as it was.';
comment on column private.trash.array_references is
  'The arrays that held the id: [{"table", "column", "id", "position"}].';
comment on column private.trash.merged_into is 'The record that this one was merged into.';
comment on column private.trash.deleted_by is 'The member who deleted it; null for the service role.';

alter table private.trash enable row level security;
create policy "service role only" on private.trash for all to service_role
  using (true)
  with check (true);
revoke all on private.trash from anon, authenticated;
grant all on private.trash to service_role;

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
    batch, workspace_id, table_name, record_id, record, reason, merged_into, deleted_by, request_id
  )
  select
    batch,
    d.workspace_id,
    tg_table_name,
    d.id,
    to_jsonb(d) - 'search',
    case when winner_id is null then 'deleted' else 'merged' end,
    winner_id,
    deleted_by,
    nullif(current_setting('portico.request_id', true), '')
  from deleted d
  -- Not in a workspace that is being deleted itself.
  where exists (select from public.workspaces w where w.id = d.workspace_id);
  return null;
end
$$;
comment on function private.move_to_trash() is 'Keeps the rows of a DELETE in the trash.';

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
    'with holders as (
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
             ''table'', $2, ''column'', $3, ''id'', holders.id, ''position'', element.position
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
     where h.id = holders.id',
    holder_table, column_name
  ) using deleted_ids, holder_table, column_name, tg_table_name;
  return null;
end
$$;
comment on function private.remove_references() is
  'Takes deleted ids out of the arrays that hold them, and remembers where they stood.';

create trigger "10_move_to_trash"
  after delete on public.companies
  referencing old table as deleted
  for each statement
  execute function private.move_to_trash();
create trigger "10_move_to_trash"
  after delete on public.contacts
  referencing old table as deleted
  for each statement
  execute function private.move_to_trash();
create trigger "10_move_to_trash"
  after delete on public.contact_notes
  referencing old table as deleted
  for each statement
  execute function private.move_to_trash();
create trigger "10_move_to_trash"
  after delete on public.deals
  referencing old table as deleted
  for each statement
  execute function private.move_to_trash();
create trigger "10_move_to_trash"
  after delete on public.deal_notes
  referencing old table as deleted
  for each statement
  execute function private.move_to_trash();
create trigger "10_move_to_trash"
  after delete on public.tasks
  referencing old table as deleted
  for each statement
  execute function private.move_to_trash();
create trigger "10_move_to_trash"
  after delete on public.tags
  referencing old table as deleted
  for each statement
  execute function private.move_to_trash();

create trigger "20_remove_references"
  after delete on public.contacts
  referencing old table as deleted
  for each statement
  execute function private.remove_references('deals', 'contact_ids');

create trigger "20_remove_references"
  after delete on public.tags
  referencing old table as deleted
  for each statement
  execute function private.remove_references('contacts', 'tags');
