-- Deals have a closing date exactly while they are in a closed stage, whoever moves them there.
--
-- Closed are the stages that `closedStages` of the workspace's configuration names as won or lost.
-- A deal that enters one is closed now, unless the writer says when; leaving it clears the date.
-- When the configuration changes which stages are closed, the deals in them follow.
--
-- Errors
--   PT422 closing_date_required      a closed deal cannot lose its date
--   PT422 closing_date_not_allowed   an open deal cannot have one

alter table public.deals add column closed_at timestamptz;
comment on column public.deals.closed_at is
  'When the deal was won or lost; null while it is open. Kept by a trigger.';

-- Deals closed before there was a date: their last change is the best guess, and is not one itself.
alter table public.deals disable trigger user;
update public.deals set closed_at = updated_at where stage in ('won', 'lost');
alter table public.deals enable trigger user;

create function private.closed_stages(workspace_id uuid)
returns text[]
language plpgsql stable security definer
set search_path = ''
as $$
declare
  closed constant jsonb := private.configuration_value(
    (select c.config from public.configuration c where c.workspace_id = closed_stages.workspace_id),
    'closedStages'
  );
begin
  return array(
    select stage #>> '{}'
    from unnest(array['won', 'lost']) as outcome
    cross join lateral jsonb_path_query(closed -> outcome, '$[*]') as stage
  );
end
$$;
comment on function private.closed_stages(uuid) is 'The stages of a workspace in which a deal is won or lost.';

create function private.set_closed_at()
returns trigger
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  same_stage constant boolean := tg_op = 'UPDATE' and new.stage = old.stage;
  date_given constant boolean := new.closed_at is not null
    and (tg_op = 'INSERT' or new.closed_at is distinct from old.closed_at);
begin
  if new.stage = any (private.closed_stages(new.workspace_id)) then
    if same_stage and new.closed_at is null then
      raise exception using
        errcode = 'PT422',
        message = 'A deal that is won or lost needs a closing date. Send another one, or reopen the deal.',
        detail = 'closing_date_required',
        column = 'closed_at';
    end if;
    new.closed_at := coalesce(new.closed_at, now());
  elsif date_given and not private.is_restoring() then
    raise exception using
      errcode = 'PT422',
      message = 'Only a deal that is won or lost has a closing date. Leave closed_at out.',
      detail = 'closing_date_not_allowed',
      column = 'closed_at';
  else
    new.closed_at := null;
  end if;
  return new;
end
$$;
comment on function private.set_closed_at() is 'Keeps closed_at in step with the stage.';

create trigger "40_set_closed_at"
  before insert on public.deals
  for each row
  execute function private.set_closed_at();

create trigger "40_set_closed_at_changed"
  before update of stage, closed_at on public.deals
  for each row
  when (
    old.stage is distinct from new.stage
    or old.closed_at is distinct from new.closed_at
  )
  execute function private.set_closed_at();

create function private.sync_closed_at()
returns trigger
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  closed constant text[] := private.closed_stages(new.workspace_id);
  -- Deals in a stage that is gone keep their date: it goes with them to where they are moved.
  open constant text[] := array(
    select stage ->> 'value'
    from jsonb_array_elements(private.configuration_value(new.config, 'dealStages')) as stage
    where stage ->> 'value' <> all (closed)
  );
begin
  if (old.config -> 'closedStages', old.config -> 'dealStages')
    is not distinct from (new.config -> 'closedStages', new.config -> 'dealStages')
  then
    return null;
  end if;
  update public.deals d
  set closed_at = case when d.stage = any (closed) then d.updated_at end
  where d.workspace_id = new.workspace_id
    and (
      (d.closed_at is null and d.stage = any (closed))
      or (d.closed_at is not null and d.stage = any (open))
    );
  return null;
end
$$;
comment on function private.sync_closed_at() is
  'Gives and takes closing dates when the configuration changes which stages are closed.';

create trigger sync_closed_at
  after update of config on public.configuration
  for each row
  execute function private.sync_closed_at();

revoke all on function
  private.closed_stages(uuid), private.set_closed_at(), private.sync_closed_at()
  from public;
