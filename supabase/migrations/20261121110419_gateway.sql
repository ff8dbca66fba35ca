-- Gateway: the tables of the API gateway. Only the role portico_gateway uses them.
--
-- Tables     gateway.idempotency_keys   answers to requests with an Idempotency-Key
--            gateway.rate_limits        requests per user and window; unlogged, because losing
--                                       them in a crash is harmless
-- Functions  gateway.membership(user_id): the member of a user, active or disabled
--            gateway.acquire_idempotency_key(user_id, idempotency_key, operation, fingerprint,
--            lease)
--            gateway.lease_requests(key, size, quota, window_seconds)
--
-- The last two functions run with the rights of portico_gateway.

-- Membership -------------------------------------------------------------------------------------

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
      'kind', s.kind,
      'key_status', case s.kind when 'key' then (
        select case when k.expires_at <= now() then 'expired' else 'active' end
        from public.api_keys k
        where k.id = s.id
      ) end
    )
    from public.sales s
    where s.user_id = membership.user_id
  );
end
$$;
comment on function gateway.membership(uuid) is
  'Returns the member of a user, also when it is disabled, so that the gateway can answer why it '
  'refuses a request. Null when there is none. The member of an API key has the status of the key, '
  'which is null when it was revoked.';
grant execute on function gateway.membership(uuid) to portico_gateway;

-- Idempotency keys -------------------------------------------------------------------------------

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
  'One row per user and Idempotency-Key, with the stored answer or the state in flight.';
comment on column gateway.idempotency_keys.user_id is 'The user who sent the key.';
comment on column gateway.idempotency_keys.idempotency_key is 'The value of the header.';
comment on column gateway.idempotency_keys.operation is 'The id of the requested operation.';
comment on column gateway.idempotency_keys.fingerprint is
  'Fingerprint of the request. A different request with the same key is refused.';
comment on column gateway.idempotency_keys.status is
  'HTTP status of the answer. Null while the request is in flight.';
comment on column gateway.idempotency_keys.headers is
  'Headers of the answer that a repeated request gets too.';
comment on column gateway.idempotency_keys.body is 'Body of the answer.';
comment on column gateway.idempotency_keys.locked_until is
  'The time after which an unanswered request is considered lost.';
comment on column gateway.idempotency_keys.created_at is 'When the key was first used.';
comment on column gateway.idempotency_keys.expires_at is 'When the key expires.';

create index ix__idempotency_keys__expires_at on gateway.idempotency_keys (expires_at);

alter table gateway.idempotency_keys enable row level security;
create policy "gateway only" on gateway.idempotency_keys for all to portico_gateway
  using (true)
  with check (true);
grant select, insert, update, delete on gateway.idempotency_keys to portico_gateway;

create function gateway.acquire_idempotency_key(
  p_user_id uuid,
  p_idempotency_key text,
  p_operation text,
  p_fingerprint text,
  p_lease boolean
)
returns table (
  acquired boolean,
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
  -- The lock lasts until the end of the transaction. While it is held, a request is in flight.
  if not pg_catalog.pg_try_advisory_xact_lock(
    pg_catalog.hashtextextended(p_user_id::text || ' ' || p_idempotency_key, 0)
  ) then
    return query select
      false, true, null::text, null::text, null::integer, null::jsonb, null::text;
    return;
  end if;

  -- An operation of several transactions that was aborted frees its key at the end of its lease.
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
comment on function gateway.acquire_idempotency_key(uuid, text, text, text, boolean) is
  'Inserts a free key (acquired), reports that another transaction holds the key (locked), or '
  'returns the stored request and answer.';
grant execute on function gateway.acquire_idempotency_key(uuid, text, text, text, boolean)
  to portico_gateway;

-- Rate limits ------------------------------------------------------------------------------------

create unlogged table gateway.rate_limits (
  key text primary key,
  window_start timestamptz not null,
  used integer not null default 0
);
comment on table gateway.rate_limits is 'Number of requests per key in the current window.';
comment on column gateway.rate_limits.key is 'The id of the user whose requests are counted.';
comment on column gateway.rate_limits.window_start is 'Start of the current window.';
comment on column gateway.rate_limits.used is
  'Number of leased requests in the window. It may exceed the quota.';

create index ix__rate_limits__window_start on gateway.rate_limits (window_start);

alter table gateway.rate_limits enable row level security;
create policy "gateway only" on gateway.rate_limits for all to portico_gateway
  using (true)
  with check (true);
grant select, insert, update, delete on gateway.rate_limits to portico_gateway;

create function gateway.lease_requests(
  p_key text,
  p_size integer,
  p_quota integer,
  p_window_seconds integer
)
returns table (leased integer, remaining integer, window_end double precision)
language sql volatile
set search_path = ''
as $$
  -- The count may exceed the quota, so that one statement locks the row, counts and leases.
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
  'Leases at most p_size requests from the quota of the current window. Returns the leased and the '
  'remaining requests, and the end of the window in Unix time (seconds).';
grant execute on function gateway.lease_requests(text, integer, integer, integer)
  to portico_gateway;
