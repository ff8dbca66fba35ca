-- Arrays of ids when rows come back: restored ids return to where they stood, and restored arrays
-- lose the ids of records that died meanwhile; a merged one becomes the record it went into.

create function private.survivor(table_name text, workspace_id uuid, record_id bigint)
returns bigint
language sql stable security definer
set search_path = ''
as $$
  with recursive path as (
    select t.merged_into
    from private.trash t
    where t.workspace_id = survivor.workspace_id
      and t.table_name = survivor.table_name
      and t.record_id = survivor.record_id
      and t.reason = 'merged'
    union
    select t.merged_into
    from path
    join private.trash t
      on t.workspace_id = survivor.workspace_id
      and t.table_name = survivor.table_name
      and t.record_id = path.merged_into
      and t.reason = 'merged'
  )
  select path.merged_into
  from path
  where private.missing_ids(table_name, workspace_id, array[path.merged_into]) = '{}'
  limit 1
$$;
comment on function private.survivor(text, uuid, bigint) is
  'The living record that a merged one ended up in; null without one.';

create function private.replace_dead_references(
  holder_table text, column_name text, referenced_table text, workspace_id uuid, holder_ids bigint[]
)
returns void
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  held_ids bigint[];
  dead_ids bigint[];
begin
  execute format(
    'select array(
       select distinct unnest(h.%2$I) from public.%1$I h where h.workspace_id = $1 and h.id = any ($2)
     )',
    holder_table, column_name
  ) into held_ids using workspace_id, holder_ids;
  dead_ids := private.missing_ids(referenced_table, workspace_id, held_ids);
  if dead_ids = '{}' then
    return;
  end if;
  execute format(
    'update public.%1$I h
     set %2$I = array(
       select living.id
       from unnest(h.%2$I) with ordinality as element (id, position)
       cross join lateral (
         select case
           when element.id = any ($3) then private.survivor($4, $1, element.id) else element.id
         end as id
       ) as living
       where living.id is not null
       group by living.id
       order by min(element.position)
     )
     where h.workspace_id = $1 and h.id = any ($2) and h.%2$I && $3',
    holder_table, column_name
  ) using workspace_id, holder_ids, dead_ids, referenced_table;
end
$$;
comment on function private.replace_dead_references(text, text, text, uuid, bigint[]) is
  'Takes ids of records that died meanwhile out of restored arrays; merged ones become their winner.';

create function private.insert_at(elements bigint[], ids bigint[], positions bigint[])
returns bigint[]
language plpgsql immutable
set search_path = ''
as $$
declare
  result bigint[] := coalesce(elements, '{}');
begin
  for i in 1 .. cardinality(ids) loop
    if ids[i] <> all (result) then
      result := result[: positions[i] - 1] || ids[i] || result[positions[i] :];
    end if;
  end loop;
  return result;
end
$$;
comment on function private.insert_at(bigint[], bigint[], bigint[]) is
  'The array with ids put in at ascending positions, unless it has them.';

create function private.restore_references(workspace_id uuid, trash_ids bigint[])
returns void
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  holder record;
begin
  for holder in
    select distinct reference ->> 'table' as table_name, reference ->> 'column' as column_name
    from private.trash t
    cross join lateral jsonb_array_elements(t.array_references) as reference
    where t.id = any (trash_ids)
  loop
    execute format(
      'with remembered as (
         select
           (reference ->> ''id'')::bigint as id,
           array_agg(t.record_id order by (reference ->> ''position'')::bigint, t.id) as ids,
           array_agg((reference ->> ''position'')::bigint order by (reference ->> ''position'')::bigint, t.id)
             as positions
         from private.trash t
         cross join lateral jsonb_array_elements(t.array_references) as reference
         where t.id = any ($1) and reference ->> ''table'' = $2 and reference ->> ''column'' = $3
         group by 1
       ), holders as (
         select h.id, h.%2$I as held, remembered.ids, remembered.positions
         from public.%1$I h
         join remembered using (id)
         where h.workspace_id = $4
         order by h.id
         for no key update of h
       )
       update public.%1$I h
       set %2$I = private.insert_at(holders.held, holders.ids, holders.positions)
       from holders
       where h.id = holders.id',
      holder.table_name, holder.column_name
    ) using trash_ids, holder.table_name, holder.column_name, workspace_id;
  end loop;
end
$$;
comment on function private.restore_references(uuid, bigint[]) is
  'Puts restored ids back into the arrays that held them, where those still exist.';
