-- What every row gets or must satisfy on its way in.
--
-- Triggers run in the order of their names:
--   10_set_workspace     workspace_id from the caller; without one from the parent or owner
--   20_set_owner         sales_id from the caller when it is empty
--   20_guard_owner       only its owner, a manager or an admin gives a record away
--   30_normalize_emails  email_jsonb becomes an array of trimmed, lower-cased addresses
--   50_set_search        (next migration)
--   90_set_updated_at    moves forward with every real change: it is the ETag
--   after the statement  ids new in contacts.tags and deals.contact_ids must exist; a note moves
--                        its contact's last_seen forward
--
-- Errors
--   PT422 workspace_required          no caller, owner or parent to take the workspace from
--   PT403 owner_change_not_allowed
--   PT422 unknown_tag, unknown_contact
--
-- While private.restore() puts rows back, portico.restoring is on and nothing is filled in.

create function private.is_restoring()
returns boolean
language sql stable
set search_path = ''
as $$
  select coalesce(current_setting('portico.restoring', true), '') = 'on'
$$;
comment on function private.is_restoring() is 'Whether this transaction is putting rows back from the trash.';

-- Workspace and owner ---------------------------------------------------------------------------

create function private.workspace_of(row_data jsonb)
returns uuid
language sql stable security definer
set search_path = ''
as $$
  select coalesce(
    (select workspace_id from public.contacts where id = (row_data ->> 'contact_id')::bigint),
    (select workspace_id from public.deals where id = (row_data ->> 'deal_id')::bigint),
    (select workspace_id from public.companies where id = (row_data ->> 'company_id')::bigint),
    (select workspace_id from public.sales where id = (row_data ->> 'sales_id')::bigint),
    (select workspace_id from public.invitations where id = (row_data ->> 'user_id')::uuid)
  )
$$;
comment on function private.workspace_of(jsonb) is
  'The workspace of a new row by its parent, its owner or (for a member) their invitation.';

create function private.set_workspace()
returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
  if auth.uid() is not null then
    new.workspace_id := private.workspace_id();
    return new;
  end if;
  new.workspace_id := private.workspace_of(to_jsonb(new));
  if new.workspace_id is null then
    raise exception using
      errcode = 'PT422',
      message = 'The workspace of this row is unknown: without a signed-in member, give workspace_id, an existing owner (sales_id) or an existing parent (company_id, contact_id or deal_id).',
      detail = 'workspace_required';
  end if;
  return new;
end
$$;
comment on function private.set_workspace() is 'Fills workspace_id; RLS and foreign keys judge a given one.';

create function private.set_owner()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  if auth.uid() is not null and not private.is_restoring() then
    new.sales_id := private.member_id();
  end if;
  return new;
end
$$;
comment on function private.set_owner() is 'Makes the caller the owner of a new record that names none.';

create function private.guard_owner()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  if auth.uid() is not null
    and not private.can_manage()
    and old.sales_id is distinct from private.member_id()
  then
    raise exception using
      errcode = 'PT403',
      message = 'Only its owner, a manager or an admin may give this record another owner.',
      detail = 'owner_change_not_allowed';
  end if;
  return new;
end
$$;
comment on function private.guard_owner() is
  'Refuses a change of owner by others: whoever owns a record may delete it.';

-- Stamp -----------------------------------------------------------------------------------------

create function private.set_updated_at()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  -- *<> compares the stored form: json has no equality operator.
  if new *<> old then
    new.updated_at := greatest(clock_timestamp(), old.updated_at + interval '1 microsecond');
  end if;
  return new;
end
$$;
comment on function private.set_updated_at() is
  'Moves updated_at strictly forward when anything changed, and leaves it alone otherwise.';

-- E-mail addresses ------------------------------------------------------------------------------

create function private.normalize_emails()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  if jsonb_typeof(new.email_jsonb) = 'null' then
    new.email_jsonb := null;
    return new;
  end if;
  new.email_jsonb := (
    select coalesce(jsonb_agg(
      case
        when jsonb_typeof(element) = 'string' then
          jsonb_build_object('email', lower(btrim(element #>> '{}')), 'type', 'Work')
        when jsonb_typeof(element -> 'email') = 'string' then
          jsonb_set(element, '{email}', to_jsonb(lower(btrim(element ->> 'email'))))
        else element
      end
      order by position
    ), '[]')
    from jsonb_array_elements(
      case jsonb_typeof(new.email_jsonb)
        when 'array' then new.email_jsonb
        else jsonb_build_array(new.email_jsonb)
      end
    ) with ordinality as elements (element, position)
  );
  return new;
end
$$;
comment on function private.normalize_emails() is
  'Makes email_jsonb an array with normalised addresses, whatever was sent. Nothing is lost.';
grant execute on function private.is_restoring() to authenticated, service_role;

create trigger "30_normalize_emails"
  before insert or update of email_jsonb on public.contacts
  for each row
  when (new.email_jsonb is not null)
  execute function private.normalize_emails();

-- Arrays of ids ---------------------------------------------------------------------------------

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
    'select n.workspace_id, array_agg(distinct reference.id) as ids
     from new_rows n %1$s
     cross join lateral unnest(n.%2$I) as reference (id)
     where %3$s
     group by n.workspace_id',
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
        detail = 'unknown_' || rtrim(referenced_table, 's');
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

-- last_seen -------------------------------------------------------------------------------------

create function private.advance_last_seen()
returns trigger
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  if private.is_restoring() then
    return null;
  end if;
  with seen as (
    select workspace_id, contact_id, max(date) as date
    from new_rows
    group by workspace_id, contact_id
  ), locked as (
    select c.id, seen.date
    from public.contacts c
    join seen on seen.workspace_id = c.workspace_id and seen.contact_id = c.id
    where c.last_seen is null or c.last_seen < seen.date
    order by c.id
    for no key update of c
  )
  update public.contacts c
  set last_seen = locked.date
  from locked
  where c.id = locked.id and locked.date is not null;
  return null;
end
$$;
comment on function private.advance_last_seen() is
  'Moves a contact''s last_seen to the date of its newest note when that is later.';

create trigger advance_last_seen_inserted
  after insert on public.contact_notes
  referencing new table as new_rows
  for each statement
  execute function private.advance_last_seen();
create trigger advance_last_seen_updated
  after update on public.contact_notes
  referencing new table as new_rows
  for each statement
  execute function private.advance_last_seen();

-- Which table has which ---------------------------------------------------------------------------

create trigger "10_set_workspace"
  before insert on public.companies
  for each row
  when (new.workspace_id is null)
  execute function private.set_workspace();

create trigger "10_set_workspace"
  before insert on public.contacts
  for each row
  when (new.workspace_id is null)
  execute function private.set_workspace();

create trigger "10_set_workspace"
  before insert on public.contact_notes
  for each row
  when (new.workspace_id is null)
  execute function private.set_workspace();

create trigger "10_set_workspace"
  before insert on public.deals
  for each row
  when (new.workspace_id is null)
  execute function private.set_workspace();

create trigger "10_set_workspace"
  before insert on public.deal_notes
  for each row
  when (new.workspace_id is null)
  execute function private.set_workspace();

create trigger "10_set_workspace"
  before insert on public.tasks
  for each row
  when (new.workspace_id is null)
  execute function private.set_workspace();

create trigger "10_set_workspace"
  before insert on public.tags
  for each row
  when (new.workspace_id is null)
  execute function private.set_workspace();

create trigger "10_set_workspace"
  before insert on public.sales
  for each row
  when (new.workspace_id is null)
  execute function private.set_workspace();

create trigger "10_set_workspace"
  before insert on public.configuration
  for each row
  when (new.workspace_id is null)
  execute function private.set_workspace();

create trigger "10_set_workspace"
  before insert on public.invitations
  for each row
  when (new.workspace_id is null)
  execute function private.set_workspace();

create trigger "20_set_owner"
  before insert on public.companies
  for each row
  when (new.sales_id is null)
  execute function private.set_owner();

create trigger "20_set_owner"
  before insert on public.contacts
  for each row
  when (new.sales_id is null)
  execute function private.set_owner();

create trigger "20_set_owner"
  before insert on public.contact_notes
  for each row
  when (new.sales_id is null)
  execute function private.set_owner();

create trigger "20_set_owner"
  before insert on public.deals
  for each row
  when (new.sales_id is null)
  execute function private.set_owner();

create trigger "20_set_owner"
  before insert on public.deal_notes
  for each row
  when (new.sales_id is null)
  execute function private.set_owner();

create trigger "20_set_owner"
  before insert on public.tasks
  for each row
  when (new.sales_id is null)
  execute function private.set_owner();

create trigger "20_guard_owner"
  before update of sales_id on public.companies
  for each row
  when (old.sales_id is distinct from new.sales_id)
  execute function private.guard_owner();

create trigger "20_guard_owner"
  before update of sales_id on public.contacts
  for each row
  when (old.sales_id is distinct from new.sales_id)
  execute function private.guard_owner();

create trigger "20_guard_owner"
  before update of sales_id on public.contact_notes
  for each row
  when (old.sales_id is distinct from new.sales_id)
  execute function private.guard_owner();

create trigger "20_guard_owner"
  before update of sales_id on public.deals
  for each row
  when (old.sales_id is distinct from new.sales_id)
  execute function private.guard_owner();

create trigger "20_guard_owner"
  before update of sales_id on public.deal_notes
  for each row
  when (old.sales_id is distinct from new.sales_id)
  execute function private.guard_owner();

create trigger "20_guard_owner"
  before update of sales_id on public.tasks
  for each row
  when (old.sales_id is distinct from new.sales_id)
  execute function private.guard_owner();

create trigger "90_set_updated_at"
  before update on public.companies
  for each row
  execute function private.set_updated_at();

create trigger "90_set_updated_at"
  before update on public.contacts
  for each row
  execute function private.set_updated_at();

create trigger "90_set_updated_at"
  before update on public.contact_notes
  for each row
  execute function private.set_updated_at();

create trigger "90_set_updated_at"
  before update on public.deals
  for each row
  execute function private.set_updated_at();

create trigger "90_set_updated_at"
  before update on public.deal_notes
  for each row
  execute function private.set_updated_at();

create trigger "90_set_updated_at"
  before update on public.tasks
  for each row
  execute function private.set_updated_at();

create trigger "90_set_updated_at"
  before update on public.tags
  for each row
  execute function private.set_updated_at();

create trigger "90_set_updated_at"
  before update on public.favicons_excluded_domains
  for each row
  execute function private.set_updated_at();

create trigger "90_set_updated_at"
  before update on public.sales
  for each row
  execute function private.set_updated_at();

create trigger "90_set_updated_at"
  before update on public.workspaces
  for each row
  execute function private.set_updated_at();

create trigger "90_set_updated_at"
  before update on public.configuration
  for each row
  execute function private.set_updated_at();

create trigger "90_set_updated_at"
  before update on public.invitations
  for each row
  execute function private.set_updated_at();

-- A member's exclusion belongs to their workspace; the service role's, without one, to everybody.
create function private.set_exclusion_workspace()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  new.domain := lower(btrim(new.domain));
  if tg_op = 'INSERT' and new.workspace_id is null then
    new.workspace_id := private.workspace_id();
  end if;
  return new;
end
$$;
comment on function private.set_exclusion_workspace() is
  'Lower-cases the domain and fills in the caller''s workspace.';

create trigger "10_set_workspace"
  before insert or update of domain on public.favicons_excluded_domains
  for each row
  execute function private.set_exclusion_workspace();
