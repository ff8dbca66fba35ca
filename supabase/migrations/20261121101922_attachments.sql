-- Attachments: the files of notes, their buckets, and the removal of files that nothing refers to.
--
-- Tables     private.attachment_removals
-- Functions  private.attachment_list(attachments)           as a list of objects, nothing lost
--            private.attachment_paths(attachments)          the files that they refer to
--            private.trashed_attachments(record)            those of a note in the trash
--            private.queue_upload(path)                     for the gateway's callers
--            private.claim_attachments(paths)               for the gateway's callers
--            gateway.take_attachment_removals(size)         for the gateway's job
--            gateway.forget_attachment_removals(paths)      for the gateway's job
-- Procedures private.add_attachment_triggers(table_name)    for tables with a column attachments
--
-- An element is {"title", "type", "size", "path", "src"}. A file of the private bucket has no src and
-- the path <workspace>/<uuid>/<name>; one that Atomic CRM's clients put into the public bucket has
-- both. Older rows hold bare addresses, or null.

-- What a row refers to --------------------------------------------------------------------------

create function private.attachment_list(attachments jsonb[])
returns jsonb
language plpgsql immutable parallel safe
set search_path = ''
as $$
begin
  return coalesce(
    (
      select jsonb_agg(
        case jsonb_typeof(item.value)
          when 'object' then item.value
          when 'string' then jsonb_build_object('src', item.value)
          else jsonb_build_object('value', item.value)
        end
        order by element.position, item.position
      )
      from unnest(attachments) with ordinality as element (value, position)
      -- Lax mode: an array is the sequence of its elements, anything else a sequence of one.
      cross join lateral jsonb_path_query(element.value, '$[*]')
        with ordinality as item (value, position)
      where jsonb_typeof(item.value) <> 'null'
    ),
    '[]'
  );
end
$$;
comment on function private.attachment_list(jsonb[]) is
  'Attachments as a JSON list of objects: a bare address becomes {"src"}, any other value {"value"}.';

create function private.attachment_paths(attachments jsonb[])
returns text[]
language plpgsql immutable parallel safe
set search_path = ''
as $$
begin
  return array(
    select distinct path
    from jsonb_array_elements(private.attachment_list(attachments)) as item
    cross join lateral (
      values
        (item ->> 'path'),
        (substring(item ->> 'src' from '/storage/v1/object/public/attachments/([^?#]+)'))
    ) as paths (path)
    where path <> ''
    order by path
  );
end
$$;
comment on function private.attachment_paths(jsonb[]) is
  'The paths of the files that attachments refer to.';

create function private.trashed_attachments(record jsonb)
returns jsonb[]
language plpgsql immutable parallel safe
set search_path = ''
as $$
begin
  return array(select jsonb_path_query(record, '$.attachments[*]'));
end
$$;
comment on function private.trashed_attachments(jsonb) is 'The attachments of a row in the trash.';

-- Whoever inserts a row computes its index entries.
grant execute on function private.attachment_list(jsonb[]), private.attachment_paths(jsonb[])
  to authenticated, service_role;
grant execute on function private.trashed_attachments(jsonb) to service_role;

create index ix__trash__attachment_paths
  on private.trash
  using gin (private.attachment_paths(private.trashed_attachments(record)))
  where table_name in ('contact_notes', 'deal_notes');

-- Buckets ---------------------------------------------------------------------------------------

--   portico-attachments   private; <workspace>/<uuid>/<name>; read and added to by the workspace's
--                         members, changed and removed by nobody but the gateway
--   attachments           public, for Atomic CRM's clients; its paths name no workspace, so that the
--                         uploader decides: listed by their workspace, removed by them or a manager
--
-- Source: https://supabase.com/docs/guides/storage/security/access-control

insert into storage.buckets (id, name, public, file_size_limit, allowed_mime_types)
values
  (
    'portico-attachments', 'portico-attachments', false, 26214400,
    array[
      'application/json', 'application/msword', 'application/pdf', 'application/rtf',
      'application/vnd.ms-excel', 'application/vnd.ms-powerpoint',
      'application/vnd.oasis.opendocument.presentation',
      'application/vnd.oasis.opendocument.spreadsheet',
      'application/vnd.oasis.opendocument.text',
      'application/vnd.openxmlformats-officedocument.presentationml.presentation',
      'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
      'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
      'application/zip', 'audio/mp4', 'audio/mpeg', 'audio/ogg', 'audio/wav', 'image/gif',
      'image/heic', 'image/jpeg', 'image/png', 'image/webp', 'message/rfc822', 'text/calendar',
      'text/csv', 'text/markdown', 'text/plain', 'text/vcard', 'video/mp4', 'video/quicktime',
      'video/webm'
    ]
  ),
  ('attachments', 'attachments', true, 26214400, null)
on conflict (id) do update
set
  public = excluded.public,
  file_size_limit = excluded.file_size_limit,
  allowed_mime_types = coalesce(excluded.allowed_mime_types, storage.buckets.allowed_mime_types);

create policy "portico attachments: members read" on storage.objects for select to authenticated
  using (
    bucket_id = 'portico-attachments'
    and (storage.foldername(name))[1] = (select private.workspace_id())::text
  );
create policy "portico attachments: members insert" on storage.objects for insert to authenticated
  with check (
    bucket_id = 'portico-attachments'
    and (storage.foldername(name))[1] = (select private.workspace_id())::text
  );

-- public.sales shows its rows to active members of the same workspace alone.
create policy "attachments: members read" on storage.objects for select to authenticated
  using (
    bucket_id = 'attachments'
    and owner_id in (select s.user_id::text from public.sales s)
  );
create policy "attachments: members insert" on storage.objects for insert to authenticated
  with check (
    bucket_id = 'attachments'
    and (select private.workspace_id()) is not null
  );
create policy "attachments: uploaders and managers delete" on storage.objects
  for delete to authenticated
  using (
    bucket_id = 'attachments'
    and owner_id in (
      select s.user_id::text
      from public.sales s
      where private.may_manage(s.id)
    )
  );

-- Files to remove -------------------------------------------------------------------------------

-- A trigger queues the path when a note loses it, in the same transaction; the gateway queues each
-- upload, which a note takes up within two days or never. The job asks what is due and unused,
-- removes these files and forgets them, all under the lock of the queued rows. A note that takes a
-- path up deletes its row first: it waits for the job, and the job passes over what it holds.
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
comment on table private.attachment_removals is
  'Files to remove once they are due and nothing refers to them.';
comment on column private.attachment_removals.workspace_id is
  'Not a foreign key: the files of a deleted workspace go too.';
comment on column private.attachment_removals.path is 'Path of the file in its bucket.';
comment on column private.attachment_removals.remove_after is
  'From when on the file may be removed.';
comment on column private.attachment_removals.created_at is 'When the file was queued.';

create index ix__attachment_removals__remove_after on private.attachment_removals (remove_after);
create index ix__attachment_removals__path on private.attachment_removals (path);

alter table private.attachment_removals enable row level security;
create policy "service role only" on private.attachment_removals for all to service_role
  using (true)
  with check (true);

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
comment on function private.queue_lost_attachments() is
  'Queues the files of deleted and changed notes.';

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
comment on function private.keep_taken_attachments() is
  'Takes the files of new and changed notes out of the queue.';

-- On an update the files that stay are queued first, and taken out again.
create procedure private.add_attachment_triggers(table_name text)
language plpgsql
set search_path = ''
as $$
begin
  execute format(
    $sql$
      create trigger "30_queue_lost_deleted"
        after delete on public.%1$I
        referencing old table as old_rows
        for each statement
        execute function private.queue_lost_attachments();
      create trigger "30_queue_lost_updated"
        after update on public.%1$I
        referencing old table as old_rows
        for each statement
        execute function private.queue_lost_attachments();
      create trigger "40_keep_taken_updated"
        after update on public.%1$I
        referencing new table as new_rows
        for each statement
        execute function private.keep_taken_attachments();
      create trigger "40_keep_taken_inserted"
        after insert on public.%1$I
        referencing new table as new_rows
        for each statement
        execute function private.keep_taken_attachments();
    $sql$,
    table_name
  );
end
$$;
comment on procedure private.add_attachment_triggers(text) is
  'Queues the files that rows of a table lose for removal, and keeps those that rows take up.';

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
  'Queues an upload of the caller''s workspace for removal, in case no note takes it up.';
grant execute on function private.queue_upload(text) to authenticated;

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
grant execute on function private.claim_attachments(text[]) to authenticated;

create function private.is_file_in_use(p_workspace_id uuid, p_path text)
returns boolean
language plpgsql stable security definer
set search_path = ''
as $$
begin
  return
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
    );
end
$$;
comment on function private.is_file_in_use(uuid, text) is
  'Whether a note, or in the public bucket also a logo or an avatar, refers to the file.';

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
grant execute on function gateway.take_attachment_removals(integer) to portico_gateway;

create function gateway.forget_attachment_removals(p_paths text[])
returns void
language sql volatile security definer
set search_path = ''
as $$
  delete from private.attachment_removals r
  where r.path = any (p_paths) and r.remove_after <= now()
$$;
comment on function gateway.forget_attachment_removals(text[]) is
  'Takes removed files out of the queue.';
grant execute on function gateway.forget_attachment_removals(text[]) to portico_gateway;
