-- Two workspaces, the callers of the permission table, and a row of each member in every table.
-- `foreign` is the admin of the other workspace, `disabled` a disabled admin of the first one.

create temporary table callers (
  name text primary key, role_name text not null, user_id uuid, workspace_id uuid
);
create temporary table samples (
  owner text, relation text, row_values jsonb, new_values jsonb, primary key (owner, relation)
);

-- Makes an auth user, whom a trigger adds to a workspace: to the given one by an invitation, or to a
-- new one.
create function pg_temp.add_member(
  caller text, member_role text default null, is_disabled boolean default false
) returns void
language plpgsql
as $$
declare
  new_user_id uuid := gen_random_uuid();
  address text := format('%s@example.test', new_user_id);
begin
  if member_role is not null then
    insert into public.invitations (id, workspace_id, email, role, disabled, accepted_at)
    select new_user_id, c.workspace_id, address, member_role, is_disabled, now()
    from callers c
    where c.name = 'admin';
  end if;
  insert into auth.users (id, email) values (new_user_id, address);
  insert into callers
  select caller, 'authenticated', new_user_id, s.workspace_id
  from public.sales s
  where s.user_id = new_user_id;
  insert into samples
  select caller, 'sales', to_jsonb(s) from public.sales s where s.user_id = new_user_id;
  insert into samples
  select caller, 'workspaces', to_jsonb(w)
  from public.workspaces w
  join callers c on c.workspace_id = w.id
  where c.name = caller;
  insert into samples
  select caller, 'configuration', to_jsonb(k)
  from public.configuration k
  join callers c on c.workspace_id = k.workspace_id
  where c.name = caller;
end
$$;

-- Fills a template: {unique} is a new uuid, {<table>} the id of the owner's row in that table.
create function pg_temp.filled(template jsonb, of_owner text) returns jsonb
language plpgsql
as $$
declare
  filled text := replace(template::text, '{unique}', gen_random_uuid()::text);
  sample samples;
begin
  for sample in select * from samples s where s.owner = of_owner loop
    filled := replace(
      filled, format('"{%s}"', sample.relation), coalesce(sample.row_values -> 'id', 'null')::text
    );
  end loop;
  return filled;
end
$$;

-- Inserts a row of every member into a table, and keeps values for another one.
create function pg_temp.add_rows(table_name text, template jsonb) returns void
language plpgsql
as $$
declare
  caller callers;
  values_of jsonb;
  inserted jsonb;
  columns text;
begin
  for caller in select * from callers where workspace_id is not null loop
    if not exists (
      select from samples s where s.owner = caller.name and s.relation = table_name
    ) then
      values_of := pg_temp.filled(template, caller.name);
      select string_agg(quote_ident(key), ', ') into columns from jsonb_object_keys(values_of) as key;
      execute format(
        'insert into public.%1$I (%2$s)
         select %2$s from jsonb_populate_record(null::public.%1$I, $1)
         returning to_jsonb(%1$I)',
        table_name, columns
      ) into strict inserted using values_of;
      insert into samples values (caller.name, table_name, inserted);
    end if;
    update samples s set new_values = pg_temp.filled(template, caller.name)
    where s.owner = caller.name and s.relation = table_name;
  end loop;
end
$$;

-- Runs a statement as a caller, and takes it back. Returns the number of its rows, `refused`, or an
-- unexpected error. {column} in the statement is a value of the owner's row in the table. $1 has the
-- values of a new row.
create function pg_temp.outcome(
  caller text, owner text, table_name text, statement text, preparation text default null
) returns text
language plpgsql
as $$
declare
  who callers;
  sample samples;
  key text;
  value text;
  met bigint;
begin
  select * into strict who from callers c where c.name = caller;
  select * into strict sample from samples s
  where s.owner = outcome.owner and s.relation = table_name;
  for key, value in select * from jsonb_each_text(sample.row_values) loop
    statement := replace(statement, format('{%s}', key), coalesce(value, ''));
    preparation := replace(preparation, format('{%s}', key), coalesce(value, ''));
  end loop;
  begin
    if preparation is not null then
      execute preparation;
    end if;
    perform set_config(
      'request.jwt.claims',
      jsonb_strip_nulls(jsonb_build_object('role', who.role_name, 'sub', who.user_id))::text,
      true
    );
    perform set_config('role', who.role_name, true);
    execute statement using sample.new_values;
    get diagnostics met = row_count;
    raise exception using errcode = 'UNDO0';
  exception
    when sqlstate 'UNDO0' then
      return format('%s rows', met);
    -- Triggers refuse with PT409 what other members may do.
    when insufficient_privilege or object_not_in_prerequisite_state or feature_not_supported
      or sqlstate 'PT409'
    then
      return 'refused';
    when others then
      return format('%s %s', sqlstate, sqlerrm);
  end;
end
$$;
