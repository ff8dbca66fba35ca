-- Jobs: purge the trash after 30 days, delete expired idempotency keys and rate limits, and add and
-- drop partitions of the log.
--
-- Functions  gateway.purge_trash(older_than, max_rows)
--            gateway.purge_idempotency_keys(max_rows)
--            gateway.add_log_partition(), gateway.drop_log_partition(older_than)
--
-- A call deletes a limited number of rows, so that its transaction is short. It returns
-- {table: rows}, or null while another call of the same job is running. pg_cron runs the jobs where
-- it is available. Elsewhere, a scheduler calls the routes /jobs/* with the secret key.

create function gateway.purge_trash(older_than interval, max_rows integer)
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
    where t.deleted_at < now() - older_than
    order by t.deleted_at
    limit max_rows
    for update skip locked
  ));
end
$$;
comment on function gateway.purge_trash(interval, integer) is
  'Permanently deletes at most max_rows rows of the trash that are older than the interval. '
  'Returns {table: rows}, or null while another call is running.';
grant execute on function gateway.purge_trash(interval, integer) to portico_gateway;

create function gateway.purge_idempotency_keys(max_rows integer)
returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  deleted_keys integer;
  deleted_limits integer;
begin
  if not pg_try_advisory_xact_lock(hashtextextended('portico purge_idempotency_keys', 0)) then
    return null;
  end if;
  delete from gateway.idempotency_keys
  where ctid = any (array(
    select k.ctid from gateway.idempotency_keys k
    where k.expires_at < now()
    limit max_rows
    for update skip locked
  ));
  get diagnostics deleted_keys = row_count;
  delete from gateway.rate_limits
  where ctid = any (array(
    select r.ctid from gateway.rate_limits r
    where r.window_start < now() - interval '1 hour'
    limit max_rows
    for update skip locked
  ));
  get diagnostics deleted_limits = row_count;
  return jsonb_build_object('idempotency_keys', deleted_keys, 'rate_limits', deleted_limits);
end
$$;
comment on function gateway.purge_idempotency_keys(integer) is
  'Deletes at most max_rows expired idempotency keys and at most max_rows old rate limits. Returns '
  '{table: rows}, or null while another call is running.';
grant execute on function gateway.purge_idempotency_keys(integer) to portico_gateway;

-- A partition is added and dropped under locks on whole tables. A request that holds one of these
-- tables and waits for another would be in a deadlock with the job, and PostgreSQL could end the
-- request. So a call changes one partition, and gives up when a lock takes longer than a tenth of
-- deadlock_timeout: the job ends before PostgreSQL looks for a deadlock.

create function gateway.add_log_partition()
returns jsonb
language plpgsql volatile security definer
set search_path = ''
set lock_timeout = '100ms'
as $$
declare
  changed text;
begin
  if pg_try_advisory_xact_lock(hashtextextended('portico log partitions', 0)) then
    changed := private.add_missing_log_partition((now() + interval '3 months')::date);
    return jsonb_build_object('log_partitions', num_nonnulls(changed));
  end if;
  return null;
exception
  when lock_not_available then
    return null;
end
$$;
comment on function gateway.add_log_partition() is
  'Adds the first missing partition of the next three months. Returns {"log_partitions": 0 or 1}, or '
  'null while another call is running or a table is in use.';
grant execute on function gateway.add_log_partition() to portico_gateway;

create function gateway.drop_log_partition(older_than interval)
returns jsonb
language plpgsql volatile security definer
set search_path = ''
set lock_timeout = '100ms'
as $$
declare
  changed text;
begin
  if pg_try_advisory_xact_lock(hashtextextended('portico log partitions', 0)) then
    changed := private.drop_oldest_log_partition(older_than);
    return jsonb_build_object('log_partitions', num_nonnulls(changed));
  end if;
  return null;
exception
  when lock_not_available then
    return null;
end
$$;
comment on function gateway.drop_log_partition(interval) is
  'Drops the oldest partition of the log whose entries are all older than the interval. Returns '
  '{"log_partitions": 0 or 1}, or null while another call is running or a table is in use.';
grant execute on function gateway.drop_log_partition(interval) to portico_gateway;

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
  perform cron.schedule(
    'portico add_log_partition', '7 * * * *', 'select gateway.add_log_partition()'
  );
  perform cron.schedule(
    'portico drop_log_partition', '27 * * * *', $job$select gateway.drop_log_partition('400 days')$job$
  );
exception
  -- pg_cron is available, but not loaded or not in this database. The routes /jobs/* run the jobs.
  when others then
    raise notice 'pg_cron is not used: %', sqlerrm;
end
$$;
