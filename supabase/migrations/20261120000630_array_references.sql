-- contacts.tags and deals.contact_ids hold ids of records that exist.
--
-- Errors
--   PT422 unknown_tag, unknown_contact   an id that the array takes up does not exist
--
-- Ids that an array held before may stay, even if they dangle since before this rule. Checked once
-- per statement, under a lock, so that what is taken up cannot be deleted at the same time.

create function private.check_references()
returns trigger
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  column_name constant text := tg_argv[0];
  referenced_table constant text := tg_argv[1];
  added record;
  missing bigint[];
begin
  if private.is_restoring() then
    return null;
  end if;
  for added in execute format(
    'select taken.workspace_id, array_agg(taken.id) as ids
     from (
       select distinct n.workspace_id, reference.id
       from new_rows n %1$s
       cross join lateral unnest(n.%2$I) as reference (id)
       where %3$s
     ) taken
     group by taken.workspace_id',
    case tg_op when 'UPDATE' then 'left join old_rows o using (id)' end,
    column_name,
    case tg_op
      when 'UPDATE' then format('reference.id <> all (coalesce(o.%I, ''{}''))', column_name)
      else 'true'
    end
  )
  loop
    missing := private.missing_ids(referenced_table, added.workspace_id, added.ids);
    if missing <> '{}' then
      raise exception using
        errcode = 'PT422',
        message = format(
          'Unknown %s: %s. Use ids that exist in this workspace.',
          referenced_table, array_to_string(missing, ', ')
        ),
        detail = 'unknown_' || rtrim(referenced_table, 's'),
        column = column_name;
    end if;
  end loop;
  return null;
end
$$;
comment on function private.check_references() is
  'Refuses ids that an array column takes up and that do not exist. Ids that it held before may stay.';

create function private.missing_ids(table_name text, workspace_id uuid, ids bigint[])
returns bigint[]
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  existing_ids bigint[];
begin
  execute format(
    'select array(
       select t.id from public.%I t
       where t.workspace_id = $1 and t.id = any ($2)
       order by t.id
       for key share
     )',
    table_name
  ) into existing_ids using workspace_id, ids;
  return array(select distinct id from unnest(ids) as id where id <> all (existing_ids) order by id);
end
$$;
comment on function private.missing_ids(text, uuid, bigint[]) is
  'Which of these ids the table lacks in the workspace. Locks the others against deletion.';

create trigger check_tags_inserted
  after insert on public.contacts
  referencing new table as new_rows
  for each statement
  execute function private.check_references('tags', 'tags');
create trigger check_tags_updated
  after update on public.contacts
  referencing old table as old_rows new table as new_rows
  for each statement
  execute function private.check_references('tags', 'tags');
create trigger check_contact_ids_inserted
  after insert on public.deals
  referencing new table as new_rows
  for each statement
  execute function private.check_references('contact_ids', 'contacts');
create trigger check_contact_ids_updated
  after update on public.deals
  referencing old table as old_rows new table as new_rows
  for each statement
  execute function private.check_references('contact_ids', 'contacts');

-- Deleting a tag or a contact, merging contacts and looking up an address search these.
create index ix__contacts__tags on public.contacts using gin (tags);
create index ix__contacts__email_jsonb on public.contacts using gin (email_jsonb jsonb_path_ops);
create index ix__deals__contact_ids on public.deals using gin (contact_ids);
