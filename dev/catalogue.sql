-- Returns one row per object of a migrated database: kind, name and definition.
-- Omits objects of extensions. Ignores attribute numbers of columns and the order of grants.
with schemas as (
  select oid, nspname, nspacl, nspowner
  from pg_namespace
  where nspname in ('public', 'private', 'gateway')
),
relations as (
  select c.*, format('%I.%I', s.nspname, c.relname) as name
  from pg_class c
  join schemas s on s.oid = c.relnamespace
  where not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')
),
-- Some policies and triggers are on tables in schemas of Supabase.
tables as (
  select c.oid, format('%I.%I', n.nspname, c.relname) as name
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  where n.nspname in ('public', 'private', 'gateway', 'auth', 'storage') and c.relkind in ('r', 'p')
),
functions as (
  select p.*, p.oid::regprocedure::text as name
  from pg_proc p
  join schemas s on s.oid = p.pronamespace
  where not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
),
privileges as (
  select 'schema ' || s.nspname as object, g.*
  from schemas s
  cross join lateral aclexplode(coalesce(s.nspacl, acldefault('n', s.nspowner))) g
  union all
  select case r.relkind when 'S' then 'sequence ' else 'table ' end || r.name, g.*
  from relations r
  cross join lateral aclexplode(
    coalesce(
      r.relacl, acldefault(case r.relkind when 'S' then 's' else 'r' end::"char", r.relowner)
    )
  ) g
  where r.relkind in ('r', 'v', 'm', 'p', 'S')
  union all
  select format('column %s.%I', r.name, a.attname), g.*
  from relations r
  join pg_attribute a on a.attrelid = r.oid
  cross join lateral aclexplode(a.attacl) g
  union all
  select 'function ' || f.name, g.*
  from functions f
  cross join lateral aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) g
  union all
  select
    format(
      'default of %s in %s for %s', d.defaclobjtype,
      coalesce(d.defaclnamespace::regnamespace::text, 'all schemas'), d.defaclrole::regrole
    ),
    g.*
  from pg_default_acl d
  cross join lateral aclexplode(d.defaclacl) g
  where d.defaclnamespace = 0 or d.defaclnamespace in (select oid from schemas)
)
select 'schema' as kind, s.nspname::text as name, s.nspowner::regrole::text as definition
from schemas s

union all
select 'extension', e.extname, n.nspname
from pg_extension e join pg_namespace n on n.oid = e.extnamespace

union all
select 'role', r.rolname, format(
  'login %s, inherit %s, bypass rls %s, member of %s', r.rolcanlogin, r.rolinherit, r.rolbypassrls,
  (select string_agg(
    m.roleid::regrole::text || case when m.inherit_option then ' inherited' else '' end,
    ', ' order by m.roleid::regrole::text
  ) from pg_auth_members m where m.member = r.oid)
)
from pg_roles r
where r.rolname in ('anon', 'authenticated', 'service_role', 'portico_gateway')

union all
select
  case r.relkind when 'v' then 'view' when 'S' then 'sequence' else 'table' end,
  r.name,
  concat_ws(
    ', ', 'owner ' || r.relowner::regrole, 'persistence ' || r.relpersistence::text,
    case when r.relrowsecurity then 'row level security' end,
    case when r.relforcerowsecurity then 'forced' end,
    array_to_string(r.reloptions, ' '),
    case when r.relkind in ('v', 'm') then pg_get_viewdef(r.oid) end,
    (select seqtypid::regtype || ' from ' || seqstart || ' by ' || seqincrement
     from pg_sequence where seqrelid = r.oid)
  )
from relations r
where r.relkind in ('r', 'v', 'm', 'p', 'S')

union all
select
  'column', format('%s.%I', r.name, a.attname),
  concat_ws(
    ', ',
    'position ' || row_number() over (partition by r.oid order by a.attnum),
    format_type(a.atttypid, a.atttypmod),
    case when a.attnotnull then 'not null' end,
    case a.attidentity when 'a' then 'identity always' when 'd' then 'identity by default' end,
    case when a.attgenerated <> '' then 'generated' end,
    'default ' || pg_get_expr(d.adbin, d.adrelid),
    nullif('sequence ' || pg_get_serial_sequence(r.name, a.attname), 'sequence '),
    case
      when a.attcollation <> t.typcollation then 'collation ' || a.attcollation::regcollation
    end,
    'storage ' || a.attstorage::text
  )
from relations r
join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
join pg_type t on t.oid = a.atttypid
left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
where r.relkind in ('r', 'v', 'm', 'p')

union all
select 'constraint', r.name || '.' || c.conname, pg_get_constraintdef(c.oid)
from pg_constraint c join relations r on r.oid = c.conrelid

union all
select 'index', i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid)
from pg_index i join relations r on r.oid = i.indrelid

union all
select
  'policy', tables.name || '.' || p.polname,
  format(
    '%s %s to %s using (%s) with check (%s)',
    case when p.polpermissive then 'permissive' else 'restrictive' end,
    p.polcmd,
    (select string_agg(role::regrole::text, ', ' order by role::regrole::text)
     from unnest(p.polroles) as role),
    pg_get_expr(p.polqual, p.polrelid),
    pg_get_expr(p.polwithcheck, p.polrelid)
  )
from pg_policy p join tables on tables.oid = p.polrelid

union all
select
  'trigger',
  tables.name || '.' || t.tgname,
  t.tgenabled::text || ' ' || pg_get_triggerdef(t.oid)
from pg_trigger t join tables on tables.oid = t.tgrelid
where not t.tgisinternal

union all
select 'function', f.name, f.proowner::regrole || ' ' || pg_get_functiondef(f.oid)
from functions f

union all
select
  'type', t.oid::regtype::text,
  concat_ws(
    ' ', t.typtype, format_type(t.typbasetype, t.typtypmod),
    (select string_agg(e.enumlabel, ', ' order by e.enumsortorder)
     from pg_enum e where e.enumtypid = t.oid)
  )
from pg_type t
join schemas s on s.oid = t.typnamespace
where t.typtype in ('e', 'd') or t.typrelid in (select oid from relations where relkind = 'c')

union all
select
  'grant',
  p.object || ' to ' || case p.grantee when 0 then 'public' else p.grantee::regrole::text end,
  string_agg(
    p.privilege_type || case when p.is_grantable then ' with grant option' else '' end,
    ', ' order by p.privilege_type
  )
from privileges p
group by p.object, p.grantee

union all
select 'publication', p.pubname || ' ' || p.schemaname || '.' || p.tablename, p.rowfilter
from pg_publication_tables p

union all
select 'comment', 'schema ' || s.nspname, obj_description(s.oid, 'pg_namespace') from schemas s
union all
select 'comment', r.name, obj_description(r.oid, 'pg_class') from relations r where r.relkind <> 'S'
union all
select 'comment', format('%s.%I', r.name, a.attname), col_description(r.oid, a.attnum)
from relations r join pg_attribute a on a.attrelid = r.oid
where a.attnum > 0 and r.relkind in ('r', 'v', 'm', 'p')
union all
select 'comment', f.name, obj_description(f.oid, 'pg_proc') from functions f
