/** Edits, as the audit log has them, that the tables still show. */
import { sql } from "../support/workspace.ts";

/** Fields that follow from others, or that several changes share. */
const LEFT_OUT = ["index", "last_seen"];

/**
 * Returns the edits of these changes that the tables still show, as `table id field`: a field with
 * the value that the edit gave, an id that it added to an array or removed, a record that it created
 * or deleted. A field with the value that `undone` gave is left out: nothing shows that it was edited
 * since.
 */
export async function editsThatHold(
  workspaceId: string,
  changes: string[],
  undone: string,
): Promise<string[]> {
  const entries = await sql<{ table_name: string }[]>`
    select distinct table_name from public.audit_log
    where workspace_id = ${workspaceId} and change_id = any (${changes}::uuid[])`;
  const held: string[] = [];
  for (const { table_name } of entries) {
    const rows = await sql<{ edit: string }[]>`
      select distinct concat_ws(' ', a.table_name, a.record_id, a.action, f.field) as edit
      from public.audit_log a
      left join ${sql("public." + table_name)} t
        on t.workspace_id = a.workspace_id and t.id = a.record_id
      left join lateral jsonb_object_keys(a.after) as f (field)
        on a.action in ('updated', 'stage_changed') and f.field <> all (${LEFT_OUT})
      cross join lateral (
        select to_jsonb(t) -> f.field as value, a.before -> f.field as old, a.after -> f.field as new
      ) as v
      left join private.id_arrays ids
        on ids.table_name = a.table_name and ids.column_name = f.field
      where a.workspace_id = ${workspaceId}
        and a.change_id = any (${changes}::uuid[])
        and a.table_name = ${table_name}
        and ${isUnlikeUndone(workspaceId, undone)}
        and case
          when a.action in ('created', 'restored') then t.id is not null
          when a.action in ('deleted', 'merged') then t.id is null
          -- An array of ids keeps what was added, and does not get back what was removed. A record
          -- whose array only lost a deleted id may go with its creation.
          when ids.column_name is not null then t.id is null or not exists (
            select
            from jsonb_array_elements(${elements("new")}) as element
            where not ${elements("value")} @> element and not ${elements("old")} @> element
          ) and not exists (
            select
            from jsonb_array_elements(${elements("old")}) as element
            where not ${elements("new")} @> element and ${elements("value")} @> element
          )
          else v.value = v.new
        end
      order by 1`;
    held.push(...rows.map(({ edit }) => edit));
  }
  return held.sort();
}

/** Condition that the undone change did not give the field `f` of the entry `a` its value. */
function isUnlikeUndone(workspaceId: string, undone: string) {
  return sql`
    not exists (
      select
      from public.audit_log c
      where c.workspace_id = ${workspaceId}
        and c.change_id = ${undone}
        and (c.table_name, c.record_id) = (a.table_name, a.record_id)
        and coalesce(
          c.after -> f.field, case when c.action in ('created', 'restored') then 'null'::jsonb end
        ) = v.value
    )`;
}

/** An array of the row `v`, which is empty instead of null. */
function elements(column: string) {
  return sql`coalesce(nullif(v.${sql(column)}, 'null'), '[]')`;
}
