-- Configuration: what a workspace has stored, over the defaults.
--
-- Tables     configuration
-- Functions  private.default_configuration()            what holds where nothing is stored
--            private.configuration_value(stored, key)   one key of it, cheap enough for triggers
--            private.effective_configuration(stored)    all of it
--            private.require_configured(workspace_id, list, column_name, value)
--
-- A stored value counts when it is of the default's type: Atomic CRM's clients store what they like,
-- and whoever reads it may rely on a list being a list.
--
-- Errors
--   PT422 unknown_<column>   a value is not among the configured ones, which the message names

create table public.configuration (
  workspace_id uuid not null references public.workspaces (id) on delete cascade,
  id integer not null default 1,
  config jsonb not null default '{}',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (workspace_id, id),
  constraint configuration_singleton check (id = 1),
  constraint configuration_config_object check (jsonb_typeof(config) = 'object')
);
comment on table public.configuration is
  'One row per workspace, always with id 1: the settings of the frontend.';
comment on column public.configuration.workspace_id is 'The workspace that the settings belong to.';
comment on column public.configuration.id is 'Always 1.';
comment on column public.configuration.config is
  'What the workspace has stored; defaults hold for the rest.';
comment on column public.configuration.created_at is 'When the row was created.';
comment on column public.configuration.updated_at is
  'Moves forward with every change of the record: its ETag.';

alter table public.configuration enable row level security;
create policy "members read" on public.configuration for select to authenticated
  using (workspace_id = (select private.workspace_id()));
create policy "admins insert" on public.configuration for insert to authenticated
  with check (workspace_id = (select private.workspace_id()) and (select private.is_admin()));
create policy "admins update" on public.configuration for update to authenticated
  using (workspace_id = (select private.workspace_id()) and (select private.is_admin()))
  with check (workspace_id = (select private.workspace_id()) and (select private.is_admin()));
grant select, insert, update on public.configuration to authenticated;

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

-- Defaults and what is stored -------------------------------------------------------------------

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
comment on function private.default_configuration() is
  'The configuration of a workspace that has stored none.';

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
  'One known key of a stored configuration, or its default.';

create function private.values_among(list jsonb, allowed text[])
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
comment on function private.values_among(jsonb, text[]) is
  'The list without the values that are not allowed.';

create function private.effective_configuration(stored jsonb)
returns jsonb
language plpgsql immutable parallel safe security definer
set search_path = ''
as $$
declare
  defaults constant jsonb := private.default_configuration();
  effective constant jsonb := defaults || (
    select coalesce(jsonb_object_agg(own.key, own.value), '{}')
    from jsonb_each(stored) as own
    where jsonb_typeof(own.value) = coalesce(jsonb_typeof(defaults -> own.key), jsonb_typeof(own.value))
      and jsonb_typeof(own.value) <> 'null'
  );
  stages constant text[] := array(
    select stage ->> 'value' from jsonb_array_elements(effective -> 'dealStages') as stage
  );
  closed constant jsonb := effective -> 'closedStages';
begin
  return effective || jsonb_build_object(
    'dealPipelineStatuses', private.values_among(effective -> 'dealPipelineStatuses', stages),
    'closedStages', jsonb_build_object(
      'won', private.values_among(closed -> 'won', stages),
      'lost', private.values_among(closed -> 'lost', stages)
    )
  );
end
$$;
comment on function private.effective_configuration(jsonb) is
  'A stored configuration over the defaults. Lists of stages name only stages that there are.';
grant execute on function private.effective_configuration(jsonb) to authenticated;

-- Values of records -----------------------------------------------------------------------------

-- Stages, categories, types and statuses are those of the configuration for the gateway's callers.
-- Rows that come through the Data API are left alone: Atomic CRM's clients choose from the same
-- lists, and its imports bring older values. Such values stay readable, and stay when others change.
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
