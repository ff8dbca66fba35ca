-- The gateway's own tables and its view of the caller. Only portico_gateway uses them.
--
-- gateway.membership(user_id)   the member row behind a token, disabled or not; null without one
-- gateway.idempotency_keys      answers kept for repeated requests with the same Idempotency-Key
-- gateway.rate_limits           fixed windows; unlogged, since losing them in a crash is harmless

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
create index ix__idempotency_keys__expires_at on gateway.idempotency_keys (expires_at);
comment on table gateway.idempotency_keys is 'One row per Idempotency-Key of a user: in flight, or with its answer.';
comment on column gateway.idempotency_keys.fingerprint is 'Of the request: another one under the same key is refused.';
comment on column gateway.idempotency_keys.status is 'Null while the request is in flight.';
comment on column gateway.idempotency_keys.locked_until is 'After this an unanswered request counts as lost.';

create unlogged table gateway.rate_limits (
  key text primary key,
  window_start timestamptz not null,
  used integer not null default 0
);
create index ix__rate_limits__window_start on gateway.rate_limits (window_start);
comment on table gateway.rate_limits is 'What each key has used up in its current window.';

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
grant execute on function gateway.membership(uuid) to portico_gateway;
