-- API keys: credentials of programs. Each key is a member of its own.
--
-- Tables     api_keys; gateway.api_key_secrets, which no role may use directly
-- Views      api_keys_summary: the keys with their state and what may be shown of their secrets
-- Functions  private.add_api_key_secret(key_id, hash, hint, old_expires_at)  for callers of the gateway
--            private.api_key_secrets(key_id)       the secrets of a key, without their hashes
--            private.key_maker(member_id)          the member who made a key
--            gateway.api_key_member(hash)          the member of a secret, for the gateway
--            gateway.use_api_key(hash)             the same, and notes the time
--
-- A key has the id of its member. Triggers create the member with the key, keep its name and role
-- equal to the key's, and disable it when the key is deleted. The member stays, because records and
-- the log name it. The secrets stay with the member, so that a revoked secret is told from an unknown
-- one. A deleted key never returns: an undo finds that it was purged.
--
-- Errors
--   PT409 admin_required   only admins make keys and give them secrets

create table public.api_keys (
  id bigint primary key,
  workspace_id uuid not null references public.workspaces (id) on delete cascade,
  name text not null,
  role text not null default 'rep',
  scopes jsonb,
  expires_at timestamptz,
  rotated_at timestamptz,
  created_by bigint,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint api_keys_workspace_id_id_key unique (workspace_id, id),
  constraint api_keys_id_fkey foreign key (workspace_id, id)
    references public.sales (workspace_id, id) on delete cascade,
  constraint api_keys_created_by_fkey foreign key (workspace_id, created_by)
    references public.sales (workspace_id, id) on delete set null (created_by),
  constraint api_keys_name_check check (char_length(name) between 1 and 500),
  constraint api_keys_role_check check (role in ('admin', 'manager', 'rep')),
  constraint api_keys_scopes_check check (
    jsonb_typeof(scopes) = 'array' and jsonb_array_length(scopes) <= 200
  ),
  constraint api_keys_expires_at_check check (
    expires_at between '0001-01-01 00:00:00Z' and '9999-12-31 23:59:59.999999Z'
  ),
  constraint api_keys_rotated_at_check check (
    rotated_at between '0001-01-01 00:00:00Z' and '9999-12-31 23:59:59.999999Z'
  )
);
comment on table public.api_keys is 'API keys of programs. Each key is a member of its own.';
comment on column public.api_keys.id is 'The member of the key.';
comment on column public.api_keys.workspace_id is 'The workspace that the key belongs to.';
comment on column public.api_keys.name is 'Name of the key, which is the last name of its member.';
comment on column public.api_keys.role is 'admin, manager or rep.';
comment on column public.api_keys.scopes is
  'The groups of operations that the key may call. Null: all that are open to keys.';
comment on column public.api_keys.expires_at is 'When the key ends. Null: never.';
comment on column public.api_keys.rotated_at is 'When the key got its present secret by a rotation.';
comment on column public.api_keys.created_by is 'The member who made the key.';
comment on column public.api_keys.created_at is 'When the key was made.';
comment on column public.api_keys.updated_at is
  'When the record last changed. Its entity tag is derived from this.';

create index ix__api_keys__workspace_id__created_by on public.api_keys (workspace_id, created_by);

alter table public.api_keys enable row level security;
create policy "admins read" on public.api_keys for select to authenticated
  using (workspace_id = (select private.workspace_id()) and (select private.manages_members()));
create policy "admins insert" on public.api_keys for insert to authenticated
  with check (
    workspace_id = (select private.workspace_id()) and (select private.manages_members())
  );
create policy "admins update" on public.api_keys for update to authenticated
  using (workspace_id = (select private.workspace_id()) and (select private.manages_members()))
  with check (
    workspace_id = (select private.workspace_id()) and (select private.manages_members())
  );
create policy "admins delete" on public.api_keys for delete to authenticated
  using (workspace_id = (select private.workspace_id()) and (select private.manages_members()));
grant select, update, delete on public.api_keys to authenticated;

call private.add_identity_triggers('api_keys');

create trigger "10_set_workspace"
  before insert on public.api_keys
  for each row
  when (new.workspace_id is null)
  execute function private.set_workspace();

create function private.create_key_member()
returns trigger
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  key_user constant uuid := gen_random_uuid();
begin
  if auth.uid() is not null and not private.manages_members() then
    raise exception using
      errcode = 'PT409',
      message = 'Only an admin may make an API key. Ask an admin of your workspace.',
      detail = 'admin_required';
  end if;
  -- Nobody gets mail under .invalid (RFC 2606).
  insert into public.sales (first_name, last_name, email, user_id, workspace_id, role, kind)
  values (
    'Key', new.name, format('key-%s@key.invalid', key_user), key_user, new.workspace_id, new.role,
    'key'
  )
  returning id into new.id;
  new.created_by := coalesce(new.created_by, private.member_id());
  return new;
end
$$;
comment on function private.create_key_member() is 'Creates the member of a new key.';

create trigger "20_create_key_member"
  before insert on public.api_keys
  for each row
  execute function private.create_key_member();

create function private.keep_maker()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  new.created_by := old.created_by;
  return new;
end
$$;
comment on function private.keep_maker() is 'Keeps created_by, whatever a caller sends.';

create trigger "20_keep_maker"
  before update on public.api_keys
  for each row
  when (current_user = 'authenticated')
  execute function private.keep_maker();

create function private.sync_key_member()
returns trigger
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  if tg_op = 'UPDATE' then
    update public.sales s set last_name = new.name, role = new.role where s.id = new.id;
  -- Deleting a workspace deletes its members.
  elsif exists (select from public.workspaces w where w.id = old.workspace_id) then
    update public.sales s set disabled = true where s.id = old.id;
  end if;
  return null;
end
$$;
comment on function private.sync_key_member() is
  'Gives the member of a key its name and role. Disables the member of a deleted key.';

create trigger "30_sync_key_member"
  after update of name, role on public.api_keys
  for each row
  when ((old.name, old.role) is distinct from (new.name, new.role))
  execute function private.sync_key_member();

create trigger "30_disable_key_member"
  after delete on public.api_keys
  for each row
  execute function private.sync_key_member();

create trigger "90_set_updated_at"
  before update on public.api_keys
  for each row
  execute function private.set_updated_at();

call private.add_audit_triggers('api_keys');

-- Secrets ---------------------------------------------------------------------------------------

-- A secret has 256 random bits, so its SHA-256 cannot be guessed, and a slow hash would protect
-- nothing more. It would cost its time with every request.
create table gateway.api_key_secrets (
  hash bytea primary key,
  member_id bigint not null references public.sales (id) on delete cascade,
  hint text not null,
  created_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz,
  last_used_at timestamptz,
  constraint api_key_secrets_hash_check check (octet_length(hash) = 32),
  constraint api_key_secrets_hint_check check (char_length(hint) <= 20)
);
comment on table gateway.api_key_secrets is
  'The secrets of API keys, as hashes. Only functions read and write it.';
comment on column gateway.api_key_secrets.hash is 'SHA-256 of the secret.';
comment on column gateway.api_key_secrets.member_id is 'The member of the key.';
comment on column gateway.api_key_secrets.hint is 'The first characters, by which people know it.';
comment on column gateway.api_key_secrets.created_at is 'When the secret was made.';
comment on column gateway.api_key_secrets.expires_at is
  'When the secret ends, because a newer one replaces it. Null: with its key.';
comment on column gateway.api_key_secrets.last_used_at is
  'When the secret was last used, to the minute. Null: never.';

create index ix__api_key_secrets__member_id on gateway.api_key_secrets (member_id);

alter table gateway.api_key_secrets enable row level security;
create policy "through functions only" on gateway.api_key_secrets for select to portico_gateway
  using (false);

create function private.add_api_key_secret(
  p_key_id bigint,
  p_hash text,
  p_hint text,
  p_old_expires_at timestamptz
)
returns void
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  if not private.manages_members() or not exists (
    select from public.api_keys k
    where k.workspace_id = (select private.workspace_id()) and k.id = p_key_id
    for update
  ) then
    raise exception using
      errcode = 'PT409',
      message = 'Only an admin may give an API key a secret. Ask an admin of your workspace.',
      detail = 'admin_required';
  end if;
  update gateway.api_key_secrets x
  set expires_at = least(x.expires_at, p_old_expires_at)
  where x.member_id = p_key_id;
  insert into gateway.api_key_secrets (hash, member_id, hint)
  values (decode(p_hash, 'hex'), p_key_id, p_hint);
end
$$;
comment on function private.add_api_key_secret(bigint, text, text, timestamptz) is
  'Gives a key of the caller''s workspace a new secret. Its earlier ones end at the given time. For '
  'admins.';
grant execute on function private.add_api_key_secret(bigint, text, text, timestamptz)
  to authenticated;

create function private.api_key_secrets(p_key_id bigint)
returns table (last_used_at timestamptz, secrets jsonb)
language plpgsql stable security definer
set search_path = ''
as $$
begin
  return query
    select
      max(x.last_used_at),
      coalesce(
        jsonb_agg(
          jsonb_build_object(
            'hint', x.hint,
            'created_at', x.created_at,
            'expires_at', x.expires_at,
            'last_used_at', x.last_used_at
          )
          order by x.created_at desc
        ) filter (where x.expires_at is null or x.expires_at > now()),
        '[]'
      )
    from gateway.api_key_secrets x
    join public.sales s on s.id = x.member_id
    where x.member_id = p_key_id
      and s.workspace_id = (select private.workspace_id())
      and (select private.manages_members());
end
$$;
comment on function private.api_key_secrets(bigint) is
  'Returns when a key of the caller''s workspace was last used, and its present secrets: [{"hint", '
  '"created_at", "expires_at", "last_used_at"}]. Empty for other callers than admins.';
grant execute on function private.api_key_secrets(bigint) to authenticated;

create view public.api_keys_summary
with (security_invoker = on)
as
select
  k.id,
  k.name,
  k.role,
  k.scopes,
  k.expires_at,
  case when k.expires_at <= now() then 'expired' else 'active' end as status,
  used.last_used_at,
  used.secrets,
  k.rotated_at,
  k.created_by,
  k.created_at,
  k.updated_at
from public.api_keys k
cross join lateral private.api_key_secrets(k.id) as used;
comment on view public.api_keys_summary is
  'The API keys with their status, active or expired, and what may be shown of their secrets.';
grant select on public.api_keys_summary to authenticated;

create function private.key_maker(p_member_id bigint)
returns json
language plpgsql stable security definer
set search_path = ''
as $$
begin
  return (
    select json_build_object(
      'id', maker.id, 'first_name', maker.first_name, 'last_name', maker.last_name
    )
    from public.api_keys k
    join public.sales maker on maker.id = k.created_by
    where k.id = p_member_id and k.workspace_id = (select private.workspace_id())
  );
end
$$;
comment on function private.key_maker(bigint) is
  'Returns the member who made a key of the caller''s workspace: {"id", "first_name", "last_name"}. '
  'Null for a user and for a revoked key.';
grant execute on function private.key_maker(bigint) to authenticated;

create function gateway.api_key_member(p_hash text)
returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
begin
  return (
    select jsonb_build_object(
      'id', s.id,
      'workspace_id', s.workspace_id,
      'role', s.role,
      'disabled', s.disabled,
      'email', s.email,
      'kind', s.kind,
      'user_id', s.user_id,
      'key_status', case
        when k.id is null then 'revoked'
        when least(k.expires_at, x.expires_at) <= now() then 'expired'
        else 'active'
      end,
      'scopes', k.scopes
    )
    from gateway.api_key_secrets x
    join public.sales s on s.id = x.member_id
    left join public.api_keys k on k.id = s.id
    where x.hash = decode(p_hash, 'hex')
  );
end
$$;
comment on function gateway.api_key_member(text) is
  'Returns the member of the secret with this SHA-256 in hexadecimal, with the status and the scopes '
  'of its key. Null when no key has the secret.';
grant execute on function gateway.api_key_member(text) to portico_gateway;

create function gateway.use_api_key(p_hash text)
returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  member constant jsonb := gateway.api_key_member(p_hash);
begin
  if member ->> 'key_status' = 'active' then
    update gateway.api_key_secrets x
    set last_used_at = now()
    where x.hash = decode(p_hash, 'hex')
      and (x.last_used_at is null or x.last_used_at < now() - interval '1 minute');
  end if;
  return member;
end
$$;
comment on function gateway.use_api_key(text) is
  'Returns the member of a secret as gateway.api_key_member does, and notes that it was used.';
grant execute on function gateway.use_api_key(text) to portico_gateway;
