-- Puts rows of the trash back under their ids, with the children that went with them.
--
-- Which table takes which along is read from the foreign keys (private.cascades), so that a new
-- table needs nothing but its foreign key and the trash's trigger.

create view private.cascades
with (security_invoker = on)
as
select
  child.relname::text as child_table,
  parent.relname::text as parent_table,
  attribute.attname::text as column_name
from pg_catalog.pg_constraint c
join pg_catalog.pg_class child on child.oid = c.conrelid
join pg_catalog.pg_class parent on parent.oid = c.confrelid
join pg_catalog.pg_attribute attribute
  on attribute.attrelid = c.conrelid and attribute.attnum = c.conkey[2]
where c.contype = 'f'
  and c.confdeltype = 'c'
  and c.connamespace = 'public'::regnamespace
  and array_length(c.conkey, 1) = 2;
comment on view private.cascades is
  'Foreign keys (workspace_id, column_name) that delete the child with its parent.';
revoke all on private.cascades from anon, authenticated, service_role;

create function private.restored_values(trashed private.trash)
returns jsonb
language sql stable security definer
set search_path = ''
as $$
  select
    jsonb_build_object('updated_at', greatest(
      clock_timestamp(), (trashed.record ->> 'updated_at')::timestamptz + interval '1 microsecond'
    ))
    || case
      when exists (
        select from public.sales s
        where s.workspace_id = trashed.workspace_id
          and s.id = (trashed.record ->> 'sales_id')::bigint
      ) or not trashed.record ? 'sales_id' then '{}'
      else '{"sales_id": null}'::jsonb
    end
$$;
comment on function private.restored_values(private.trash) is
  'What differs from the trashed record: a new updated_at, and no owner when they are gone.';

create function private.reinsert(table_name text, trash_ids bigint[])
returns void
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  columns text[];
begin
  -- Only columns that the rows had: later ones get their defaults.
  columns := array(
    select quote_ident(a.attname)
    from pg_catalog.pg_attribute a
    where a.attrelid = format('public.%I', table_name)::regclass
      and a.attnum > 0
      and not a.attisdropped
      and a.attname in (
        select jsonb_object_keys(t.record) from private.trash t where t.id = any (trash_ids)
      )
    order by a.attnum
  );
  execute format(
    'insert into public.%1$I (%2$s)
     select r.%3$s
     from private.trash t
     cross join lateral jsonb_populate_record(
       null::public.%1$I, t.record || private.restored_values(t)
     ) r
     where t.id = any ($1)',
    table_name, array_to_string(columns, ', '), array_to_string(columns, ', r.')
  ) using trash_ids;
end
$$;
comment on function private.reinsert(text, bigint[]) is 'Puts rows of one table back under their ids.';

create function private.restore_rows(batch uuid, table_name text, record_ids bigint[])
returns bigint[]
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  cascade record;
  trash_ids bigint[];
  child_ids bigint[];
begin
  trash_ids := array(
    select t.id
    from private.trash t
    where t.batch = restore_rows.batch
      and t.table_name = restore_rows.table_name
      and t.record_id = any (record_ids)
      and t.reason = 'deleted'
  );
  perform private.reinsert(table_name, trash_ids);
  for cascade in
    select * from private.cascades c where c.parent_table = restore_rows.table_name
  loop
    child_ids := array(
      select t.record_id
      from private.trash t
      where t.batch = restore_rows.batch
        and t.table_name = cascade.child_table
        and (t.record ->> cascade.column_name)::bigint = any (record_ids)
    );
    if child_ids <> '{}' then
      trash_ids := trash_ids || private.restore_rows(batch, cascade.child_table, child_ids);
    end if;
  end loop;
  return trash_ids;
end
$$;
comment on function private.restore_rows(uuid, text, bigint[]) is
  'Puts rows back, then the children that went with them; returns the ids of all in the trash.';
