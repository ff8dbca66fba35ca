-- Picture fetches: the queue of contacts and companies that a job finds pictures for.
--
-- Tables     private.picture_fetches
-- Functions  gateway.claim_picture_fetches(max_rows, gravatar, favicons)    for the job of the gateway
--            gateway.queue_picture(workspace_id, path)                      for the job of the gateway
--            gateway.finish_picture_fetch(table_name, record_id, queued_at, picture, retry)
--                                                                           for the job of the gateway
--
-- A trigger queues a record without a picture when its e-mail address or website changes, in the same
-- transaction. No trigger sends a request. A queued record without a job costs one narrow row, so
-- that a job that is set up later finds the pictures of all records.

-- workspace_id is not a foreign key, so that imports are not slowed. The job deletes the rows of
-- records that no longer exist.
create table private.picture_fetches (
  table_name text not null,
  record_id bigint not null,
  workspace_id uuid not null,
  queued_at timestamptz not null default clock_timestamp(),
  run_after timestamptz not null default now(),
  attempts smallint not null default 0,
  primary key (table_name, record_id),
  constraint picture_fetches_table_name_check check (table_name in ('contacts', 'companies'))
);
comment on table private.picture_fetches is 'Records without a picture, which a job looks for.';
comment on column private.picture_fetches.table_name is 'The table of the record.';
comment on column private.picture_fetches.record_id is 'The id of the record.';
comment on column private.picture_fetches.workspace_id is 'The workspace of the record.';
comment on column private.picture_fetches.queued_at is
  'When the record was last queued. The job stores nothing when this has changed.';
comment on column private.picture_fetches.run_after is
  'The time after which the job looks for the picture. A claim moves it, so that a claim that is '
  'lost is repeated.';
comment on column private.picture_fetches.attempts is 'Number of claims. There are at most three.';

create index ix__picture_fetches__workspace_id__run_after
  on private.picture_fetches (workspace_id, run_after);

alter table private.picture_fetches enable row level security;
create policy "service role only" on private.picture_fetches for all to service_role
  using (true)
  with check (true);

-- Queueing --------------------------------------------------------------------------------------

create function private.queue_new_contact_pictures()
returns trigger
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  insert into private.picture_fetches (table_name, record_id, workspace_id)
  select 'contacts', n.id, n.workspace_id
  from new_rows n
  where n.avatar ->> 'src' is null and n.email_jsonb <> '[]'
  order by n.id
  on conflict do nothing;
  return null;
end
$$;
comment on function private.queue_new_contact_pictures() is
  'Queues new contacts with an address and without an avatar.';

create trigger "80_queue_pictures"
  after insert on public.contacts
  referencing new table as new_rows
  for each statement
  execute function private.queue_new_contact_pictures();

create function private.queue_new_company_pictures()
returns trigger
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  insert into private.picture_fetches (table_name, record_id, workspace_id)
  select 'companies', n.id, n.workspace_id
  from new_rows n
  where n.logo ->> 'src' is null and n.website::text <> ''
  order by n.id
  on conflict do nothing;
  return null;
end
$$;
comment on function private.queue_new_company_pictures() is
  'Queues new companies with a website and without a logo.';

create trigger "80_queue_pictures"
  after insert on public.companies
  referencing new table as new_rows
  for each statement
  execute function private.queue_new_company_pictures();

create function private.queue_picture_fetch()
returns trigger
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  insert into private.picture_fetches (table_name, record_id, workspace_id)
  values (tg_table_name, new.id, new.workspace_id)
  on conflict (table_name, record_id) do update
  set queued_at = clock_timestamp(), run_after = now(), attempts = 0;
  return null;
end
$$;
comment on function private.queue_picture_fetch() is 'Queues a changed record.';

create trigger "80_queue_picture"
  after update of email_jsonb on public.contacts
  for each row
  when (old.email_jsonb is distinct from new.email_jsonb and new.avatar ->> 'src' is null)
  execute function private.queue_picture_fetch();

create trigger "80_queue_picture"
  after update of website on public.companies
  for each row
  when (old.website is distinct from new.website and new.logo ->> 'src' is null)
  execute function private.queue_picture_fetch();

-- The job ---------------------------------------------------------------------------------------

create function private.site_domain(website text)
returns text
language sql immutable parallel safe
set search_path = ''
as $$
  select lower(substring(
    website from '^(?:[A-Za-z][A-Za-z0-9+.-]*://)?(?:[^@/[:space:]]+@)?([^:/?#[:space:]]+)'
  ))
$$;
comment on function private.site_domain(text) is 'Returns the domain of the URL of a website.';

create function private.is_favicon_excluded(p_workspace_id uuid, p_domain text)
returns boolean
language sql stable security definer
set search_path = ''
as $$
  select exists (
    select
    from public.favicons_excluded_domains f
    where (f.workspace_id is null or f.workspace_id = p_workspace_id)
      and (p_domain = f.domain or right(p_domain, length(f.domain) + 1) = '.' || f.domain)
  )
$$;
comment on function private.is_favicon_excluded(uuid, text) is
  'Returns whether the workspace, or all workspaces, exclude the domain or a domain above it.';

create function private.picture_hints(
  p_table_name text, p_record_id bigint, out emails text[], out domains text[]
)
language plpgsql stable security definer
set search_path = ''
as $$
declare
  found_workspace uuid;
begin
  if p_table_name = 'contacts' then
    select c.workspace_id, array(
      select lower(address #>> '{}')
      from jsonb_path_query(c.email_jsonb, '$[*].email') with ordinality as item (address, position)
      where address #>> '{}' ~ '^[^@[:space:]]+@[^@[:space:]]+$'
      order by position
      limit 3
    )
    into found_workspace, emails
    from public.contacts c
    where c.id = p_record_id and c.avatar ->> 'src' is null;
    domains := array(select split_part(email, '@', 2) from unnest(emails) as email);
  else
    select c.workspace_id, '{}', array[private.site_domain(c.website::text)]
    into found_workspace, emails, domains
    from public.companies c
    where c.id = p_record_id and c.logo ->> 'src' is null;
  end if;
  domains := array(
    select domain
    from unnest(domains) with ordinality as item (domain, position)
    where domain is not null and not private.is_favicon_excluded(found_workspace, domain)
    group by domain
    order by min(position)
  );
end
$$;
comment on function private.picture_hints(text, bigint) is
  'Returns the addresses and domains that a picture of the record is found by. None when the record '
  'has a picture or does not exist.';

-- Each call takes at most half of its rows from one workspace, so that an import does not delay the
-- others.
create function gateway.claim_picture_fetches(
  max_rows integer, gravatar boolean, favicons boolean
)
returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  due record;
  hints record;
  examined integer := 0;
  claims jsonb := '[]';
begin
  for due in
    with recursive workspaces (id) as (
      (select f.workspace_id from private.picture_fetches f order by f.workspace_id limit 1)
      union all
      select (
        select f.workspace_id
        from private.picture_fetches f
        where f.workspace_id > w.id
        order by f.workspace_id
        limit 1
      )
      from workspaces w
      where w.id is not null
    )
    select f.*
    from (select w.id from workspaces w where w.id is not null order by random()) as w
    cross join lateral (
      select *
      from private.picture_fetches f
      where f.workspace_id = w.id and f.run_after <= now()
      order by f.run_after
      limit (max_rows + 1) / 2
      for update skip locked
    ) as f
    limit max_rows
  loop
    examined := examined + 1;
    select
      case when gravatar then coalesce(found.emails, '{}') else '{}' end as emails,
      case when favicons then coalesce(found.domains, '{}') else '{}' end as domains
    into hints
    from private.picture_hints(due.table_name, due.record_id) as found;
    if due.attempts >= 3 or cardinality(hints.emails) + cardinality(hints.domains) = 0 then
      delete from private.picture_fetches f
      where f.table_name = due.table_name and f.record_id = due.record_id;
    else
      update private.picture_fetches f
      set
        attempts = due.attempts + 1,
        run_after = now() + interval '15 minutes' * power(8, due.attempts)
      where f.table_name = due.table_name and f.record_id = due.record_id;
      claims := claims || jsonb_build_object(
        'table_name', due.table_name,
        'record_id', due.record_id,
        'workspace_id', due.workspace_id,
        'queued_at', due.queued_at,
        'emails', hints.emails,
        'domains', hints.domains
      );
    end if;
  end loop;
  return jsonb_build_object('examined', examined, 'claims', claims);
end
$$;
comment on function gateway.claim_picture_fetches(integer, boolean, boolean) is
  'Examines at most max_rows queued records that are due. Returns {"examined", "claims"}: their '
  'number, and those to ask for, whose next attempt moves. Deletes the others from the queue: those '
  'that need no picture or were tried three times.';
grant execute on function gateway.claim_picture_fetches(integer, boolean, boolean)
  to portico_gateway;

create function gateway.queue_picture(workspace_id uuid, path text)
returns void
language sql volatile security definer
set search_path = ''
as $$
  insert into private.attachment_removals (workspace_id, path, remove_after)
  select workspace_id, path, now() + interval '2 days'
  where starts_with(path, workspace_id::text || '/')
  on conflict do nothing
$$;
comment on function gateway.queue_picture(uuid, text) is
  'Queues the file of a picture for removal, in case no record uses it.';
grant execute on function gateway.queue_picture(uuid, text) to portico_gateway;

create function gateway.finish_picture_fetch(
  p_table_name text, p_record_id bigint, p_queued_at timestamptz, p_picture jsonb, p_retry boolean
)
returns boolean
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  -- The record is locked first, as by the triggers that queue it.
  if p_table_name = 'contacts' then
    perform from public.contacts c where c.id = p_record_id for update;
  else
    perform from public.companies c where c.id = p_record_id for update;
  end if;
  delete from private.picture_fetches f
  where f.table_name = p_table_name
    and f.record_id = p_record_id
    and f.queued_at = p_queued_at
    and (not p_retry or f.attempts >= 3);
  if not found or p_picture is null then
    return false;
  end if;
  if p_table_name = 'contacts' then
    update public.contacts c
    set avatar = p_picture
    where c.id = p_record_id and c.avatar ->> 'src' is null;
  else
    update public.companies c
    set logo = p_picture
    where c.id = p_record_id and c.logo ->> 'src' is null;
  end if;
  return found;
end
$$;
comment on function gateway.finish_picture_fetch(text, bigint, timestamptz, jsonb, boolean) is
  'Ends a claim and stores the picture, unless the record got one or was queued again. With p_retry, '
  'the record stays queued for its next attempt. Returns whether the picture was stored.';
grant execute on function
  gateway.finish_picture_fetch(text, bigint, timestamptz, jsonb, boolean) to portico_gateway;
