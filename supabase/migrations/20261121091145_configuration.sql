-- Configuration: the settings of a workspace and their defaults.
--
-- Tables     configuration
-- Functions  private.default_configuration()            the defaults
--            private.configuration_value(stored, key)   one value; fast enough for triggers
--            private.effective_configuration(stored)    all values
--            private.require_configured(workspace_id, list, column_name, value)
-- Triggers   private.check_configured_value(column, list), for the tables of records
--
-- The default replaces a stored value of another JSON type, because clients of Atomic CRM may store
-- any value.
--
-- Errors
--   PT422 unknown_<column>   the configured list does not contain the value
--   PT409 admin_required     only admins change the configuration
--   PT422 invalid_value      a list of the configuration contains an item of another shape

create table public.configuration (
  workspace_id uuid not null references public.workspaces (id) on delete cascade,
  id integer not null default 1,
  config jsonb not null default '{}',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (workspace_id, id),
  constraint configuration_singleton check (id = 1),
  constraint configuration_config_object check (jsonb_typeof(config) = 'object'),
  constraint configuration_config_check check (char_length(config::text) <= 300000),
  constraint configuration_logos_check check (
    char_length(config ->> 'lightModeLogo') <= 22000
    and char_length(config ->> 'darkModeLogo') <= 22000
  )
);
comment on table public.configuration is
  'The settings of the frontend. One row per workspace, with id 1.';
comment on column public.configuration.workspace_id is 'The workspace of the settings.';
comment on column public.configuration.id is 'Always 1.';
comment on column public.configuration.config is
  'The stored settings. Defaults apply to missing settings.';
comment on column public.configuration.created_at is 'When the row was created.';
comment on column public.configuration.updated_at is
  'When the record last changed. Its entity tag is derived from this.';

alter table public.configuration enable row level security;
create policy "members read" on public.configuration for select to authenticated
  using (workspace_id = (select private.workspace_id()));
create policy "admins insert" on public.configuration for insert to authenticated
  with check (workspace_id = (select private.workspace_id()) and (select private.is_admin()));
create policy "members update" on public.configuration for update to authenticated
  using (workspace_id = (select private.workspace_id()))
  with check (workspace_id = (select private.workspace_id()) and (select private.is_admin()));
grant select, insert (id, config), update on public.configuration to authenticated;

create function private.guard_configuration()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  if not private.is_admin() then
    raise exception using
      errcode = 'PT409',
      message = 'Only an admin may change the settings. Ask an admin of your workspace.',
      detail = 'admin_required';
  end if;
  return new;
end
$$;
comment on function private.guard_configuration() is
  'Refuses changes of the configuration by members who are not admins.';

create trigger "05_guard_configuration"
  before insert or update on public.configuration
  for each row
  when (current_user = 'authenticated')
  execute function private.guard_configuration();

create trigger "10_set_workspace"
  before insert on public.configuration
  for each row
  when (new.workspace_id is null)
  execute function private.set_workspace();

create trigger "90_set_updated_at"
  before update on public.configuration
  for each row
  execute function private.set_updated_at();

call private.add_audit_triggers('configuration');

-- Defaults and stored values --------------------------------------------------------------------

create function private.default_configuration()
returns jsonb
language sql immutable parallel safe
set search_path = ''
as $$
  select '{
    "title": "CRM",
    "lightModeLogo": "",
    "darkModeLogo": "",
    "currency": "USD",
    "companySectors": [
      {"value": "agriculture", "label": "Agriculture"},
      {"value": "construction", "label": "Construction"},
      {"value": "consumer-goods", "label": "Consumer goods"},
      {"value": "education", "label": "Education"},
      {"value": "energy", "label": "Energy"},
      {"value": "finance", "label": "Finance"},
      {"value": "health-care", "label": "Health care"},
      {"value": "manufacturing", "label": "Manufacturing"},
      {"value": "media", "label": "Media"},
      {"value": "public-sector", "label": "Public sector"},
      {"value": "real-estate", "label": "Real estate"},
      {"value": "services", "label": "Services"},
      {"value": "technology", "label": "Technology"},
      {"value": "transport", "label": "Transport"},
      {"value": "other", "label": "Other"}
    ],
    "dealCategories": [
      {"value": "new-business", "label": "New business"},
      {"value": "expansion", "label": "Expansion"},
      {"value": "renewal", "label": "Renewal"},
      {"value": "project", "label": "Project"},
      {"value": "other", "label": "Other"}
    ],
    "dealStages": [
      {"value": "opportunity", "label": "Opportunity"},
      {"value": "proposal-sent", "label": "Proposal sent"},
      {"value": "in-negociation", "label": "In negotiation"},
      {"value": "won", "label": "Won"},
      {"value": "lost", "label": "Lost"},
      {"value": "delayed", "label": "Delayed"}
    ],
    "dealPipelineStatuses": ["won"],
    "closedStages": {"won": ["won"], "lost": ["lost"]},
    "noteStatuses": [
      {"value": "cold", "label": "Cold", "color": "#5b9bd5"},
      {"value": "warm", "label": "Warm", "color": "#e0b84c"},
      {"value": "hot", "label": "Hot", "color": "#d9604c"},
      {"value": "in-contract", "label": "In contract", "color": "#6bb36b"}
    ],
    "taskTypes": [
      {"value": "none", "label": "None"},
      {"value": "email", "label": "E-mail"},
      {"value": "demo", "label": "Demo"},
      {"value": "lunch", "label": "Lunch"},
      {"value": "meeting", "label": "Meeting"},
      {"value": "follow-up", "label": "Follow-up"},
      {"value": "thank-you", "label": "Thank you"},
      {"value": "ship", "label": "Ship"},
      {"value": "call", "label": "Call"}
    ]
  }'::jsonb
$$;
comment on function private.default_configuration() is 'Returns the default configuration.';

create function private.configuration_value(stored jsonb, key text)
returns jsonb
language plpgsql immutable parallel safe
set search_path = ''
as $$
declare
  fallback constant jsonb := private.default_configuration() -> key;
begin
  return case
    when jsonb_typeof(stored -> key) = jsonb_typeof(fallback) then stored -> key
    else fallback
  end;
end
$$;
comment on function private.configuration_value(jsonb, text) is
  'Returns one value of a stored configuration, or its default.';

create function private.allowed_values(list jsonb, allowed text[])
returns jsonb
language plpgsql immutable parallel safe
set search_path = ''
as $$
begin
  return (
    select coalesce(jsonb_agg(item.value order by item.position), '[]')
    from jsonb_array_elements_text(
      case jsonb_typeof(list) when 'array' then list else '[]' end
    ) with ordinality as item (value, position)
    where item.value = any (allowed)
  );
end
$$;
comment on function private.allowed_values(jsonb, text[]) is
  'Returns the list without values that are not allowed.';

create function private.effective_configuration(stored jsonb)
returns jsonb
language plpgsql immutable parallel safe security definer
set search_path = ''
as $$
declare
  defaults constant jsonb := private.default_configuration();
  effective constant jsonb := defaults || (
    select coalesce(jsonb_object_agg(entry.key, entry.value), '{}')
    from jsonb_each(stored) as entry
    where jsonb_typeof(entry.value) <> 'null'
      and (
        not defaults ? entry.key
        or jsonb_typeof(entry.value) = jsonb_typeof(defaults -> entry.key)
      )
  );
  stages constant text[] := array(
    select stage ->> 'value' from jsonb_array_elements(effective -> 'dealStages') as stage
  );
  closed constant jsonb := effective -> 'closedStages';
begin
  return effective || jsonb_build_object(
    'dealPipelineStatuses', private.allowed_values(effective -> 'dealPipelineStatuses', stages),
    'closedStages', jsonb_build_object(
      'won', private.allowed_values(closed -> 'won', stages),
      'lost', private.allowed_values(closed -> 'lost', stages)
    )
  );
end
$$;
comment on function private.effective_configuration(jsonb) is
  'Returns the stored configuration with defaults for missing values. Removes unknown stages from '
  'dealPipelineStatuses and closedStages.';
grant execute on function private.effective_configuration(jsonb) to authenticated;

-- A list may have any length and the items further fields. But each item that is stored must have
-- the fields that clients and triggers read.
create function private.configuration_fault(config jsonb)
returns text
language plpgsql immutable parallel safe
set search_path = ''
as $$
declare
  list text;
begin
  foreach list in array array[
    'companySectors', 'dealCategories', 'dealStages', 'noteStatuses', 'taskTypes'
  ]
  loop
    if jsonb_typeof(config -> list) = 'array' and exists (
      select from jsonb_array_elements(config -> list) as item
      where jsonb_typeof(item -> 'value') is distinct from 'string'
        or jsonb_typeof(item -> 'label') is distinct from 'string'
        or char_length(item ->> 'value') not between 1 and 500
    ) then
      return format('Every item of %s needs a value and a label, as texts.', list);
    end if;
  end loop;
  if config -> 'dealStages' = '[]' then
    return 'The list dealStages needs at least one item.';
  end if;
  if exists (
    select from (
      values
        (config -> 'dealPipelineStatuses'),
        (config #> '{closedStages,won}'),
        (config #> '{closedStages,lost}')
    ) as lists (stages)
    where jsonb_typeof(stages) <> 'null'
      and (
        jsonb_typeof(stages) <> 'array'
        or jsonb_path_exists(stages, '$[*] ? (@.type() != "string")')
      )
  ) then
    return 'The won, lost and pipeline stages are lists of texts.';
  end if;
  return null;
end
$$;
comment on function private.configuration_fault(jsonb) is
  'Returns a sentence that says why a configuration is refused. Null when it is valid.';
grant execute on function private.configuration_fault(jsonb) to authenticated, service_role;

create function private.refuse_configuration()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  raise exception using
    errcode = 'PT422',
    message = private.configuration_fault(new.config),
    detail = 'invalid_value',
    column = 'config';
end
$$;
comment on function private.refuse_configuration() is 'Refuses a configuration, and says why.';

create trigger "30_check_configuration"
  before insert or update of config on public.configuration
  for each row
  when (private.configuration_fault(new.config) is not null)
  execute function private.refuse_configuration();

-- Configured values of records ------------------------------------------------------------------

-- The gateway only accepts configured stages, categories, types and statuses. The Data API accepts
-- any, because imports of Atomic CRM contain older values. Such a value remains until it is
-- changed.
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
  -- The lock keeps the value from being removed from the configuration meanwhile.
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
        when allowed = '{}' then format('The configuration has no %s. Add values first.', list)
        else format('Use one of: %s.', array_to_string(allowed, ', '))
      end,
      detail = 'unknown_' || column_name,
      column = column_name;
  end if;
end
$$;
comment on function private.require_configured(uuid, text, text, text) is
  'Raises unknown_<column> when a list of the configuration of the workspace lacks the value.';

create function private.check_configured_value()
returns trigger
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  column_name constant text := tg_argv[0];
  list constant text := tg_argv[1];
begin
  if coalesce(current_setting('portico.request_id', true), '') <> '' and not private.is_restoring()
  then
    perform private.require_configured(
      new.workspace_id, list, column_name, to_jsonb(new) ->> column_name
    );
  end if;
  return new;
end
$$;
comment on function private.check_configured_value() is
  'Refuses a value from the gateway that is not configured. Arguments: column, list.';
