-- What the board and the lists of deals need: positions, which are no change of a deal, and indexes.
--
-- Functions  private.arrange_deals(stages, moved_id, moved_stage, neighbour_id, slot)
--            numbers columns of the caller's board anew, and puts one deal into its place

-- A move renumbers its neighbours. Their content is what it was, and so is their ETag.
create function private.set_deal_updated_at()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  old.index := new.index;
  if new *<> old then
    new.updated_at := greatest(clock_timestamp(), old.updated_at + interval '1 microsecond');
  end if;
  return new;
end
$$;
comment on function private.set_deal_updated_at() is
  'Moves updated_at strictly forward when anything but the position changed.';
revoke all on function private.set_deal_updated_at() from public;

drop trigger "90_set_updated_at" on public.deals;
create trigger "90_set_updated_at"
  before update on public.deals
  for each row
  execute function private.set_deal_updated_at();

comment on column public.deals.index is
  'Position within the column of its stage, from 0 without gaps; the last ones of a column with more than 32768 deals share theirs.';

-- Who calls it holds the workspace's board lock (see the gateway's api/deals/positions.ts), so that two
-- never number the same column at once.
--
-- It runs as the owner, in the caller's workspace alone, where every member may update deals, and is
-- planned for the workspace at hand: row-level security, and a plan for workspaces in general, would
-- offer the planner joins over a whole workspace or the whole table.
create function private.arrange_deals(
  stages text[], moved_id bigint, moved_stage text, neighbour_id bigint, slot numeric
)
returns void
language plpgsql volatile security definer
set search_path = ''
set plan_cache_mode = force_custom_plan
as $$
declare
  caller_workspace constant uuid := private.workspace_id();
begin
  with live as (
    select d.id, d.stage, d.index
    from public.deals d
    where d.workspace_id = caller_workspace
      and d.stage = any (stages)
      and d.archived_at is null
    order by d.id
    for no key update
  ),
  others as (
    select
      live.id,
      live.stage,
      row_number() over (partition by live.stage order by live.index, live.id) - 1 as rank
    from live
    where live.id is distinct from moved_id
  ),
  ranked as (
    select others.id, others.stage, others.rank::numeric from others
    union all
    -- Half a rank before or after another deal, where none stands.
    select
      live.id,
      moved_stage,
      slot + coalesce((select others.rank from others where others.id = neighbour_id), 0)
    from live
    where live.id = moved_id
  ),
  placed as (
    select
      ranked.id,
      ranked.stage,
      least(
        row_number() over (partition by ranked.stage order by ranked.rank) - 1, 32767
      )::smallint as index
    from ranked
  )
  update public.deals d
  set stage = placed.stage, index = placed.index
  from placed
  where d.id = placed.id
    and (d.stage, d.index) is distinct from (placed.stage, placed.index);
end
$$;
comment on function private.arrange_deals(text[], bigint, text, bigint, numeric) is
  'Numbers the caller''s live deals of these stages from 0; the moved one goes into its stage at slot, counted from the neighbour if there is one.';
revoke all on function private.arrange_deals(text[], bigint, text, bigint, numeric) from public;
grant execute on function private.arrange_deals(text[], bigint, text, bigint, numeric)
  to authenticated;

-- Amounts are exact for every client: JSON's numbers are, up to here.
alter table public.deals add constraint deals_amount_check
  check (amount between -9007199254740991 and 9007199254740991);

-- No index holds `index`, and pages keep room: so renumbering a column touches no index at all (a
-- heap-only update). A column is sorted when it is read.
alter table public.deals set (fillfactor = 70);
drop index public.ix__deals__workspace_id__stage;
create index ix__deals__workspace_id__stage on public.deals (workspace_id, stage, id);
create index ix__deals__workspace_id__board on public.deals (workspace_id, stage) include (amount)
  where archived_at is null;
create index ix__deals__workspace_id__updated_at
  on public.deals (workspace_id, updated_at desc nulls last, id desc);
create index ix__deals__workspace_id__name on public.deals (workspace_id, name, id);
create index ix__deals__workspace_id__amount
  on public.deals (workspace_id, amount desc nulls last, id desc);
create index ix__deals__workspace_id__expected_closing_date
  on public.deals (workspace_id, expected_closing_date, id);
create index ix__deals__workspace_id__closed_at
  on public.deals (workspace_id, closed_at desc nulls last, id desc);
