-- What RLS cannot say about members: which columns who may change, and that an active admin stays.
--
-- Errors
--   PT403 member_change_not_allowed   role, disabled and e-mail are for admins
--   PT403 member_identity_fixed       nobody changes id, user_id or workspace_id of a member
--   PT409 last_admin                  the last active admin is demoted, disabled or deleted
--
-- All but member_identity_fixed bind callers (auth.uid() is set), not the service role.

create function private.guard_member()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  if (new.id, new.user_id, new.workspace_id) is distinct from (old.id, old.user_id, old.workspace_id)
  then
    raise exception using
      errcode = 'PT403',
      message = 'A member''s id, user and workspace cannot be changed.',
      detail = 'member_identity_fixed';
  end if;
  if auth.uid() is not null and not private.is_admin()
    and (new.role, new.administrator, new.disabled, new.email::text)
      is distinct from (old.role, old.administrator, old.disabled, old.email::text)
  then
    raise exception using
      errcode = 'PT403',
      message = 'Only an admin may change a member''s role, e-mail or access. Ask an admin of your workspace.',
      detail = 'member_change_not_allowed';
  end if;
  return new;
end
$$;
comment on function private.guard_member() is
  'Refuses changes of a member''s identity, and changes of access by anybody but admins.';

create trigger "10_guard_member"
  before update on public.sales
  for each row
  execute function private.guard_member();

create function private.guard_last_admin()
returns trigger
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  if auth.uid() is null then
    return coalesce(new, old);
  end if;
  -- Two admins who demote each other at once meet at this lock; the second then counts anew.
  perform from public.workspaces where id = old.workspace_id for no key update;
  if not exists (
    select from public.sales
    where workspace_id = old.workspace_id
      and id <> old.id
      and role = 'admin'
      and not disabled
  ) then
    raise exception using
      errcode = 'PT409',
      message = 'This is the last active admin of the workspace. Make another member an admin first.',
      detail = 'last_admin';
  end if;
  return coalesce(new, old);
end
$$;
comment on function private.guard_last_admin() is
  'Keeps one active admin per workspace, also when several are changed at the same time.';

create trigger "30_guard_last_admin"
  before update on public.sales
  for each row
  when (old.role = 'admin' and not old.disabled and (new.role <> 'admin' or new.disabled))
  execute function private.guard_last_admin();

create trigger "30_guard_last_admin_delete"
  before delete on public.sales
  for each row
  when (old.role = 'admin' and not old.disabled)
  execute function private.guard_last_admin();

-- The lock above, and counting admins, find their rows by this.
create index ix__sales__workspace_id__admins on public.sales (workspace_id)
  where role = 'admin' and not disabled;
