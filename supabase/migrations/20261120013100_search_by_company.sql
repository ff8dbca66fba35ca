-- A contact is found by its company's name: the name is part of contacts.search, weight C.
--
-- So one look into one index answers a search over contacts. A company that gets another name
-- changes the vectors of its contacts, and thereby their versions, as it changes their company_name.

create function private.contact_search(contact public.contacts, company_name text)
returns tsvector
language plpgsql immutable parallel safe
set search_path = ''
as $$
begin
  return private.search_vector(
    concat_ws(' ', contact.first_name, contact.last_name),
    private.email_addresses(contact.email_jsonb),
    concat_ws(' ', contact.title, private.phone_numbers(contact.phone_jsonb), company_name),
    contact.background
  );
end
$$;
comment on function private.contact_search(public.contacts, text) is
  'The search vector of a contact who works for a company of this name.';
revoke all on function private.contact_search(public.contacts, text) from public;

create or replace function private.set_contact_search()
returns trigger
language plpgsql security definer
set search_path = ''
as $$
declare
  company_name text;
begin
  if new.company_id is not null then
    select co.name into company_name
    from public.companies co
    where co.workspace_id = new.workspace_id and co.id = new.company_id;
  end if;
  new.search := private.contact_search(new, company_name);
  return new;
end
$$;

drop trigger "50_set_search" on public.contacts;
create trigger "50_set_search"
  before insert or update of first_name, last_name, email_jsonb, title, phone_jsonb, background,
    company_id
  on public.contacts
  for each row
  execute function private.set_contact_search();

create function private.set_company_contacts_search()
returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
  update public.contacts c
  set search = private.contact_search(c, new.name)
  where c.workspace_id = new.workspace_id and c.company_id = new.id;
  return null;
end
$$;
comment on function private.set_company_contacts_search() is
  'Puts a company''s new name into the search vectors of its contacts.';
revoke all on function private.set_company_contacts_search() from public;

create trigger "60_set_contacts_search"
  after update of name on public.companies
  for each row
  when (old.name is distinct from new.name)
  execute function private.set_company_contacts_search();

update public.contacts c
set search = private.contact_search(c, co.name)
from public.companies co
where co.workspace_id = c.workspace_id and co.id = c.company_id;
