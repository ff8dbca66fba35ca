-- The gateway's own tables and its view of the caller. Only portico_gateway uses them.
--
-- Tables     gateway.idempotency_keys   answers kept for repeated requests with the same Idempotency-Key
--            gateway.rate_limits        fixed windows; unlogged, since losing them in a crash is harmless
-- Functions  gateway.membership(user_id): the member row behind a token, disabled or not
--            gateway.take_idempotency_key(user_id, idempotency_key, operation, fingerprint, lease)
--            gateway.lease_requests(key, size, quota, window_seconds)
--
-- The last two run with the rights of the gateway's role, which may use its own tables and no others.

create table gateway.idempotency_keys (
  user_id uuid not null,
  idempotency_key text not null,
  operation text not null,
  fingerprint text not null,
  status integer,
  headers jsonb,
  body text,
  locked_until timestamptz,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null default now() + interval '24 hours',
  primary key (user_id, idempotency_key),
  constraint idempotency_keys_key_length check (char_length(idempotency_key) between 1 and 255),
  constraint idempotency_keys_status_check check (status between 100 and 599)
);
comment on table gateway.idempotency_keys is
  'One row per Idempotency-Key of a user: in flight, or with its answer.';
comment on column gateway.idempotency_keys.user_id is 'Whose key it is.';
comment on column gateway.idempotency_keys.idempotency_key is 'As the request sent it.';
comment on column gateway.idempotency_keys.operation is 'The operation that was asked for.';
comment on column gateway.idempotency_keys.fingerprint is
  'Of the request: another one under the same key is refused.';
comment on column gateway.idempotency_keys.status is 'Null while the request is in flight.';
comment on column gateway.idempotency_keys.headers is 'Headers of the answer that are repeated.';
comment on column gateway.idempotency_keys.body is 'Body of the answer.';
comment on column gateway.idempotency_keys.locked_until is
  'After this an unanswered request counts as lost.';
comment on column gateway.idempotency_keys.created_at is 'When the key was first used.';
comment on column gateway.idempotency_keys.expires_at is 'When the key is forgotten.';

create unlogged table gateway.rate_limits (
  key text primary key,
  window_start timestamptz not null,
  used integer not null default 0
);
comment on table gateway.rate_limits is 'What each key has used up in its current window.';
comment on column gateway.rate_limits.key is 'Who is limited: a user, or an address.';
comment on column gateway.rate_limits.window_start is 'When the current window began.';
comment on column gateway.rate_limits.used is
  'Requests that the window has taken, also beyond the quota.';

create index ix__idempotency_keys__expires_at on gateway.idempotency_keys (expires_at);
create index ix__rate_limits__window_start on gateway.rate_limits (window_start);

alter table gateway.idempotency_keys enable row level security;
create policy "gateway only" on gateway.idempotency_keys for all to portico_gateway
  using (true)
  with check (true);

alter table gateway.rate_limits enable row level security;
create policy "gateway only" on gateway.rate_limits for all to portico_gateway
  using (true)
  with check (true);

grant select, insert, update, delete on gateway.idempotency_keys, gateway.rate_limits
  to portico_gateway;

create function gateway.membership(user_id uuid)
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
      'first_name', s.first_name,
      'last_name', s.last_name
    )
    from public.sales s
    where s.user_id = membership.user_id
  );
end
$$;
comment on function gateway.membership(uuid) is
  'The member row of a user, also of a disabled one, so that the gateway can say why it refuses.';
grant execute on function gateway.membership(uuid) to portico_gateway;

create function gateway.take_idempotency_key(
  p_user_id uuid,
  p_idempotency_key text,
  p_operation text,
  p_fingerprint text,
  p_lease boolean
)
returns table (
  first boolean,
  locked boolean,
  operation text,
  fingerprint text,
  status integer,
  headers jsonb,
  body text
)
language plpgsql volatile
set search_path = ''
as $$
begin
  -- Held until the end of the transaction: who finds it taken knows that the first is in flight.
  if not pg_catalog.pg_try_advisory_xact_lock(
    pg_catalog.hashtextextended(p_user_id::text || ' ' || p_idempotency_key, 0)
  ) then
    return query select
      false, true, null::text, null::text, null::integer, null::jsonb, null::text;
    return;
  end if;

  -- A saga that died with its isolate frees its key when the lease has run out.
  delete from gateway.idempotency_keys k
  where k.user_id = p_user_id
    and k.idempotency_key = p_idempotency_key
    and (k.expires_at < now() or (k.status is null and k.locked_until < now()));

  insert into gateway.idempotency_keys (
    user_id, idempotency_key, operation, fingerprint, locked_until, expires_at
  )
  values (
    p_user_id,
    p_idempotency_key,
    p_operation,
    p_fingerprint,
    case when p_lease then now() + interval '1 minute' end,
    now() + interval '24 hours'
  )
  on conflict do nothing;
  if found then
    return query select
      true, false, null::text, null::text, null::integer, null::jsonb, null::text;
    return;
  end if;

  return query
  select false, false, k.operation, k.fingerprint, k.status, k.headers, k.body
  from gateway.idempotency_keys k
  where k.user_id = p_user_id
    and k.idempotency_key = p_idempotency_key;
end
$$;
comment on function gateway.take_idempotency_key(uuid, text, text, text, boolean) is
  'Takes a free key (first), reports that another transaction holds it (locked), or returns the stored answer.';
grant execute on function gateway.take_idempotency_key(uuid, text, text, text, boolean)
  to portico_gateway;

create function gateway.lease_requests(
  p_key text,
  p_size integer,
  p_quota integer,
  p_window_seconds integer
)
returns table (leased integer, remaining integer, ends double precision)
language sql volatile
set search_path = ''
as $$
  -- The count goes on beyond the quota: what was leased follows from the one row that is locked.
  with counted as (
    insert into gateway.rate_limits as r (key, window_start, used)
    values (
      p_key,
      to_timestamp(floor(extract(epoch from now()) / p_window_seconds) * p_window_seconds),
      p_size
    )
    on conflict (key) do update
    set
      used = case when r.window_start >= excluded.window_start then r.used else 0 end + p_size,
      window_start = greatest(r.window_start, excluded.window_start)
    returning used, window_start
  )
  select
    greatest(0, least(p_size, p_quota - (used - p_size))),
    greatest(0, p_quota - used),
    extract(epoch from window_start)::double precision + p_window_seconds
  from counted
$$;
comment on function gateway.lease_requests(text, integer, integer, integer) is
  'Takes at most p_size requests from the quota of a window; returns how many it took, how many are left, and when the window ends.';
grant execute on function gateway.lease_requests(text, integer, integer, integer)
  to portico_gateway;
