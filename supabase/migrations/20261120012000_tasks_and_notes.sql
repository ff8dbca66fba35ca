-- Tasks and notes: what their lists need, configured values, and what a new one does to its contact.
--
-- Functions  private.touch_contact(contact_id, seen_at, status)   last_seen forward, status as given
--
-- Errors
--   PT422 unknown_type, unknown_status, unknown_contact_status   not among the configured values
--
-- As with deals, only what comes through the gateway is held to the configuration.

-- Open tasks are what people look at: a list of them must not read through years of done ones.
create index ix__tasks__workspace_id__due_date__open
  on public.tasks (workspace_id, due_date, id)
  where done_date is null;
create index ix__tasks__workspace_id__sales_id__due_date__open
  on public.tasks (workspace_id, sales_id, due_date, id)
  where done_date is null;
create index ix__tasks__workspace_id__contact_id__due_date
  on public.tasks (workspace_id, contact_id, due_date, id);

-- With the id at the end, a page of one contact's or one deal's notes comes out of the index in order.
create index ix__contact_notes__workspace_id__contact_id__date
  on public.contact_notes (workspace_id, contact_id, date desc nulls last, id desc);
drop index public.ix__contact_notes__workspace_id__contact_id;
create index ix__deal_notes__workspace_id__deal_id__date
  on public.deal_notes (workspace_id, deal_id, date desc nulls last, id desc);
drop index public.ix__deal_notes__workspace_id__deal_id;

create function private.check_task_type()
returns trigger
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  if coalesce(current_setting('portico.request_id', true), '') <> '' and not private.is_restoring()
  then
    perform private.require_configured(new.workspace_id, 'taskTypes', 'type', new.type);
  end if;
  return new;
end
$$;
comment on function private.check_task_type() is
  'Refuses a type that is not configured, when the gateway writes it.';

create trigger "30_check_values"
  before insert on public.tasks
  for each row
  when (new.type is not null)
  execute function private.check_task_type();

create trigger "30_check_values_changed"
  before update of type on public.tasks
  for each row
  when (new.type is not null and old.type is distinct from new.type)
  execute function private.check_task_type();

create function private.check_note_status()
returns trigger
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  if coalesce(current_setting('portico.request_id', true), '') <> '' and not private.is_restoring()
  then
    perform private.require_configured(new.workspace_id, 'noteStatuses', 'status', new.status);
  end if;
  return new;
end
$$;
comment on function private.check_note_status() is
  'Refuses a status that is not configured, when the gateway writes it.';

create trigger "30_check_values"
  before insert on public.contact_notes
  for each row
  when (new.status is not null)
  execute function private.check_note_status();

create trigger "30_check_values_changed"
  before update of status on public.contact_notes
  for each row
  when (new.status is not null and old.status is distinct from new.status)
  execute function private.check_note_status();

create function private.touch_contact(contact_id bigint, seen_at timestamptz, status text)
returns void
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  caller_workspace constant uuid := private.workspace_id();
begin
  if touch_contact.status is not null then
    perform private.require_configured(
      caller_workspace, 'noteStatuses', 'contact_status', touch_contact.status
    );
  end if;
  -- greatest() passes over nulls.
  update public.contacts c
  set
    last_seen = greatest(c.last_seen, touch_contact.seen_at),
    status = coalesce(touch_contact.status, c.status)
  where c.workspace_id = caller_workspace
    and c.id = touch_contact.contact_id;
end
$$;
comment on function private.touch_contact(bigint, timestamptz, text) is
  'Moves last_seen of a contact of the caller''s workspace forward, and sets its status when one is given.';

revoke all on function
  private.check_task_type(),
  private.check_note_status(),
  private.touch_contact(bigint, timestamptz, text)
  from public;
grant execute on function private.touch_contact(bigint, timestamptz, text) to authenticated;
