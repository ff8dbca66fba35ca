-- Attachments: the files of notes, their buckets, and the removal of unused files, also of pictures.
--
-- Tables      private.attachment_removals
-- Functions   private.attachment_list(attachments)           converts attachments to JSON objects
--             private.attachment_paths(attachments)          paths of the files
--             private.attachments_fit(attachments)           whether they keep to the limits
--             private.trashed_attachments(record)            attachments of a note in the trash
--             private.queue_upload(path)                     for callers of the gateway
--             private.claim_attachments(paths)               for callers of the gateway
--             gateway.lock_attachment_removals(max_rows)     for the job of the gateway
--             gateway.delete_attachment_removals(paths)      for the job of the gateway
-- Procedures  private.add_attachment_triggers(table_name)    for tables with a column attachments
--
-- An attachment is {"title", "type", "size", "path", "src"}. A file in the private bucket has the
-- path <workspace>/<uuid>/<name> and no src. Clients of Atomic CRM store files in the public
-- bucket, with path and src. Some older rows contain a URL or null in place of the object.

-- Values of the column attachments --------------------------------------------------------------

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
      -- In lax mode, $[*] returns the elements of an array, and any other value itself.
      cross join lateral jsonb_path_query(element.value, '$[*]')
        with ordinality as item (value, position)
      where jsonb_typeof(item.value) <> 'null'
    ),
    '[]'
  );
end
$$;
comment on function private.attachment_list(jsonb[]) is
  'Returns attachments as a JSON array of objects. A URL becomes {"src"}, and any other value '
  'becomes {"value"}.';

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
  'Returns the paths of the files that attachments refer to.';

-- An index entry has at most 2704 bytes, and object stores allow keys of 1024 bytes.
create function private.attachments_fit(attachments jsonb[])
returns boolean
language plpgsql immutable parallel safe strict
set search_path = ''
as $$
begin
  return
    not exists (
      select
      from jsonb_array_elements(private.attachment_list(attachments)) as item
      where char_length(item ->> 'title') > 2000 or char_length(item ->> 'type') > 2000
    )
    and not exists (
      select from unnest(private.attachment_paths(attachments)) as path
      where octet_length(path) > 1024
    );
end
$$;
comment on function private.attachments_fit(jsonb[]) is
  'Returns whether no title, type or path of these attachments is too long. A constraint of the table '
  'bounds them all together.';

create function private.trashed_attachments(record jsonb)
returns jsonb[]
language plpgsql immutable parallel safe
set search_path = ''
as $$
begin
  return array(select jsonb_path_query(record, '$.attachments[*]'));
end
$$;
comment on function private.trashed_attachments(jsonb) is
  'Returns the attachments of a row in the trash.';

-- A role that writes a row computes its index entries and its constraints.
grant execute
  on function private.attachment_list(jsonb[]), private.attachment_paths(jsonb[]),
    private.attachments_fit(jsonb[])
  to authenticated, service_role;
grant execute on function private.trashed_attachments(jsonb) to service_role;

create index ix__trash__attachment_paths
  on private.trash
  using gin (private.attachment_paths(private.trashed_attachments(record)))
  where table_name in ('contact_notes', 'deal_notes');

create index ix__trash__picture_path
  on private.trash (
    workspace_id, private.picture_path(coalesce(record -> 'avatar', record -> 'logo'))
  )
  where table_name in ('contacts', 'companies')
    and private.picture_path(coalesce(record -> 'avatar', record -> 'logo')) is not null;

-- Buckets ---------------------------------------------------------------------------------------

--   portico-attachments   Private, with paths <workspace>/<uuid>/<name>. Members of the workspace
--                         read files, and add those that POST /attachments has announced. Only the
--                         gateway changes and removes them.
--   attachments           Public, for clients of Atomic CRM. A file belongs to the workspace of its
--                         uploader. Its members list the file. The uploader, managers and admins
--                         remove it. Pictures that the gateway stores have paths
--                         <workspace>/pictures/<uuid>.<ending> and no uploader.
--
-- Both refuse the types that browsers execute, such as HTML, SVG, XML and scripts. The storage
-- server shows files under the type that they were uploaded with, and answers invalid_mime_type to
-- any other type. Browsers send a file of unknown type as application/octet-stream, and
-- save such a file.
--
-- Source: https://supabase.com/docs/guides/storage/security/access-control

-- Every file in the private bucket was in the queue of removals once, so that none is forgotten.
create function private.is_announced_upload(p_path text)
returns boolean
language plpgsql stable security definer
set search_path = ''
as $$
begin
  return private.is_private_path(p_path) and exists (
    select from private.attachment_removals r
    where r.workspace_id = private.workspace_id() and r.path = p_path
  );
end
$$;
comment on function private.is_announced_upload(text) is
  'Returns whether the caller''s workspace has announced an upload to this path.';
grant execute on function private.is_announced_upload(text) to authenticated;

create policy "portico attachments: members read" on storage.objects for select to authenticated
  using (
    bucket_id = 'portico-attachments'
    and (storage.foldername(name))[1] = (select private.workspace_id())::text
  );
create policy "portico attachments: members insert" on storage.objects for insert to authenticated
  with check (
    bucket_id = 'portico-attachments'
    and private.is_announced_upload(name)
  );

-- Row-level security limits public.sales to the workspace of the caller.
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
  (
    'attachments', 'attachments', true, 26214400,
    array[
      'application/acad', 'application/csv', 'application/epub+zip', 'application/gzip',
      'application/illustrator', 'application/json', 'application/msword',
      'application/octet-stream', 'application/ogg', 'application/pdf', 'application/pgp-encrypted',
      'application/pgp-signature', 'application/pkcs7-mime', 'application/pkcs7-signature',
      'application/postscript', 'application/rtf', 'application/vnd.apple.keynote',
      'application/vnd.apple.numbers', 'application/vnd.apple.pages',
      'application/vnd.google-earth.kmz', 'application/vnd.ms-excel',
      'application/vnd.ms-excel.sheet.binary.macroenabled.12',
      'application/vnd.ms-excel.sheet.macroenabled.12',
      'application/vnd.ms-excel.template.macroenabled.12', 'application/vnd.ms-outlook',
      'application/vnd.ms-powerpoint', 'application/vnd.ms-powerpoint.presentation.macroenabled.12',
      'application/vnd.ms-project', 'application/vnd.ms-word.document.macroenabled.12',
      'application/vnd.ms-word.template.macroenabled.12',
      'application/vnd.oasis.opendocument.graphics',
      'application/vnd.oasis.opendocument.presentation',
      'application/vnd.oasis.opendocument.spreadsheet', 'application/vnd.oasis.opendocument.text',
      'application/vnd.openxmlformats-officedocument.presentationml.presentation',
      'application/vnd.openxmlformats-officedocument.presentationml.slideshow',
      'application/vnd.openxmlformats-officedocument.presentationml.template',
      'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
      'application/vnd.openxmlformats-officedocument.spreadsheetml.template',
      'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
      'application/vnd.openxmlformats-officedocument.wordprocessingml.template',
      'application/vnd.rar', 'application/vnd.visio', 'application/x-7z-compressed',
      'application/x-bzip2', 'application/x-gzip', 'application/x-iwork-keynote-sffkey',
      'application/x-iwork-numbers-sffnumbers', 'application/x-iwork-pages-sffpages',
      'application/x-pkcs12', 'application/x-rar-compressed', 'application/x-tar',
      'application/x-zip-compressed', 'application/zip', 'audio/3gpp', 'audio/aac', 'audio/aiff',
      'audio/amr', 'audio/flac', 'audio/midi', 'audio/mp3', 'audio/mp4', 'audio/mpeg', 'audio/ogg',
      'audio/opus', 'audio/vnd.wave', 'audio/wav', 'audio/wave', 'audio/webm', 'audio/x-aiff',
      'audio/x-flac', 'audio/x-m4a', 'audio/x-ms-wma', 'audio/x-wav', 'image/apng', 'image/avif',
      'image/bmp', 'image/gif', 'image/heic', 'image/heif', 'image/jpeg', 'image/jpg', 'image/jxl',
      'image/pjpeg', 'image/png', 'image/tiff', 'image/vnd.adobe.photoshop', 'image/vnd.dwg',
      'image/vnd.dxf', 'image/vnd.microsoft.icon', 'image/webp', 'image/x-icon', 'image/x-ms-bmp',
      'message/rfc822', 'text/calendar', 'text/comma-separated-values', 'text/csv', 'text/markdown',
      'text/plain', 'text/rtf', 'text/tab-separated-values', 'text/vcard', 'text/x-vcard',
      'video/3gpp', 'video/avi', 'video/mp4', 'video/mpeg', 'video/msvideo', 'video/ogg',
      'video/quicktime', 'video/webm', 'video/x-flv', 'video/x-m4v', 'video/x-matroska',
      'video/x-ms-wmv', 'video/x-msvideo'
    ]
  )
on conflict (id) do update
set
  public = excluded.public,
  file_size_limit = excluded.file_size_limit,
  allowed_mime_types = excluded.allowed_mime_types;

-- Removal queue ---------------------------------------------------------------------------------

-- A trigger queues a file when a note no longer refers to it. The gateway queues each upload, which
-- a note must use within two days. The job locks the due rows, removes the unused files and deletes
-- the rows in one transaction. A note that refers to a file first deletes its row from the queue.
-- It waits for the lock of the job, and the job skips rows that a note has locked.
--
-- A private path begins with its workspace, and only this workspace may refer to it. A file in the
-- public bucket is only removed for the workspace of its uploader or at the beginning of its path.
create table private.attachment_removals (
  workspace_id uuid not null,
  path text not null,
  remove_after timestamptz not null,
  created_at timestamptz not null default now(),
  primary key (workspace_id, path)
);
comment on table private.attachment_removals is 'Files to remove when they are due and unused.';
comment on column private.attachment_removals.workspace_id is
  'The workspace of the file. Not a foreign key, so that the files of a deleted workspace are '
  'removed.';
comment on column private.attachment_removals.path is 'Path of the file in the bucket.';
comment on column private.attachment_removals.remove_after is
  'The time after which the file may be removed.';
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
  select path ~ '^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/){2}[^/]+$'
$$;
comment on function private.is_private_path(text) is
  'Returns whether a path has the form <workspace>/<uuid>/<name>.';

create function private.queue_removed_attachments()
returns trigger
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  insert into private.attachment_removals (workspace_id, path, remove_after)
  select removed.workspace_id, removed.path, now() + interval '30 days'
  from (
    select o.workspace_id, unnest(private.attachment_paths(o.attachments)) as path
    from old_rows o
    where o.attachments is not null
  ) as removed
  where not private.is_private_path(removed.path)
    or starts_with(removed.path, removed.workspace_id::text || '/')
  group by removed.workspace_id, removed.path
  order by removed.workspace_id, removed.path
  on conflict (workspace_id, path) do update set remove_after = excluded.remove_after;
  return null;
end
$$;
comment on function private.queue_removed_attachments() is
  'Queues the files of deleted and updated rows for removal.';

create function private.dequeue_used_attachments()
returns trigger
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  with used as (
    select distinct n.workspace_id, unnest(private.attachment_paths(n.attachments)) as path
    from new_rows n
    where n.attachments is not null
  ), locked as (
    select r.workspace_id, r.path
    from private.attachment_removals r
    join used
      on used.path = r.path
      and (used.workspace_id = r.workspace_id or not private.is_private_path(r.path))
    order by r.workspace_id, r.path
    for update of r
  )
  delete from private.attachment_removals r
  using locked
  where r.workspace_id = locked.workspace_id and r.path = locked.path;
  return null;
end
$$;
comment on function private.dequeue_used_attachments() is
  'Deletes the files of inserted and updated rows from the queue.';

-- An update queues all files of the old row and then deletes those of the new row from the queue.
create procedure private.add_attachment_triggers(table_name text)
language plpgsql
set search_path = ''
as $$
begin
  execute format(
    $sql$
      create trigger "30_queue_attachments_deleted"
        after delete on public.%1$I
        referencing old table as old_rows
        for each statement
        execute function private.queue_removed_attachments();
      create trigger "30_queue_attachments_updated"
        after update on public.%1$I
        referencing old table as old_rows
        for each statement
        execute function private.queue_removed_attachments();
      create trigger "40_dequeue_attachments_updated"
        after update on public.%1$I
        referencing new table as new_rows
        for each statement
        execute function private.dequeue_used_attachments();
      create trigger "40_dequeue_attachments_inserted"
        after insert on public.%1$I
        referencing new table as new_rows
        for each statement
        execute function private.dequeue_used_attachments();
    $sql$,
    table_name
  );
end
$$;
comment on procedure private.add_attachment_triggers(text) is
  'Adds triggers to a table that queue removed files and delete used files from the queue.';

create function private.queue_upload(path text)
returns void
language sql volatile security definer
set search_path = ''
as $$
  insert into private.attachment_removals (workspace_id, path, remove_after)
  select private.workspace_id(), path, now() + interval '2 days'
  where starts_with(path, private.workspace_id()::text || '/')
  on conflict do nothing
$$;
comment on function private.queue_upload(text) is
  'Queues an upload of the caller''s workspace for removal, in case no record uses it.';
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
  'Deletes files of the caller''s workspace from the queue. Returns path, size and type of those '
  'that exist in the private bucket.';
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
        where c.workspace_id = p_workspace_id and private.picture_path(c.logo) = p_path
      )
      or exists (
        select from public.contacts c
        where c.workspace_id = p_workspace_id and private.picture_path(c.avatar) = p_path
      )
      or exists (
        select from public.sales s
        where s.workspace_id = p_workspace_id and private.picture_path(s.avatar) = p_path
      )
      or exists (
        select from public.configuration c
        where c.workspace_id = p_workspace_id and strpos(c.config::text, p_path) > 0
      )
    );
end
$$;
comment on function private.is_file_in_use(uuid, text) is
  'Returns whether a note refers to the file. In the public bucket, also whether a logo, an avatar '
  'or the configuration refers to it.';

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
  ) or exists (
    select from private.trash t
    where t.table_name in ('contacts', 'companies')
      and t.workspace_id = p_workspace_id
      and private.picture_path(coalesce(t.record -> 'avatar', t.record -> 'logo')) = p_path
  )
$$;
comment on function private.is_file_in_trash(uuid, text) is
  'Returns whether a note or a picture in the trash refers to the file.';

create function gateway.lock_attachment_removals(max_rows integer)
returns table (bucket text, path text, unused boolean)
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  due record;
begin
  for due in
    select
      r.workspace_id, r.path, private.is_private_path(r.path) as is_private,
      starts_with(r.path, 'imports/') as is_import
    from private.attachment_removals r
    where r.remove_after <= now()
    order by r.remove_after
    limit max_rows
    for update skip locked
  loop
    bucket := case
      when due.is_import then 'portico-imports'
      when due.is_private then 'portico-attachments'
      else 'attachments'
    end;
    path := due.path;
    unused := false;
    if private.is_file_in_use(due.workspace_id, due.path)
      -- A file in the public bucket must belong to this workspace.
      or not due.is_private
      and not due.is_import
      and not starts_with(due.path, due.workspace_id::text || '/')
      and not exists (
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
comment on function gateway.lock_attachment_removals(integer) is
  'Returns at most max_rows due files and whether they are unused. Locks their rows until the end '
  'of the transaction. Deletes used files from the queue and defers files of the trash by a day.';
grant execute on function gateway.lock_attachment_removals(integer) to portico_gateway;

create function gateway.delete_attachment_removals(paths text[])
returns void
language sql volatile security definer
set search_path = ''
as $$
  delete from private.attachment_removals r
  where r.path = any (paths) and r.remove_after <= now()
$$;
comment on function gateway.delete_attachment_removals(text[]) is
  'Deletes removed files from the queue.';
grant execute on function gateway.delete_attachment_removals(text[]) to portico_gateway;
