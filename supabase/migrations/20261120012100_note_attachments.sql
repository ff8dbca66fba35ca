-- Attachments of notes: as lists, and by the paths of their files.
--
-- Views      public.contact_notes_summary, public.deal_notes_summary: the notes, attachments a list
-- Functions  private.attachment_list(attachments)    as a list of objects, nothing lost
--            private.attachment_paths(attachments)   the files that they refer to
--            private.trashed_attachments(record)     those of a note in the trash
--
-- An element is {"title", "type", "size", "path", "src"}. A file of the private bucket has no src and
-- the path <workspace>/<uuid>/<name>; one that Atomic CRM's clients put into the public bucket has
-- both. Older rows hold bare addresses, or null.

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
comment on function private.attachment_paths(jsonb[]) is 'The paths of the files that attachments refer to.';

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

-- Whoever inserts a row works out what its index holds.
revoke all on function
  private.attachment_list(jsonb[]),
  private.attachment_paths(jsonb[]),
  private.trashed_attachments(jsonb)
  from public;
grant execute on function private.attachment_list(jsonb[]), private.attachment_paths(jsonb[])
  to authenticated, service_role;
grant execute on function private.trashed_attachments(jsonb) to service_role;

create index ix__contact_notes__attachment_paths
  on public.contact_notes using gin (private.attachment_paths(attachments))
  where attachments is not null;
create index ix__deal_notes__attachment_paths
  on public.deal_notes using gin (private.attachment_paths(attachments))
  where attachments is not null;
create index ix__trash__attachment_paths
  on private.trash
  using gin (private.attachment_paths(private.trashed_attachments(record)))
  where table_name in ('contact_notes', 'deal_notes');

create view public.contact_notes_summary
with (security_invoker = on)
as
select
  cn.id,
  cn.contact_id,
  cn.text,
  cn.date,
  cn.sales_id,
  cn.status,
  -- Most notes have none: they are spared the call.
  case
    when cn.attachments is null then '[]'::jsonb
    else private.attachment_list(cn.attachments)
  end as attachments,
  cn.created_at,
  cn.updated_at
from public.contact_notes cn;
comment on view public.contact_notes_summary is 'Notes on contacts, their attachments as a list.';

create view public.deal_notes_summary
with (security_invoker = on)
as
select
  dn.id,
  dn.deal_id,
  dn.type,
  dn.text,
  dn.date,
  dn.sales_id,
  -- Most notes have none: they are spared the call.
  case
    when dn.attachments is null then '[]'::jsonb
    else private.attachment_list(dn.attachments)
  end as attachments,
  dn.created_at,
  dn.updated_at
from public.deal_notes dn;
comment on view public.deal_notes_summary is 'Notes on deals, their attachments as a list.';

grant select on public.contact_notes_summary, public.deal_notes_summary to authenticated, service_role;
