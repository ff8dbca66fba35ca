-- Arrays of ids whose holder and element are both deleted, one after the other, and come back in
-- any order.
--
-- A deal and then its contact are deleted. The deal returns first: it loses the id of the contact,
-- whose row in the trash now remembers the place. The contact returns first: nothing to do.
-- A contact and then the deal that held it are deleted. The contact returns first: its id goes back
-- into the deal in the trash.

create function private.remember_places(
  holder_table text, column_name text, referenced_table text, workspace_id uuid,
  holder_ids bigint[], dead_ids bigint[]
)
returns void
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  execute format(
    'with places as (
       select
         element.id as record_id,
         jsonb_agg(
           jsonb_build_object(
             ''table'', $5, ''column'', $6, ''id'', h.id, ''position'', element.position
           )
           order by h.id, element.position
         ) as array_references
       from public.%1$I h
       cross join lateral unnest(h.%2$I) with ordinality as element (id, position)
       where h.workspace_id = $1 and h.id = any ($2) and element.id = any ($3)
       group by element.id
     )
     update private.trash t
     set array_references = t.array_references || places.array_references
     from places
     where t.workspace_id = $1
       and t.table_name = $4
       and t.record_id = places.record_id
       and t.reason = ''deleted''',
    holder_table, column_name
  ) using workspace_id, holder_ids, dead_ids, referenced_table, holder_table, column_name;
end
$$;
comment on function private.remember_places(text, text, text, uuid, bigint[], bigint[]) is
  'Notes in the trash where the ids of deleted records stand in restored arrays, which lose them.';

create or replace function private.replace_dead_references(
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
  perform private.remember_places(
    holder_table, column_name, referenced_table, workspace_id, holder_ids, dead_ids
  );
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

create function private.restore_trashed_references(workspace_id uuid, trash_ids bigint[])
returns void
language sql volatile security definer
set search_path = ''
as $$
  with remembered as (
    select
      reference ->> 'table' as table_name,
      reference ->> 'column' as column_name,
      (reference ->> 'id')::bigint as record_id,
      array_agg(t.record_id order by (reference ->> 'position')::bigint, t.id) as ids,
      array_agg(
        (reference ->> 'position')::bigint order by (reference ->> 'position')::bigint, t.id
      ) as positions
    from private.trash t
    cross join lateral jsonb_array_elements(t.array_references) as reference
    where t.id = any (trash_ids)
    group by 1, 2, 3
  )
  update private.trash holder
  set record = jsonb_set(
    holder.record,
    array[remembered.column_name],
    to_jsonb(private.insert_at(
      array(
        select element::bigint
        from jsonb_array_elements_text(
          case jsonb_typeof(holder.record -> remembered.column_name)
            when 'array' then holder.record -> remembered.column_name
            else '[]'
          end
        ) with ordinality as held (element, position)
        order by held.position
      ),
      remembered.ids,
      remembered.positions
    ))
  )
  from remembered
  where holder.workspace_id = restore_trashed_references.workspace_id
    and holder.table_name = remembered.table_name
    and holder.record_id = remembered.record_id
    and holder.id <> all (trash_ids)
$$;
comment on function private.restore_trashed_references(uuid, bigint[]) is
  'Puts restored ids back into the arrays of holders that are in the trash themselves.';

alter function private.restore_references(uuid, bigint[]) rename to restore_living_references;

create function private.restore_references(workspace_id uuid, trash_ids bigint[])
returns void
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  perform private.restore_living_references(workspace_id, trash_ids);
  perform private.restore_trashed_references(workspace_id, trash_ids);
end
$$;
comment on function private.restore_references(uuid, bigint[]) is
  'Puts restored ids back into the arrays that held them, whether those live or are in the trash.';

revoke all on function
  private.remember_places(text, text, text, uuid, bigint[], bigint[]),
  private.restore_trashed_references(uuid, bigint[]), private.restore_references(uuid, bigint[])
  from public, anon, authenticated;
