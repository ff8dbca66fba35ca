-- What the gateway asks of its own tables, one statement each.
--
-- Functions  gateway.take_idempotency_key(user_id, idempotency_key, operation, fingerprint, lease)
--            gateway.lease_requests(key, size, quota, window_seconds)
--
-- Both run with the rights of the gateway's role, which may use its own tables and no others.

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
  'Takes a free key (first), says that another transaction holds it (locked), or returns what is stored.';

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
  'Takes up to size requests out of the quota of a window: what was leased, what is left, and when it ends.';

revoke all on function
  gateway.take_idempotency_key(uuid, text, text, text, boolean),
  gateway.lease_requests(text, integer, integer, integer)
  from public, anon, authenticated;
grant execute on function
  gateway.take_idempotency_key(uuid, text, text, text, boolean),
  gateway.lease_requests(text, integer, integer, integer)
  to portico_gateway;
