-- Tables and views of a migrated database, one row each, as dev/generate/relations.ts reads them.
with relations as (
  select c.*, format('%s.%s', n.nspname, c.relname) as name, n.nspname
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  where n.nspname in ('public', 'private', 'gateway') and c.relkind in ('r', 'p', 'v')
    and not c.relispartition
    and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')
)
select
  r.name,
  r.relkind = 'v' as is_view,
  coalesce(obj_description(r.oid, 'pg_class'), '') as comment,
  (
    select coalesce(jsonb_agg(jsonb_build_object(
      'name', a.attname,
      'type', regexp_replace(format_type(a.atttypid, a.atttypmod), '^extensions\.', ''),
      'nullable', not a.attnotnull,
      'default', case
        when a.attidentity <> '' then 'identity'
        else coalesce(pg_get_expr(d.adbin, d.adrelid), '')
      end,
      'comment', coalesce(col_description(r.oid, a.attnum), '')
    ) order by a.attnum), '[]')
    from pg_attribute a
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
  ) as columns,
  (
    select coalesce(jsonb_agg(jsonb_build_object(
      'name', c.conname, 'kind', c.contype, 'definition', pg_get_constraintdef(c.oid)
    ) order by array_position('{p,u,f,c}', c.contype::text), c.conname), '[]')
    from pg_constraint c
    where c.conrelid = r.oid and c.contype in ('p', 'u', 'f', 'c')
  ) as constraints,
  (
    select coalesce(jsonb_agg(jsonb_build_object(
      'column', a.attname,
      'parent', format('%s.%s', pn.nspname, p.relname),
      'required', a.attnotnull
    ) order by a.attnum), '[]')
    from pg_constraint c
    join pg_class p on p.oid = c.confrelid
    join pg_namespace pn on pn.oid = p.relnamespace
    -- The last column of a key is the reference. Columns before it hold the workspace.
    join pg_attribute a on a.attrelid = r.oid and a.attnum = c.conkey[array_length(c.conkey, 1)]
    where c.conrelid = r.oid and c.contype = 'f'
  ) as parents,
  (
    select coalesce(jsonb_agg(distinct jsonb_build_object(
      'column', split_part(encode(t.tgargs, 'escape'), '\000', 1),
      'parent', 'public.' || split_part(encode(t.tgargs, 'escape'), '\000', 2)
    )), '[]')
    from pg_trigger t
    where t.tgrelid = r.oid and t.tgfoid = to_regproc('private.check_references')
  ) as arrays,
  (
    select coalesce(jsonb_agg(
      regexp_replace(pg_get_indexdef(i.indexrelid), ' ON \S+', '') order by i.indexrelid::regclass::text
    ), '[]')
    from pg_index i
    where i.indrelid = r.oid
      and not exists (select from pg_constraint c where c.conindid = i.indexrelid and c.contype in ('p', 'u'))
  ) as indexes,
  (
    select coalesce(jsonb_agg(jsonb_build_object(
      'name', p.policyname, 'command', lower(p.cmd), 'roles', p.roles, 'using', coalesce(p.qual, ''),
      'check', coalesce(p.with_check, '')
    ) order by array_position('{SELECT,INSERT,UPDATE,DELETE,ALL}', p.cmd), p.policyname), '[]')
    from pg_policies p
    where p.schemaname = r.nspname and p.tablename = r.relname
  ) as policies,
  (
    select coalesce(jsonb_agg(jsonb_build_object(
      'name', t.tgname,
      'events', lower(array_to_string(array[
        case when t.tgtype & 2 <> 0 then 'before' else 'after' end,
        array_to_string(array[
          case when t.tgtype & 4 <> 0 then 'insert' end,
          case when t.tgtype & 16 <> 0 then 'update' end,
          case when t.tgtype & 8 <> 0 then 'delete' end,
          case when t.tgtype & 32 <> 0 then 'truncate' end
        ], ' or '),
        case when t.tgtype & 1 <> 0 then 'of each row' else 'of each statement' end
      ], ' ')),
      'comment', coalesce(obj_description(t.tgfoid, 'pg_proc'), '')
    ) order by t.tgtype & 2 = 0, t.tgname), '[]')
    from pg_trigger t
    where t.tgrelid = r.oid and not t.tgisinternal
  ) as triggers,
  (
    select coalesce(jsonb_agg(jsonb_build_object('role', g.role, 'privileges', g.privileges) order by g.role), '[]')
    from (
      select role, string_agg(distinct privilege, ', ' order by privilege) as privileges
      from (
        select x.grantee::regrole::text as role, lower(x.privilege_type) as privilege
        from aclexplode(r.relacl) x
        union
        select x.grantee::regrole::text, format('%s (%s)', lower(x.privilege_type), a.attname)
        from pg_attribute a
        cross join lateral aclexplode(a.attacl) x
        where a.attrelid = r.oid
      ) as privileges (role, privilege)
      where role in ('anon', 'authenticated', 'service_role', 'portico_gateway')
      group by role
    ) as g
  ) as grants
from relations r
order by r.nspname = 'public' desc, r.nspname = 'private' desc, r.relname
