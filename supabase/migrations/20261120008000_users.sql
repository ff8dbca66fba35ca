-- Members as the API shows them, invitations that can be repeated, and the end of a user's sessions.
--
-- Views      members: sales with status and a search vector.
-- Functions  private.pending_user_ids(): who was invited and has not signed in yet.
--            private.end_sessions(user_id): signs a member out everywhere; for admins.
-- Triggers   10_guard_invitation: an invitation never carries the id of an existing user.
--
-- An invitation is written first, under the id that the auth user then gets; while a request is at
-- work on it, claimed_until keeps others away; completed_at says that its mail has gone out. What
-- breaks off in between is found by the same request sent again. A withdrawn invitation is kept, so
-- that withdrawing it again can be answered.

alter table public.invitations
  add column claimed_until timestamptz,
  add column completed_at timestamptz,
  add column withdrawn_at timestamptz,
  add column member_id bigint;
comment on column public.invitations.claimed_until is 'Until when one request alone works on the invitation.';
comment on column public.invitations.completed_at is 'When the invitation was carried out to its end.';
comment on column public.invitations.withdrawn_at is 'When it was taken back, before anybody had joined by it.';
comment on column public.invitations.member_id is 'The id that the member had when it was withdrawn.';

drop index public.uq__invitations__workspace_id__email__open;
create unique index uq__invitations__workspace_id__email__open
  on public.invitations (workspace_id, email)
  where accepted_at is null and withdrawn_at is null;
create index ix__invitations__workspace_id__member_id
  on public.invitations (workspace_id, member_id)
  where withdrawn_at is not null;

-- An auth user who owns nothing may be deleted, and the member goes along. One who owns records
-- may not: the foreign keys of the records refuse it.
alter table public.sales
  drop constraint sales_user_id_fkey,
  add constraint sales_user_id_fkey foreign key (user_id)
    references auth.users (id) on delete cascade;

-- Users are created, and taken back, by the id of their invitation: it must be nobody else's.
create function private.guard_invitation()
returns trigger
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  if auth.uid() is null then
    return new;
  end if;
  if exists (select from auth.users u where u.id = new.id)
    and (tg_op = 'INSERT' or new.id <> old.id)
  then
    raise exception using
      errcode = 'PT403',
      message = 'An invitation cannot have the id of an existing user. Leave the id out.',
      detail = 'member_identity_fixed';
  end if;
  return new;
end
$$;
comment on function private.guard_invitation() is
  'Refuses invitations under the id of somebody who exists already.';

create trigger "10_guard_invitation"
  before insert or update of id on public.invitations
  for each row
  execute function private.guard_invitation();

create function private.pending_user_ids()
returns setof uuid
language sql stable security definer
set search_path = ''
as $$
  select id
  from public.invitations
  where workspace_id = private.workspace_id() and accepted_at is null
$$;
comment on function private.pending_user_ids() is
  'Users of the caller''s workspace who were invited and have not signed in yet.';

create function private.end_sessions(user_id uuid)
returns void
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  if not private.is_admin() or not exists (
    select from public.sales s
    where s.user_id = end_sessions.user_id and s.workspace_id = private.workspace_id()
  ) then
    raise exception using
      errcode = 'PT403',
      message = 'Only an admin of the workspace may end a member''s sessions.',
      detail = 'admin_required';
  end if;
  delete from auth.sessions s where s.user_id = end_sessions.user_id;
  delete from auth.refresh_tokens t where t.user_id::text = end_sessions.user_id::text;
end
$$;
comment on function private.end_sessions(uuid) is
  'Signs a member of the caller''s workspace out everywhere; refresh tokens stop working at once.';

grant execute on function
  private.pending_user_ids(), private.end_sessions(uuid),
  private.search_vector(text, text, text, text), private.searchable(text)
  to authenticated, service_role;

create view public.members
with (security_invoker = on)
as
select
  s.id,
  s.user_id,
  s.email,
  s.first_name,
  s.last_name,
  s.avatar,
  s.role,
  s.administrator,
  s.disabled,
  case
    when s.disabled then 'disabled'
    when s.user_id in (select private.pending_user_ids()) then 'invited'
    else 'active'
  end as status,
  s.created_at,
  s.updated_at,
  -- The address whole as well: a query may hold it in one piece.
  private.search_vector(s.first_name || ' ' || s.last_name, s.email::text, null, null)
    || to_tsvector('pg_catalog.simple', s.email::text) as search
from public.sales s;
comment on view public.members is 'The members of the caller''s workspace with their status: active, invited or disabled.';

revoke all on public.members from anon, authenticated;
grant select on public.members to authenticated;
