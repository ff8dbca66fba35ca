-- Merges: records of one table become one record. The gateway merges with the rights of the caller.
--
-- Views      private.record_references: the columns and arrays that refer to records of a table
--            merges: the merges of the audit log
-- Functions  private.move_references(table_name, winner_id, loser_ids): the related records
--            private.find_merge(table_name, winner_id, loser_ids): an earlier merge
--
-- The references are read from the foreign keys and from the triggers of arrays of ids, so that a
-- new column takes part without a line here. A merge is a change like any other: the deleted losers
-- have the action merged in the audit log, and private.undo_change() takes it back.

create view private.record_references
with (security_invoker = on)
as
select
  holder.relname::text as table_name,
  attribute.attname::text as column_name,
  referenced.relname::text as referenced_table,
  false as is_array
from pg_catalog.pg_constraint c
join pg_catalog.pg_class holder on holder.oid = c.conrelid
join pg_catalog.pg_class referenced on referenced.oid = c.confrelid
join pg_catalog.pg_attribute attribute
  on attribute.attrelid = c.conrelid and attribute.attnum = c.conkey[2]
where c.contype = 'f'
  and c.connamespace = 'public'::regnamespace
  and array_length(c.conkey, 1) = 2
union all
select a.table_name, a.column_name, a.referenced_table, true from private.id_arrays a;
comment on view private.record_references is
  'The columns of foreign keys (workspace_id, column_name), and the arrays of ids.';
revoke all on private.record_references from service_role;

create function private.move_reference(
  reference private.record_references, p_workspace_id uuid, winner_id bigint, loser_ids bigint[]
)
returns bigint
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  number bigint;
begin
  if reference.is_array then
    -- The winner takes the first position of the records that take part.
    return private.replace_references(
      reference.table_name, reference.column_name, p_workspace_id, null, loser_ids,
      array_fill(winner_id, array[cardinality(loser_ids)])
    );
  end if;
  execute format(
    'update public.%1$I set %2$I = $2 where workspace_id = $1 and %2$I = any ($3)',
    reference.table_name, reference.column_name
  ) using p_workspace_id, winner_id, loser_ids;
  get diagnostics number = row_count;
  return number;
end
$$;
comment on function private.move_reference(private.record_references, uuid, bigint, bigint[]) is
  'Replaces the losers by the winner in one column. Returns the number of rows.';

-- Row-level security prevents the use of the indexes on arrays (see the file search). The function
-- therefore runs as its owner and filters by the caller's workspace. All members may change the
-- references, and the triggers of the tables decide as for any other update.
create function private.move_references(
  p_table_name text, winner_id bigint, loser_ids bigint[]
)
returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  caller_workspace constant uuid := private.workspace_id();
  reference private.record_references;
  moved jsonb := '{}';
begin
  for reference in
    select *
    from private.record_references r
    where r.referenced_table = p_table_name
    order by r.table_name, r.column_name
  loop
    moved := moved || jsonb_build_object(
      reference.table_name,
      coalesce((moved ->> reference.table_name)::bigint, 0)
        + private.move_reference(reference, caller_workspace, winner_id, loser_ids)
    );
  end loop;
  return moved;
end
$$;
comment on function private.move_references(text, bigint, bigint[]) is
  'Replaces the losers by the winner in all records of the caller''s workspace that refer to them. '
  'Returns the number of rows by table.';
grant execute on function private.move_references(text, bigint, bigint[]) to authenticated;

create function private.moved_references(p_table_name text, p_change_id uuid)
returns jsonb
language sql stable security definer
set search_path = ''
as $$
  select coalesce(jsonb_object_agg(counted.table_name, counted.number), '{}')
  from (
    select r.table_name, count(distinct a.id) as number
    from private.record_references r
    left join public.audit_log a
      on a.workspace_id = (select private.workspace_id())
      and a.change_id = p_change_id
      and a.table_name = r.table_name
      and a.action in ('updated', 'stage_changed')
      and a.after operator(pg_catalog.?) r.column_name
    where r.referenced_table = p_table_name
    group by r.table_name
  ) as counted
$$;
comment on function private.moved_references(text, uuid) is
  'Returns the number of rows that a merge of the caller''s workspace moved, by table.';

create function private.find_merge(p_table_name text, p_winner_id bigint, p_loser_ids bigint[])
returns jsonb
language sql stable security definer
set search_path = ''
as $$
  select jsonb_build_object(
    'merge_id', (array_agg(t.batch order by t.id desc))[1],
    'moved', private.moved_references(p_table_name, (array_agg(t.batch order by t.id desc))[1])
  )
  from private.trash t
  where t.workspace_id = (select private.workspace_id())
    and t.table_name = p_table_name
    and t.record_id = any (p_loser_ids)
    and t.merged_into = p_winner_id
  having count(distinct t.record_id) = cardinality(p_loser_ids)
$$;
comment on function private.find_merge(text, bigint, bigint[]) is
  'Returns the latest merge of some of these losers: {"merge_id", "moved": {table: rows}}. Null '
  'when not all of them were merged directly into the winner.';
grant execute on function private.find_merge(text, bigint, bigint[]) to authenticated;

create view public.merges
with (security_invoker = on)
as
select
  min(a.id) as id,
  a.change_id,
  a.table_name,
  (a.after ->> 'merged_into')::bigint as winner_id,
  array_agg(a.record_id order by a.record_id) as loser_ids,
  a.member_id,
  a.created_at,
  c.undone_by
from public.audit_log a
join public.changes c on c.workspace_id = a.workspace_id and c.id = a.change_id
where a.action = 'merged' and a.after ->> 'merged_into' is not null
group by a.change_id, a.table_name, 4, a.member_id, a.created_at, c.undone_by;
comment on view public.merges is
  'The merges: a change, the winner, and the losers that it merged into the winner.';
grant select on public.merges to authenticated;
