-- The configuration that holds: what a workspace has stored, over the defaults.
--
-- Functions  private.default_configuration()            what holds where nothing is stored
--            private.configuration_value(stored, key)   one key of it, cheap enough for triggers
--            private.effective_configuration(stored)    all of it
--
-- A stored value counts when it is of the default's type: Atomic CRM's clients store what they like,
-- and whoever reads it may rely on a list being a list.

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
comment on function private.default_configuration() is 'The configuration of a workspace that has stored none.';

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
comment on function private.configuration_value(jsonb, text) is 'One known key of a stored configuration, or its default.';

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
comment on function private.values_among(jsonb, text[]) is 'The list without the values that are not allowed.';

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

revoke all on function
  private.default_configuration(),
  private.configuration_value(jsonb, text),
  private.values_among(jsonb, text[]),
  private.effective_configuration(jsonb)
  from public;
grant execute on function private.effective_configuration(jsonb) to authenticated;
