-- The buckets of attachments, and who may do what in them.
--
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
      where s.id = (select private.member_id()) or (select private.can_manage())
    )
  );
