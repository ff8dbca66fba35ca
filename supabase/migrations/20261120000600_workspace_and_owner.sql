-- Which workspace a new row belongs to, and who owns it.
--
-- The triggers of a row run in the order of their names:
--   05_guard_new_id      ids come from the database
--   10_set_workspace     workspace_id from the caller; without one from the parent or owner;
--                        10_set_workspace_and_owner also sales_id from the caller when it is empty
--   20_guard_owner       only its owner, a manager or an admin gives a record away
--   30_normalize_emails  email_jsonb becomes an array of trimmed, lower-cased addresses
--   50_set_search        the words of the record
--   90_set_updated_at    moves forward with every real change: it is the ETag
--
-- Errors
--   PT422 workspace_required          no caller, owner or parent to take the workspace from
--   PT403 owner_change_not_allowed
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
grant execute on function private.is_restoring() to authenticated, service_role;

create function private.workspace_of(row_data jsonb)
returns uuid
language plpgsql stable security definer
set search_path = ''
as $$
declare
  workspace_id constant uuid := coalesce(
    (select c.workspace_id from public.contacts c where c.id = (row_data ->> 'contact_id')::bigint),
    (select d.workspace_id from public.deals d where d.id = (row_data ->> 'deal_id')::bigint),
    (select c.workspace_id from public.companies c where c.id = (row_data ->> 'company_id')::bigint),
    (select s.workspace_id from public.sales s where s.id = (row_data ->> 'sales_id')::bigint),
    (select i.workspace_id from public.invitations i where i.id = (row_data ->> 'user_id')::uuid)
  );
begin
  if workspace_id is null then
    raise exception using
      errcode = 'PT422',
      message = 'The workspace of this row is unknown: without a signed-in member, give workspace_id, an existing owner (sales_id) or an existing parent (company_id, contact_id or deal_id).',
      detail = 'workspace_required';
  end if;
  return workspace_id;
end
$$;
comment on function private.workspace_of(jsonb) is
  'The workspace of a new row by its parent, its owner or (for a member) their invitation. Refuses a row without any.';

create function private.set_workspace()
returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
  new.workspace_id := case
    when auth.uid() is null then private.workspace_of(to_jsonb(new))
    else private.workspace_id()
  end;
  return new;
end
$$;
comment on function private.set_workspace() is 'Fills workspace_id; RLS and foreign keys judge a given one.';

-- One look at the caller's membership gives both.
create function private.set_workspace_and_owner()
returns trigger
language plpgsql security definer
set search_path = ''
as $$
declare
  caller_id constant uuid := auth.uid();
  caller_workspace uuid;
  caller_member bigint;
begin
  if caller_id is null then
    new.workspace_id := coalesce(new.workspace_id, private.workspace_of(to_jsonb(new)));
    return new;
  end if;
  select workspace_id, id into caller_workspace, caller_member
  from public.sales
  where user_id = caller_id and not disabled;
  new.workspace_id := coalesce(new.workspace_id, caller_workspace);
  if new.sales_id is null and not private.is_restoring() then
    new.sales_id := caller_member;
  end if;
  return new;
end
$$;
comment on function private.set_workspace_and_owner() is
  'Fills workspace_id, and makes the caller the owner of a new record that names none.';

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

create trigger "10_set_workspace_and_owner"
  before insert on public.companies
  for each row
  when (new.workspace_id is null or new.sales_id is null)
  execute function private.set_workspace_and_owner();

create trigger "10_set_workspace_and_owner"
  before insert on public.contacts
  for each row
  when (new.workspace_id is null or new.sales_id is null)
  execute function private.set_workspace_and_owner();

create trigger "10_set_workspace_and_owner"
  before insert on public.contact_notes
  for each row
  when (new.workspace_id is null or new.sales_id is null)
  execute function private.set_workspace_and_owner();

create trigger "10_set_workspace_and_owner"
  before insert on public.deals
  for each row
  when (new.workspace_id is null or new.sales_id is null)
  execute function private.set_workspace_and_owner();

create trigger "10_set_workspace_and_owner"
  before insert on public.deal_notes
  for each row
  when (new.workspace_id is null or new.sales_id is null)
  execute function private.set_workspace_and_owner();

create trigger "10_set_workspace_and_owner"
  before insert on public.tasks
  for each row
  when (new.workspace_id is null or new.sales_id is null)
  execute function private.set_workspace_and_owner();

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
