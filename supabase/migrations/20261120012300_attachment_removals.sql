-- Files that nothing refers to any more are removed after a grace time, by a job that may be repeated.
--
-- A trigger queues the path when a note loses it, in the same transaction; the gateway queues each
-- upload, which is never used in a day or two otherwise. The job asks what is due and unused, removes
-- these files and forgets them, all under the lock of the queued rows. A note that takes a path up
-- deletes its row first: it waits for the job, and the job passes over what it holds.
--
-- Functions  private.queue_upload(path)                    for the gateway's callers
--            private.claim_attachments(paths)              for the gateway's callers
--            gateway.take_attachment_removals(size)        for the gateway's job
--            gateway.forget_attachment_removals(paths)     for the gateway's job
--
-- A private path begins with its workspace, and counts only there. A file of the public bucket is
-- removed only for the workspace of whoever uploaded it.

create table private.attachment_removals (
  workspace_id uuid not null,
  path text not null,
  remove_after timestamptz not null,
  created_at timestamptz not null default now(),
  primary key (workspace_id, path)
);
create index ix__attachment_removals__remove_after on private.attachment_removals (remove_after);
create index ix__attachment_removals__path on private.attachment_removals (path);
comment on table private.attachment_removals is 'Files to remove once they are due and nothing refers to them.';
comment on column private.attachment_removals.workspace_id is
  'Not a foreign key: the files of a deleted workspace go too.';

alter table private.attachment_removals enable row level security;
create policy "service role only" on private.attachment_removals for all to service_role
  using (true)
  with check (true);
revoke all on private.attachment_removals from anon, authenticated;
grant all on private.attachment_removals to service_role;

create function private.is_private_path(path text)
returns boolean
language sql immutable parallel safe
set search_path = ''
as $$
  select path ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/[^/]+$'
$$;
comment on function private.is_private_path(text) is 'Whether a path is <workspace>/<uuid>/<name>.';

create function private.queue_lost_attachments()
returns trigger
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  insert into private.attachment_removals (workspace_id, path, remove_after)
  select lost.workspace_id, lost.path, now() + interval '30 days'
  from (
    select o.workspace_id, unnest(private.attachment_paths(o.attachments)) as path
    from old_rows o
    where o.attachments is not null
  ) as lost
  where not private.is_private_path(lost.path)
    or starts_with(lost.path, lost.workspace_id::text || '/')
  group by lost.workspace_id, lost.path
  order by lost.workspace_id, lost.path
  on conflict (workspace_id, path) do update set remove_after = excluded.remove_after;
  return null;
end
$$;
comment on function private.queue_lost_attachments() is 'Queues the files of deleted and changed notes.';

create function private.keep_taken_attachments()
returns trigger
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  with taken as (
    select distinct n.workspace_id, unnest(private.attachment_paths(n.attachments)) as path
    from new_rows n
    where n.attachments is not null
  ), locked as (
    select r.workspace_id, r.path
    from private.attachment_removals r
    join taken
      on taken.path = r.path
      and (taken.workspace_id = r.workspace_id or not private.is_private_path(r.path))
    order by r.workspace_id, r.path
    for update of r
  )
  delete from private.attachment_removals r
  using locked
  where r.workspace_id = locked.workspace_id and r.path = locked.path;
  return null;
end
$$;
comment on function private.keep_taken_attachments() is 'Takes the files of new and changed notes out of the queue.';

-- On an update the files that stay are queued first, and taken out again.
do $$
declare
  note_table text;
begin
  foreach note_table in array array['contact_notes', 'deal_notes']
  loop
    execute format(
      'create trigger "30_queue_lost_deleted" after delete on public.%1$I
         referencing old table as old_rows
         for each statement execute function private.queue_lost_attachments();
       create trigger "30_queue_lost_updated" after update on public.%1$I
         referencing old table as old_rows
         for each statement execute function private.queue_lost_attachments();
       create trigger "40_keep_taken_updated" after update on public.%1$I
         referencing new table as new_rows
         for each statement execute function private.keep_taken_attachments();
       create trigger "40_keep_taken_inserted" after insert on public.%1$I
         referencing new table as new_rows
         for each statement execute function private.keep_taken_attachments()',
      note_table
    );
  end loop;
end
$$;

create function private.queue_upload(path text)
returns void
language sql volatile security definer
set search_path = ''
as $$
  insert into private.attachment_removals (workspace_id, path, remove_after)
  select private.workspace_id(), path, now() + interval '2 days'
  where private.is_private_path(path) and starts_with(path, private.workspace_id()::text || '/')
  on conflict do nothing
$$;
comment on function private.queue_upload(text) is
  'Has an upload of the caller''s workspace removed, should no note take it up.';

create function private.claim_attachments(paths text[])
returns table (path text, size bigint, content_type text)
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  caller_workspace constant uuid := private.workspace_id();
begin
  delete from private.attachment_removals r
  where r.workspace_id = caller_workspace and r.path = any (paths);
  return query
    select o.name, (o.metadata ->> 'size')::bigint, o.metadata ->> 'mimetype'
    from storage.objects o
    where o.bucket_id = 'portico-attachments'
      and o.name = any (paths)
      and starts_with(o.name, caller_workspace::text || '/');
end
$$;
comment on function private.claim_attachments(text[]) is
  'Takes files of the caller''s workspace out of the queue; returns those that exist, as stored.';

create function private.is_file_in_use(p_workspace_id uuid, p_path text)
returns boolean
language sql stable security definer
set search_path = ''
as $$
  select
    exists (
      select from public.contact_notes n
      where n.attachments is not null
        and private.attachment_paths(n.attachments) @> array[p_path]
        and (n.workspace_id = p_workspace_id or not private.is_private_path(p_path))
    )
    or exists (
      select from public.deal_notes n
      where n.attachments is not null
        and private.attachment_paths(n.attachments) @> array[p_path]
        and (n.workspace_id = p_workspace_id or not private.is_private_path(p_path))
    )
    or not private.is_private_path(p_path) and (
      exists (
        select from public.companies c
        where c.workspace_id = p_workspace_id and c.logo ->> 'path' = p_path
      )
      or exists (
        select from public.contacts c
        where c.workspace_id = p_workspace_id and c.avatar ->> 'path' = p_path
      )
      or exists (
        select from public.sales s
        where s.workspace_id = p_workspace_id and s.avatar ->> 'path' = p_path
      )
      or exists (
        select from public.configuration c
        where c.workspace_id = p_workspace_id and strpos(c.config::text, p_path) > 0
      )
    )
$$;
comment on function private.is_file_in_use(uuid, text) is
  'Whether a note, or in the public bucket also a logo or an avatar, refers to the file.';

create index ix__companies__workspace_id__logo_path
  on public.companies (workspace_id, (logo ->> 'path'))
  where logo ->> 'path' is not null;
create index ix__contacts__workspace_id__avatar_path
  on public.contacts (workspace_id, (avatar ->> 'path'))
  where avatar ->> 'path' is not null;

create function private.is_file_in_trash(p_workspace_id uuid, p_path text)
returns boolean
language sql stable security definer
set search_path = ''
as $$
  select exists (
    select from private.trash t
    where t.table_name in ('contact_notes', 'deal_notes')
      and private.attachment_paths(private.trashed_attachments(t.record)) @> array[p_path]
      and (t.workspace_id = p_workspace_id or not private.is_private_path(p_path))
  )
$$;
comment on function private.is_file_in_trash(uuid, text) is
  'Whether a note in the trash, which may come back, refers to the file.';

create function gateway.take_attachment_removals(p_size integer)
returns table (bucket text, path text, unused boolean)
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  due record;
begin
  for due in
    select r.workspace_id, r.path, private.is_private_path(r.path) as is_private
    from private.attachment_removals r
    where r.remove_after <= now()
    order by r.remove_after
    limit p_size
    for update skip locked
  loop
    bucket := case when due.is_private then 'portico-attachments' else 'attachments' end;
    path := due.path;
    unused := false;
    if private.is_file_in_use(due.workspace_id, due.path)
      -- What was uploaded from elsewhere is not this workspace's to remove.
      or not due.is_private and not exists (
        select
        from storage.objects o
        join public.sales s on s.user_id::text = o.owner_id
        where o.bucket_id = 'attachments'
          and o.name = due.path
          and s.workspace_id = due.workspace_id
      )
    then
      delete from private.attachment_removals r
      where r.workspace_id = due.workspace_id and r.path = due.path;
    elsif private.is_file_in_trash(due.workspace_id, due.path) then
      update private.attachment_removals r
      set remove_after = now() + interval '1 day'
      where r.workspace_id = due.workspace_id and r.path = due.path;
    else
      unused := true;
    end if;
    return next;
  end loop;
end
$$;
comment on function gateway.take_attachment_removals(integer) is
  'Files that are due, locked until the end of the transaction, and whether they are unused. What is in use leaves the queue; what the trash holds waits another day.';

create function gateway.forget_attachment_removals(p_paths text[])
returns void
language sql volatile security definer
set search_path = ''
as $$
  delete from private.attachment_removals r
  where r.path = any (p_paths) and r.remove_after <= now()
$$;
comment on function gateway.forget_attachment_removals(text[]) is 'Takes removed files out of the queue.';

revoke all on function
  private.is_private_path(text),
  private.queue_lost_attachments(),
  private.keep_taken_attachments(),
  private.queue_upload(text),
  private.claim_attachments(text[]),
  private.is_file_in_use(uuid, text),
  private.is_file_in_trash(uuid, text),
  gateway.take_attachment_removals(integer),
  gateway.forget_attachment_removals(text[])
  from public, anon, authenticated;
grant execute on function private.queue_upload(text), private.claim_attachments(text[])
  to authenticated;
grant execute on function
  gateway.take_attachment_removals(integer), gateway.forget_attachment_removals(text[])
  to portico_gateway;
