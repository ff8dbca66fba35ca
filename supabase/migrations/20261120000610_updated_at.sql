-- updated_at moves strictly forward with every real change of a row, and only then: it is the ETag.

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
