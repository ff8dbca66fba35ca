-- Imports: files whose rows become contacts, companies, deals or tasks.
--
-- Tables     imports, private.import_files, private.import_rejections
-- Functions  private.create_import(id, options)             for callers of the gateway
--            private.change_import(id, changes)             the same
--            private.lock_import(id, wait)                  the same
--            private.delete_import(id)                      the same
--            private.set_import_file(id, content)           the same
--            private.append_import_file(id, content)        the same
--            private.import_bytes(id, start, count)         the same
--            private.reject_import_rows(id, rows)           the same
--            private.clear_import_rejections(id)            the same
--            private.rejected_import_rows(id, after, max)   the same
--            private.find_contacts_by_email(emails)         the same
--            private.find_companies_by_name(names)          the same
--            gateway.due_imports(max_rows)                  for the job of the gateway
--            gateway.fail_import(id, error)                 for the job of the gateway
--
-- A file is imported in chunks. Each chunk is one transaction, which also moves the position in the
-- file. So a chunk that is interrupted leaves nothing, and none is done twice. The setting
-- portico.import_id names the import in the changes of its chunks, by which it is undone.
--
-- Members read imports, and write them through the gateway only: a job continues an import with the
-- rights of its member, so nobody else may decide what it does.

create table public.imports (
  id uuid primary key default gen_random_uuid(),
  workspace_id uuid not null references public.workspaces (id) on delete cascade,
  member_id bigint not null,
  user_id uuid not null,
  record_type text not null default 'contacts',
  file_name text,
  format text,
  state text not null default 'awaiting_upload',
  source text not null default 'import',
  policy text not null default 'merge',
  match_on jsonb not null default '[]',
  all_or_nothing boolean not null default false,
  columns jsonb not null default '[]',
  layout jsonb,
  path text,
  size bigint,
  position bigint not null default 0,
  row_count integer not null default 0,
  created_count integer not null default 0,
  updated_count integer not null default 0,
  skipped_count integer not null default 0,
  rejected_count integer not null default 0,
  dry_run boolean not null default false,
  error text,
  on_conflict text not null default 'refuse',
  due_at timestamptz not null default now(),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  started_at timestamptz,
  finished_at timestamptz,
  constraint imports_member_id_fkey foreign key (workspace_id, member_id)
    references public.sales (workspace_id, id) on delete cascade,
  constraint imports_record_type_check check (
    record_type in ('contacts', 'companies', 'deals', 'tasks')
  ),
  constraint imports_format_check check (format in ('csv', 'ndjson', 'xlsx', 'vcard')),
  constraint imports_state_check check (
    state in (
      'awaiting_upload', 'incomplete', 'ready', 'checking', 'running', 'completed', 'failed',
      'cancelled', 'undoing', 'undone'
    )
  ),
  constraint imports_policy_check check (policy in ('create', 'update', 'skip', 'merge'))
);
comment on table public.imports is 'Files whose rows become records.';
comment on column public.imports.id is 'Assigned by the database.';
comment on column public.imports.workspace_id is 'The workspace of the import.';
comment on column public.imports.member_id is 'The member who made the import.';
comment on column public.imports.user_id is
  'The auth user who worked on the import last, whose rights it has.';
comment on column public.imports.record_type is 'The table that the rows become records of.';
comment on column public.imports.file_name is 'Name of the file.';
comment on column public.imports.format is
  'csv, ndjson, xlsx or vcard. Null until the file is there, unless it was named.';
comment on column public.imports.state is
  'awaiting_upload, incomplete (a column has no date format, or no column has a required field), '
  'ready, checking (before an import of all or nothing, or in a dry run), running, completed, '
  'failed, cancelled, undoing or undone.';
comment on column public.imports.source is 'The system that the ids in the file belong to.';
comment on column public.imports.policy is
  'What happens to a row whose record exists: create, update, skip or merge.';
comment on column public.imports.match_on is 'By what an existing record is found.';
comment on column public.imports.all_or_nothing is 'Whether one rejected row rejects all.';
comment on column public.imports.columns is
  'The columns of the file: [{"column", "field", "date_format", "samples"}].';
comment on column public.imports.layout is 'Encoding, delimiter and line end of the file.';
comment on column public.imports.path is
  'Path of a large file in the bucket. Null when the database has the file.';
comment on column public.imports.size is 'Bytes of the file.';
comment on column public.imports.position is 'Bytes that are imported.';
comment on column public.imports.row_count is 'Rows that are read.';
comment on column public.imports.created_count is 'Records that were created.';
comment on column public.imports.updated_count is 'Rows that changed a record.';
comment on column public.imports.skipped_count is 'Rows whose record stayed as it was.';
comment on column public.imports.rejected_count is 'Rows that broke a rule.';
comment on column public.imports.dry_run is 'Whether the last run changed nothing.';
comment on column public.imports.error is 'Why the import failed.';
comment on column public.imports.on_conflict is
  'What an undo does with fields that changed since: refuse, keep or revert.';
comment on column public.imports.due_at is
  'When the job may continue the import. Whoever works on it moves this time.';
comment on column public.imports.created_at is 'When the import was created.';
comment on column public.imports.updated_at is 'When the import last changed.';
comment on column public.imports.started_at is 'When the last run started.';
comment on column public.imports.finished_at is 'When the last run ended.';

create index ix__imports__workspace_id__created_at
  on public.imports (workspace_id, created_at desc nulls last, id desc);
create index ix__imports__workspace_id__member_id on public.imports (workspace_id, member_id);
create index ix__imports__unfinished on public.imports (due_at)
  where state in ('checking', 'running', 'undoing');

alter table public.imports enable row level security;
create policy "members read" on public.imports for select to authenticated
  using (workspace_id = (select private.workspace_id()));
grant select on public.imports to authenticated;

create trigger "10_set_workspace"
  before insert on public.imports
  for each row
  when (new.workspace_id is null)
  execute function private.set_workspace();

create trigger "90_set_updated_at"
  before update on public.imports
  for each row
  execute function private.set_updated_at();

create function private.queue_import_file()
returns trigger
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  insert into private.attachment_removals (workspace_id, path, remove_after)
  values (old.workspace_id, old.path, now())
  on conflict do nothing;
  return null;
end
$$;
comment on function private.queue_import_file() is
  'Queues the uploaded file of an import for removal.';

-- Also when the workspace is deleted, and when a workbook has been converted.
create trigger "40_queue_file_deleted"
  after delete on public.imports
  for each row
  when (old.path is not null)
  execute function private.queue_import_file();

create trigger "40_queue_file_updated"
  after update of path on public.imports
  for each row
  when (old.path is not null and new.path is null)
  execute function private.queue_import_file();

-- Files and rejected rows -----------------------------------------------------------------------

create table private.import_files (
  import_id uuid primary key references public.imports (id) on delete cascade,
  content bytea not null
);
comment on table private.import_files is 'Small files, and workbooks that were converted to CSV.';
comment on column private.import_files.import_id is 'The import.';
comment on column private.import_files.content is 'The bytes of the file.';
-- Parts of an uncompressed value are read without the rest of it.
alter table private.import_files alter column content set storage external;

alter table private.import_files enable row level security;
create policy "service role only" on private.import_files for all to service_role
  using (true)
  with check (true);

create table private.import_rejections (
  import_id uuid not null references public.imports (id) on delete cascade,
  row_number integer not null,
  cells jsonb not null,
  errors jsonb not null,
  primary key (import_id, row_number)
);
comment on table private.import_rejections is 'Rows of imports that broke a rule.';
comment on column private.import_rejections.import_id is 'The import.';
comment on column private.import_rejections.row_number is
  'Number of the row in the file. The row after the header is 1.';
comment on column private.import_rejections.cells is 'The cells of the row.';
comment on column private.import_rejections.errors is
  'What was wrong: [{"column", "value", "reason"}].';

alter table private.import_rejections enable row level security;
create policy "service role only" on private.import_rejections for all to service_role
  using (true)
  with check (true);

-- Functions -------------------------------------------------------------------------------------

create function private.create_import(p_id uuid, p_options jsonb)
returns void
language sql volatile security definer
set search_path = ''
as $$
  insert into public.imports (
    id, workspace_id, member_id, user_id, record_type, file_name, format, source, policy, match_on,
    all_or_nothing, path
  )
  select
    p_id, private.workspace_id(), private.member_id(), auth.uid(), o.record_type, o.file_name,
    o.format, o.source, o.policy, o.match_on, o.all_or_nothing,
    -- Members choose no path, so that none reads the file of another workspace.
    case when o.path is not null then format('imports/%s/%s', private.workspace_id(), p_id) end
  from jsonb_populate_record(null::public.imports, p_options) as o
  where private.member_id() is not null
$$;
comment on function private.create_import(uuid, jsonb) is 'Creates an import of the caller.';
grant execute on function private.create_import(uuid, jsonb) to authenticated;

create function private.may_change_import(p_id uuid)
returns boolean
language sql stable security definer
set search_path = ''
as $$
  select exists (
    select
    from public.imports i
    where i.id = p_id
      and i.workspace_id = private.workspace_id()
      and private.may_manage(i.member_id)
  )
$$;
comment on function private.may_change_import(uuid) is
  'Returns whether the caller made the import, or is a manager or an admin of its workspace.';

create function private.change_import(p_id uuid, p_changes jsonb)
returns void
language sql volatile security definer
set search_path = ''
as $$
  update public.imports i
  set
    (
      format, state, source, policy, match_on, all_or_nothing, columns, layout, size, position,
      row_count, created_count, updated_count, skipped_count, rejected_count, dry_run, error,
      on_conflict, started_at, finished_at
    ) = (
      select
        n.format, n.state, n.source, n.policy, n.match_on, n.all_or_nothing, n.columns, n.layout,
        n.size, n.position, n.row_count, n.created_count, n.updated_count, n.skipped_count,
        n.rejected_count, n.dry_run, n.error, n.on_conflict, n.started_at, n.finished_at
      from jsonb_populate_record(i, p_changes) as n
    ),
    due_at = coalesce((p_changes ->> 'due_at')::timestamptz, now() + interval '15 seconds'),
    -- The job continues an import with the rights of the member who worked on it last.
    user_id = case
      when coalesce(p_changes ->> 'state', i.state) in ('checking', 'running', 'undoing')
        then auth.uid()
      else i.user_id
    end
  where i.id = p_id and private.may_change_import(p_id)
$$;
comment on function private.change_import(uuid, jsonb) is
  'Changes the named columns of an import of the caller, or that the caller manages.';
grant execute on function private.change_import(uuid, jsonb) to authenticated;

create function private.lock_import(p_id uuid, p_wait boolean)
returns boolean
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  caller_workspace constant uuid := private.workspace_id();
begin
  if p_wait then
    perform from public.imports i
    where i.id = p_id and i.workspace_id = caller_workspace
    for no key update;
  else
    perform from public.imports i
    where i.id = p_id and i.workspace_id = caller_workspace
    for no key update skip locked;
  end if;
  return found;
end
$$;
comment on function private.lock_import(uuid, boolean) is
  'Locks an import until the end of the transaction. Returns false when there is none, or when '
  'another transaction has locked it and the caller does not wait.';
grant execute on function private.lock_import(uuid, boolean) to authenticated;

create function private.delete_import(p_id uuid)
returns void
language sql volatile security definer
set search_path = ''
as $$
  delete from public.imports i where i.id = p_id and private.may_change_import(p_id)
$$;
comment on function private.delete_import(uuid) is
  'Deletes an import of the caller, or that the caller manages. Its records stay.';
grant execute on function private.delete_import(uuid) to authenticated;

create function private.set_import_file(p_id uuid, p_content bytea)
returns void
language sql volatile security definer
set search_path = ''
as $$
  insert into private.import_files (import_id, content)
  select p_id, p_content
  where private.may_change_import(p_id)
  on conflict (import_id) do update set content = excluded.content;
  update public.imports i set path = null where i.id = p_id and private.may_change_import(p_id)
$$;
comment on function private.set_import_file(uuid, bytea) is 'Stores the file of an import.';
grant execute on function private.set_import_file(uuid, bytea) to authenticated;

create function private.append_import_file(p_id uuid, p_content bytea)
returns void
language sql volatile security definer
set search_path = ''
as $$
  update private.import_files f
  set content = f.content || p_content
  where f.import_id = p_id and private.may_change_import(p_id)
$$;
comment on function private.append_import_file(uuid, bytea) is
  'Appends a part to the file of an import.';
grant execute on function private.append_import_file(uuid, bytea) to authenticated;

create function private.import_bytes(p_id uuid, p_start integer, p_count integer)
returns bytea
language sql stable security definer
set search_path = ''
as $$
  select substring(f.content from p_start + 1 for p_count)
  from private.import_files f
  where f.import_id = p_id and private.may_change_import(p_id)
$$;
comment on function private.import_bytes(uuid, integer, integer) is
  'Returns a part of the file of an import.';
grant execute on function private.import_bytes(uuid, integer, integer) to authenticated;

create function private.reject_import_rows(p_id uuid, p_rows jsonb)
returns void
language sql volatile security definer
set search_path = ''
as $$
  insert into private.import_rejections (import_id, row_number, cells, errors)
  select p_id, r.row_number, r.cells, r.errors
  from jsonb_to_recordset(p_rows) as r (row_number integer, cells jsonb, errors jsonb)
  where private.may_change_import(p_id)
$$;
comment on function private.reject_import_rows(uuid, jsonb) is 'Stores rejected rows of an import.';
grant execute on function private.reject_import_rows(uuid, jsonb) to authenticated;

create function private.clear_import_rejections(p_id uuid)
returns void
language sql volatile security definer
set search_path = ''
as $$
  delete from private.import_rejections r
  where r.import_id = p_id and private.may_change_import(p_id)
$$;
comment on function private.clear_import_rejections(uuid) is
  'Deletes the rejected rows of an import, before it runs again.';
grant execute on function private.clear_import_rejections(uuid) to authenticated;

create function private.rejected_import_rows(p_id uuid, p_after integer, p_max_rows integer)
returns table (row_number integer, cells jsonb, errors jsonb)
language sql stable security definer
set search_path = ''
as $$
  select r.row_number, r.cells, r.errors
  from private.import_rejections r
  join public.imports i on i.id = r.import_id
  where i.id = p_id
    and i.workspace_id = private.workspace_id()
    and r.row_number > p_after
  order by r.row_number
  limit p_max_rows
$$;
comment on function private.rejected_import_rows(uuid, integer, integer) is
  'Returns the rejected rows of an import of the caller''s workspace after a row.';
grant execute on function private.rejected_import_rows(uuid, integer, integer) to authenticated;

-- These functions are planned anew each time: a plan that was made while the tables were empty is slow
-- for the later chunks of an import.

-- The index of duplicates finds thousands of addresses at once. An index on email_jsonb is slow for
-- them: each address is also compared with all recent changes that are not in the index yet.
create function private.find_contacts_by_email(p_emails text[])
returns table (email text, record_id bigint)
language plpgsql stable security definer
set search_path = ''
as $$
declare
  caller_workspace constant uuid := private.workspace_id();
begin
  return query execute $sql$
    select wanted.email, min(found.record_id)
    from unnest($1) as wanted (email)
    cross join lateral (
      select k.record_id
      from private.contact_duplicate_keys k
      where k.workspace_id = $2
        and k.key = hashtextextended('email ' || wanted.email, 0)
      -- Keeps the search by key for each address, whatever the planner expects.
      offset 0
    ) as found
    join private.contact_profiles p
      on p.contact_id = found.record_id and wanted.email = any ((p.profile).emails)
    group by wanted.email
  $sql$
  using p_emails, caller_workspace;
end
$$;
comment on function private.find_contacts_by_email(text[]) is
  'Returns the oldest contact of the caller''s workspace with each of these lower-case addresses.';
grant execute on function private.find_contacts_by_email(text[]) to authenticated;

-- The table of keys has one index. Companies have several by workspace, of which Postgres chooses any
-- while the table has no statistics: then each name would be compared with all companies.
create function private.find_companies_by_name(p_names text[])
returns table (name text, record_id bigint)
language plpgsql stable security definer
set search_path = ''
as $$
declare
  caller_workspace constant uuid := private.workspace_id();
begin
  return query execute $sql$
    select wanted.name, min(found.id)
    from unnest($1) as wanted (name)
    cross join lateral (
      select c.id
      from private.company_duplicate_keys k
      join public.companies c on c.id = k.record_id
      where k.workspace_id = $2
        and k.key = hashtextextended('whole name ' || lower(wanted.name), 0)
        and lower(c.name) = lower(wanted.name)
      offset 0
    ) as found
    group by wanted.name
  $sql$
  using p_names, caller_workspace;
end
$$;
comment on function private.find_companies_by_name(text[]) is
  'Returns the oldest company of the caller''s workspace with each of these names, without case.';
grant execute on function private.find_companies_by_name(text[]) to authenticated;

create function gateway.due_imports(max_rows integer)
returns table (id uuid, user_id uuid)
language sql stable security definer
set search_path = ''
as $$
  select i.id, i.user_id
  from public.imports i
  where i.state in ('checking', 'running', 'undoing')
    and i.due_at <= now()
  order by i.due_at
  limit max_rows
$$;
comment on function gateway.due_imports(integer) is
  'Returns at most max_rows imports that nobody has worked on for 15 seconds, or that were handed '
  'to the job, with their users.';
grant execute on function gateway.due_imports(integer) to portico_gateway;

create function gateway.fail_import(p_id uuid, p_error text)
returns void
language sql volatile security definer
set search_path = ''
as $$
  update public.imports i
  set state = 'failed', error = p_error, finished_at = now()
  where i.id = p_id and i.state in ('checking', 'running', 'undoing')
$$;
comment on function gateway.fail_import(uuid, text) is
  'Ends an import whose member may not continue it.';
grant execute on function gateway.fail_import(uuid, text) to portico_gateway;

-- Files above 1 MB. Only addresses that the gateway has signed allow an upload.
insert into storage.buckets (id, name, public, file_size_limit)
values ('portico-imports', 'portico-imports', false, 52428800)
on conflict (id) do update
set public = excluded.public, file_size_limit = excluded.file_size_limit;
