-- Facts of the catalogue as text, for comparison with the generated values. An object that does not
-- exist has no facts: null.

create function pg_temp.privileges(role_name text, relation_name text) returns text
language sql set search_path = ''
as $$
  select coalesce(string_agg(granted, ', ' order by position), 'none')
  from (
    select
      position,
      case
        when has_table_privilege(role_name, to_regclass(relation_name), verb) then verb
        when verb in ('select', 'insert', 'update', 'references') then (
          select format('%s (%s)', verb, string_agg(a.attname, ', ' order by a.attname collate "C"))
          from pg_attribute a
          where a.attrelid = to_regclass(relation_name) and a.attnum > 0 and not a.attisdropped
            and has_column_privilege(role_name, a.attrelid, a.attnum, verb)
          having count(*) > 0
        )
      end as granted
    from unnest(array[
      'select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger', 'maintain'
    ]) with ordinality as verbs (verb, position)
  ) as privileges
  having to_regclass(relation_name) is not null
$$;

create function pg_temp.row_security(relation_name text) returns text
language sql set search_path = ''
as $$
  select case
    when c.relkind = 'v' and exists (
      select from pg_options_to_table(c.reloptions)
      where option_name = 'security_invoker' and option_value::boolean
    ) then 'of the caller'
    when c.relkind <> 'v' and c.relrowsecurity then 'enabled'
    else 'none'
  end
  from pg_class c
  where c.oid = to_regclass(relation_name)
$$;

create function pg_temp.policy(relation_name text, policy_name text) returns text
language sql set search_path = ''
as $$
  select regexp_replace(
    format(
      '%s to %s%s%s',
      lower(p.cmd),
      array_to_string(p.roles, ', '),
      ' using ' || p.qual,
      ' with check ' || p.with_check
    ),
    '\s+', ' ', 'g'
  )
  from pg_policies p
  where format('%I.%I', p.schemaname, p.tablename) = relation_name and p.policyname = policy_name
$$;

create function pg_temp.policies(relation_name text) returns text
language sql set search_path = ''
as $$
  select coalesce(string_agg(p.polname, ', ' order by p.polname collate "C"), 'none')
  from pg_policy p
  where p.polrelid = to_regclass(relation_name)
$$;

create function pg_temp.triggers(relation_name text) returns text
language sql set search_path = ''
as $$
  select coalesce(string_agg(t.tgname, ', ' order by t.tgname collate "C"), 'none')
  from pg_trigger t
  where t.tgrelid = to_regclass(relation_name) and not t.tgisinternal and t.tgenabled <> 'D'
$$;

create function pg_temp.callers(function_name text) returns text
language sql set search_path = ''
as $$
  select coalesce(string_agg(role_name, ', ' order by role_name), 'none')
  from unnest(array['anon', 'authenticated', 'portico_gateway', 'service_role']) as role_name
  where has_function_privilege(role_name, to_regprocedure(function_name), 'execute')
  having to_regprocedure(function_name) is not null
$$;

create function pg_temp.security(function_name text) returns text
language sql set search_path = ''
as $$
  select concat_ws(
    ', ', case when p.prosecdef then 'definer' else 'invoker' end, array_to_string(p.proconfig, ', ')
  )
  from pg_proc p
  where p.oid = to_regprocedure(function_name)
$$;

-- Objects of the migrations' schemas. Objects of extensions are not theirs.
create function pg_temp.relations() returns setof text
language sql set search_path = ''
as $$
  select format('%I.%I', n.nspname, c.relname)
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  where n.nspname in ('public', 'private', 'gateway') and c.relkind in ('r', 'p', 'v', 'm', 'f')
    and not c.relispartition
    and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')
  order by n.nspname collate "C", c.relname collate "C"
$$;

create function pg_temp.functions() returns setof text
language sql set search_path = ''
as $$
  select p.oid::regprocedure::text
  from pg_proc p
  join pg_namespace n on n.oid = p.pronamespace
  where n.nspname in ('public', 'private', 'gateway')
    and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
  order by n.nspname collate "C", p.oid::regprocedure::text collate "C"
$$;
