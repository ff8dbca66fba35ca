-- Stage and category of deals are those of the workspace's configuration, for the gateway's callers.
--
-- Rows that come through the Data API are left alone: Atomic CRM's clients choose from the same lists,
-- and its imports bring older values. Such values stay readable, and stay when others change.
--
-- Errors
--   PT422 unknown_stage, unknown_category   not among the configured values, which the message names

create function private.require_configured(
  workspace_id uuid, list text, column_name text, value text
)
returns void
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  stored jsonb;
  allowed text[];
begin
  -- Locked, so that nobody takes the value out of the configuration at the same time.
  select c.config into stored
  from public.configuration c
  where c.workspace_id = require_configured.workspace_id
  for share;
  allowed := array(
    select item ->> 'value'
    from jsonb_array_elements(private.configuration_value(stored, list)) as item
    where item ->> 'value' is not null
  );
  if value <> all (allowed) then
    raise exception using
      errcode = 'PT422',
      message = case
        when allowed = '{}' then format('The configuration has no %s. Add it there first.', list)
        else format('Use one of: %s.', array_to_string(allowed, ', '))
      end,
      detail = 'unknown_' || column_name,
      column = column_name;
  end if;
end
$$;
comment on function private.require_configured(uuid, text, text, text) is
  'Refuses a value that a list of the workspace''s configuration does not hold.';

create function private.check_deal_values()
returns trigger
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  if coalesce(current_setting('portico.request_id', true), '') = '' or private.is_restoring() then
    return new;
  end if;
  if tg_op = 'INSERT' or new.stage is distinct from old.stage then
    perform private.require_configured(new.workspace_id, 'dealStages', 'stage', new.stage);
  end if;
  if tg_op = 'INSERT' or new.category is distinct from old.category then
    perform private.require_configured(
      new.workspace_id, 'dealCategories', 'category', new.category
    );
  end if;
  return new;
end
$$;
comment on function private.check_deal_values() is
  'Refuses stages and categories that are not configured, when the gateway writes them.';

create trigger "30_check_values"
  before insert on public.deals
  for each row
  execute function private.check_deal_values();

create trigger "30_check_values_changed"
  before update of stage, category on public.deals
  for each row
  when (old.stage is distinct from new.stage or old.category is distinct from new.category)
  execute function private.check_deal_values();

revoke all on function
  private.require_configured(uuid, text, text, text), private.check_deal_values()
  from public;
