-- Merges of contacts: what moved, kept so that a repeated merge is answered as the first time.
--
-- Tables     private.contact_merges
-- Functions  private.record_contact_merge(winner_id, loser_ids, moved) returns uuid
--            private.find_contact_merge(winner_id, loser_ids) returns jsonb
--
-- The merge itself is the gateway's, under the caller's own rights; these two functions only note
-- and find it, for the caller's workspace alone.

create table private.contact_merges (
  id uuid primary key default gen_random_uuid(),
  workspace_id uuid not null references public.workspaces (id) on delete cascade,
  winner_id bigint not null,
  loser_ids bigint[] not null,
  moved jsonb not null,
  merged_by bigint not null,
  merged_at timestamptz not null default now()
);
create index ix__contact_merges__workspace_id__winner_id
  on private.contact_merges (workspace_id, winner_id, merged_at desc);
comment on table private.contact_merges is 'One row per merge of contacts.';
comment on column private.contact_merges.moved is 'Number of rows that moved to the winner, by table.';

alter table private.contact_merges enable row level security;
create policy "service role only" on private.contact_merges for all to service_role
  using (true)
  with check (true);
revoke all on private.contact_merges from anon, authenticated;
grant all on private.contact_merges to service_role;

create function private.merged_directly(p_winner_id bigint, p_loser_ids bigint[])
returns boolean
language sql stable security definer
set search_path = ''
as $$
  select not exists (
    select
    from unnest(p_loser_ids) as loser (id)
    where not exists (
      select
      from private.trash t
      where t.workspace_id = (select private.workspace_id())
        and t.table_name = 'contacts'
        and t.record_id = loser.id
        and t.merged_into = p_winner_id
    )
  )
$$;
comment on function private.merged_directly(bigint, bigint[]) is
  'Whether all of these contacts went into this one.';

create function private.record_contact_merge(p_winner_id bigint, p_loser_ids bigint[], p_moved jsonb)
returns uuid
language sql volatile security definer
set search_path = ''
as $$
  insert into private.contact_merges (workspace_id, winner_id, loser_ids, moved, merged_by)
  select private.workspace_id(), p_winner_id, p_loser_ids, p_moved, private.member_id()
  where private.merged_directly(p_winner_id, p_loser_ids)
  returning id
$$;
comment on function private.record_contact_merge(bigint, bigint[], jsonb) is
  'Notes a merge whose losers are in the trash already; returns its id.';

create function private.find_contact_merge(p_winner_id bigint, p_loser_ids bigint[])
returns jsonb
language sql stable security definer
set search_path = ''
as $$
  select jsonb_build_object('merge_id', m.id, 'moved', m.moved)
  from private.contact_merges m
  where m.workspace_id = (select private.workspace_id())
    and m.winner_id = p_winner_id
    and m.loser_ids operator(pg_catalog.&&) p_loser_ids
    and private.merged_directly(p_winner_id, p_loser_ids)
  order by
    m.loser_ids operator(pg_catalog.@>) p_loser_ids
      and m.loser_ids operator(pg_catalog.<@) p_loser_ids desc,
    m.merged_at desc
  limit 1
$$;
comment on function private.find_contact_merge(bigint, bigint[]) is
  'The merge of these contacts into this one, or else the latest of any of them, when all went there; else null.';

revoke all on function
  private.merged_directly(bigint, bigint[]),
  private.record_contact_merge(bigint, bigint[], jsonb),
  private.find_contact_merge(bigint, bigint[])
  from public;
grant execute on function
  private.record_contact_merge(bigint, bigint[], jsonb),
  private.find_contact_merge(bigint, bigint[])
  to authenticated;
