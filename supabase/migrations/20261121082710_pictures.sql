-- Pictures: avatars of contacts and members, and logos of companies.
--
-- Functions   private.picture_fault(picture)   why a picture is refused
--             private.picture_path(picture)    path of the file of a picture
-- Procedures  private.add_picture_triggers(table_name, column_name)
--
-- Errors
--   PT422 invalid_picture   the picture has another shape, is too large or is not an image
--
-- A picture is {"src", "title", "path", "type"}. src is the URL of the file, or the image itself as
-- a data URL of at most 16 kB: as much as an icon with the sizes 16, 32 and 48 pixels needs. Larger
-- images are files in the bucket attachments. Clients of Atomic CRM add other fields, such as
-- "rawFile": {}.

create function private.picture_fault(picture jsonb)
returns text
language plpgsql immutable strict parallel safe
set search_path = ''
as $$
declare
  src constant text := picture ->> 'src';
  beginning constant text := left(src, 64);
begin
  if jsonb_typeof(picture) = 'null' then
    return null;
  elsif jsonb_typeof(picture) <> 'object' then
    return 'A picture is an object with the fields src, title, path and type.';
  elsif jsonb_typeof(picture -> 'src') not in ('string', 'null')
    or jsonb_typeof(picture -> 'title') not in ('string', 'null')
    or jsonb_typeof(picture -> 'path') not in ('string', 'null')
    or jsonb_typeof(picture -> 'type') not in ('string', 'null')
  then
    return 'The fields src, title, path and type of a picture are texts.';
  elsif char_length(picture ->> 'title') > 500
    or char_length(picture ->> 'path') > 1000
    or char_length(picture ->> 'type') > 255
  then
    return 'A picture has a title of at most 500 characters, a path of at most 1000 and a type of '
      'at most 255.';
  elsif octet_length((picture - array['src', 'title', 'path', 'type'])::text) > 1000 then
    return 'A picture has other fields than src, title, path and type. Leave them out.';
  elsif beginning !~~* 'data:%' then
    if char_length(src) > 2000 then
      return 'The src of a picture is a URL of at most 2000 characters.';
    end if;
  elsif octet_length(src) > 22000 then
    return 'A picture in the record has at most 16 kB. Upload a larger one to the storage, and use '
      'the URL of the file as src.';
  -- The base64 of the first bytes of each format.
  elsif beginning !~ ('^data:image/(png;base64,iVBORw0KGgo|jpeg;base64,/9j/|gif;base64,R0lGOD[dl]h|'
    'webp;base64,UklGR|x-icon;base64,AAABA)')
  then
    return 'A picture in the record is a PNG, JPEG, GIF, WebP or ICO image in base64.';
  end if;
  return null;
end
$$;
comment on function private.picture_fault(jsonb) is
  'Returns a sentence that says why a picture is refused. Null when it is valid.';

create function private.picture_path(picture jsonb)
returns text
language plpgsql immutable strict parallel safe
set search_path = ''
as $$
begin
  return coalesce(
    nullif(picture ->> 'path', ''),
    substring(
      left(picture ->> 'src', 2000) from '/storage/v1/object/public/attachments/([^?#]+)'
    )
  );
end
$$;
comment on function private.picture_path(jsonb) is
  'Returns the path of the file that a picture refers to. Null when it refers to no file.';

-- A role that writes a row computes its constraints and index entries.
grant execute on function private.picture_fault(jsonb), private.picture_path(jsonb)
  to authenticated, service_role;

create function private.refuse_picture()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  raise exception using
    errcode = 'PT422',
    message = private.picture_fault(to_jsonb(new) -> tg_argv[0]),
    detail = 'invalid_picture',
    column = tg_argv[0];
end
$$;
comment on function private.refuse_picture() is 'Refuses a picture, and says why.';

-- The file of a picture is removed like the file of a note (see the file attachments).
create function private.queue_removed_picture()
returns trigger
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  path constant text := private.picture_path(to_jsonb(old) -> tg_argv[0]);
begin
  if not private.is_private_path(path) or starts_with(path, old.workspace_id::text || '/') then
    insert into private.attachment_removals (workspace_id, path, remove_after)
    values (old.workspace_id, path, now() + interval '30 days')
    on conflict on constraint attachment_removals_pkey
    do update set remove_after = excluded.remove_after;
  end if;
  return null;
end
$$;
comment on function private.queue_removed_picture() is
  'Queues the file of a deleted or changed picture for removal.';

create function private.dequeue_used_picture()
returns trigger
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  delete from private.attachment_removals r
  where r.workspace_id = new.workspace_id
    and r.path = private.picture_path(to_jsonb(new) -> tg_argv[0]);
  return null;
end
$$;
comment on function private.dequeue_used_picture() is
  'Deletes the file of a new picture from the queue of removals.';

create procedure private.add_picture_triggers(table_name text, column_name text)
language plpgsql
set search_path = ''
as $$
begin
  execute format(
    $sql$
      create trigger "30_check_picture"
        before insert or update of %2$I on public.%1$I
        for each row
        when (private.picture_fault(new.%2$I) is not null)
        execute function private.refuse_picture(%2$L);
      create trigger "60_queue_picture_deleted"
        after delete on public.%1$I
        for each row
        when (private.picture_path(old.%2$I) is not null)
        execute function private.queue_removed_picture(%2$L);
      create trigger "60_queue_picture_updated"
        after update of %2$I on public.%1$I
        for each row
        when (
          private.picture_path(old.%2$I) is not null
          and private.picture_path(old.%2$I) is distinct from private.picture_path(new.%2$I)
        )
        execute function private.queue_removed_picture(%2$L);
      create trigger "70_dequeue_picture"
        after insert or update of %2$I on public.%1$I
        for each row
        when (private.picture_path(new.%2$I) is not null)
        execute function private.dequeue_used_picture(%2$L);
    $sql$,
    table_name, column_name
  );
end
$$;
comment on procedure private.add_picture_triggers(text, text) is
  'Adds triggers to a table that check the pictures of a column and queue their unused files for '
  'removal.';
