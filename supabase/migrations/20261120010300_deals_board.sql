-- What the board and the lists of deals need: positions, which are no change of a deal, and indexes.
--
-- Tables     private.board_positions: the live deals in the order of their columns, kept by triggers
-- Functions  private.arrange_deals(stages, moved_id, moved_stage, neighbour_id, slot)
--            numbers columns of the caller's board anew, and puts one deal into its place
--            private.board_totals(), private.first_on_board(stage, most): the caller's board

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
create index ix__deals__workspace_id__board on public.deals (workspace_id, stage)
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

-- The columns of the board ----------------------------------------------------------------------

-- Deals themselves have no index that holds their positions (see above). These rows are narrow and have
-- one, so that the first deals of a column, and its sum, are read without its other deals.
create table private.board_positions (
  deal_id bigint primary key,
  workspace_id uuid not null,
  stage text not null,
  index smallint,
  amount bigint,
  constraint board_positions_deal_id_fkey foreign key (workspace_id, deal_id)
    references public.deals (workspace_id, id) on update cascade on delete cascade
);
create index ix__board_positions__workspace_id__deal_id
  on private.board_positions (workspace_id, deal_id);
create index ix__board_positions__workspace_id__stage
  on private.board_positions (workspace_id, stage, index, deal_id) include (amount);
comment on table private.board_positions is
  'Stage, position and amount of every deal that is not archived. Kept by triggers of deals.';
alter table private.board_positions enable row level security;
create policy "members read" on private.board_positions for select to authenticated
  using (workspace_id = (select private.workspace_id()));
revoke all on private.board_positions from anon, authenticated, service_role;

create function private.set_board_positions()
returns trigger
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  if tg_op = 'UPDATE' then
    delete from private.board_positions p
    using new_rows n
    where p.deal_id = n.id and n.archived_at is not null;
  end if;
  insert into private.board_positions as p (deal_id, workspace_id, stage, index, amount)
  select n.id, n.workspace_id, n.stage, n.index, n.amount
  from new_rows n
  where n.archived_at is null
  on conflict (deal_id) do update
  set stage = excluded.stage, index = excluded.index, amount = excluded.amount
  where (p.stage, p.index, p.amount) is distinct from
    (excluded.stage, excluded.index, excluded.amount);
  return null;
end
$$;
comment on function private.set_board_positions() is
  'Keeps the board in step with the deals that a statement writes.';

create trigger set_board_positions_inserted
  after insert on public.deals
  referencing new table as new_rows
  for each statement
  execute function private.set_board_positions();
create trigger set_board_positions_updated
  after update on public.deals
  referencing new table as new_rows
  for each statement
  execute function private.set_board_positions();

insert into private.board_positions (deal_id, workspace_id, stage, index, amount)
select d.id, d.workspace_id, d.stage, d.index, d.amount
from public.deals d
where d.archived_at is null;

create function private.board_totals()
returns table (stage text, count bigint, amount numeric)
language plpgsql stable security definer
set search_path = ''
as $$
declare
  caller_workspace constant uuid := private.workspace_id();
begin
  return query
    select p.stage, count(*), coalesce(sum(p.amount), 0)
    from private.board_positions p
    where p.workspace_id = caller_workspace
    group by p.stage;
end
$$;
comment on function private.board_totals() is
  'The stages of the caller''s live deals, with their number and the sum of their amounts.';

create function private.first_on_board(stage text, most integer)
returns setof bigint
language plpgsql stable security definer
set search_path = ''
as $$
declare
  caller_workspace constant uuid := private.workspace_id();
begin
  return query
    select p.deal_id
    from private.board_positions p
    where p.workspace_id = caller_workspace and p.stage = first_on_board.stage
    order by p.index, p.deal_id
    limit most;
end
$$;
comment on function private.first_on_board(text, integer) is
  'Ids of the caller''s first live deals of a stage, in their order.';

revoke all on function
  private.set_board_positions(), private.board_totals(), private.first_on_board(text, integer)
  from public;
grant execute on function private.board_totals(), private.first_on_board(text, integer)
  to authenticated;
