-- Jobs: what is to be done at intervals, emptying the trash after 30 days, forgetting expired keys.
--
-- Functions  gateway.purge_trash(older_than, size), gateway.purge_idempotency_keys(size)
--
-- Each call does a limited part, so that no transaction is long, and returns {table: rows}; null when
-- another one is at the same work. pg_cron runs them where it exists; elsewhere a scheduler asks the
-- routes /jobs/* for them with the secret key.

create function gateway.purge_trash(p_older_than interval, p_size integer)
returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  if not pg_try_advisory_xact_lock(hashtextextended('portico purge_trash', 0)) then
    return null;
  end if;
  return private.purge_trash_rows(array(
    select t.id
    from private.trash t
    where t.deleted_at < now() - p_older_than
    order by t.deleted_at
    limit p_size
    for update skip locked
  ));
end
$$;
comment on function gateway.purge_trash(interval, integer) is
  'Deletes at most p_size rows for good that were trashed longer ago; returns {table: rows}, or null when another call is at it.';
grant execute on function gateway.purge_trash(interval, integer) to portico_gateway;

create function gateway.purge_idempotency_keys(p_size integer)
returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  keys integer;
  limits integer;
begin
  if not pg_try_advisory_xact_lock(hashtextextended('portico purge_idempotency_keys', 0)) then
    return null;
  end if;
  delete from gateway.idempotency_keys
  where ctid = any (array(
    select k.ctid from gateway.idempotency_keys k
    where k.expires_at < now()
    limit p_size
    for update skip locked
  ));
  get diagnostics keys = row_count;
  delete from gateway.rate_limits
  where ctid = any (array(
    select r.ctid from gateway.rate_limits r
    where r.window_start < now() - interval '1 hour'
    limit p_size
    for update skip locked
  ));
  get diagnostics limits = row_count;
  return jsonb_build_object('idempotency_keys', keys, 'rate_limits', limits);
end
$$;
comment on function gateway.purge_idempotency_keys(integer) is
  'Deletes at most p_size expired keys and old rate limits; returns {table: rows}, or null when another call is at it.';
grant execute on function gateway.purge_idempotency_keys(integer) to portico_gateway;

do $$
begin
  if not exists (select from pg_available_extensions where name = 'pg_cron') then
    return;
  end if;
  create extension if not exists pg_cron;
  perform cron.schedule(
    'portico purge_trash', '17 * * * *', $job$select gateway.purge_trash('30 days', 10000)$job$
  );
  perform cron.schedule(
    'portico purge_idempotency_keys', '47 * * * *', 'select gateway.purge_idempotency_keys(100000)'
  );
exception
  -- Present, but not loaded or not for this database: the routes do the work.
  when others then
    raise notice 'pg_cron is not used: %', sqlerrm;
end
$$;
