-- A contact's last_seen moves to the date of its newest note when that is later, also from null.

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
