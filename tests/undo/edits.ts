/** Edits, as the audit log has them, that the tables still show. */
import { sql } from "../support/workspace.ts";

/** Fields that follow from others, or that several changes share. */
const LEFT_OUT = ["index", "last_seen"];

/**
 * Returns the edits of these changes that the tables still show, as `table id field`: a field with
 * the value that the edit gave, an id that it added to an array or removed, a record that it created
 * or deleted. A field with the value that `undone` gave, and an id that it added or removed too, is left
 * out: nothing shows that it was edited since.
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
      ${byUndone(workspaceId, undone)}
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
            from jsonb_array_elements(${elements("v", "new")}) as element
            where not ${elements("v", "value")} @> element and not ${
      elements("v", "old")
    } @> element
              and (${elements("u", "old")} @> element or not ${elements("u", "new")} @> element)
          ) and not exists (
            select
            from jsonb_array_elements(${elements("v", "old")}) as element
            where not ${elements("v", "new")} @> element and ${elements("v", "value")} @> element
              and (${elements("u", "new")} @> element or not ${elements("u", "old")} @> element)
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

/** Adds the row `u`: the values of the field `f` before and after the undone change. */
function byUndone(workspaceId: string, undone: string) {
  return sql`
    cross join lateral (
      select
        (array_agg(c.before -> f.field order by c.id))[1] as old,
        (array_agg(c.after -> f.field order by c.id desc))[1] as new
      from public.audit_log c
      where c.workspace_id = ${workspaceId}
        and c.change_id = ${undone}
        and (c.table_name, c.record_id) = (a.table_name, a.record_id)
        and (c.before ? f.field or c.after ? f.field)
    ) as u`;
}

/** An array of the row `v` or `u`, which is empty instead of null. */
function elements(row: "v" | "u", column: string) {
  return sql`coalesce(nullif(${sql(row)}.${sql(column)}, 'null'), '[]')`;
}
