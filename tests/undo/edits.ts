/** Edits, as the audit log has them, that the tables still show. */
import { sql } from "../support/workspace.ts";

/** Fields that follow from others, or that several changes share. */
const LEFT_OUT = ["index", "last_seen"];

/**
 * Returns the edits of these changes that the tables still show, as `table id field`: a field with
 * the value that the edit gave, an id that it added to an array or removed, a record that it created
 * or deleted.
 */
export async function editsThatHold(workspaceId: string, changes: string[]): Promise<string[]> {
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
      where a.workspace_id = ${workspaceId}
        and a.change_id = any (${changes}::uuid[])
        and a.table_name = ${table_name}
        and case
          when a.action in ('created', 'restored') then t.id is not null
          when a.action in ('deleted', 'merged') then t.id is null
          -- An array of ids keeps what was added, and does not get back what was removed. A record
          -- whose array only lost a deleted id may go with its creation.
          when jsonb_typeof(v.new) = 'array' and jsonb_typeof(v.new -> 0) is distinct from 'object'
          then t.id is null or not exists (
            select
            from jsonb_array_elements(v.new) as element
            where not v.value @> element
              and not coalesce(nullif(v.old, 'null'), '[]') @> element
          ) and not exists (
            select
            from jsonb_array_elements(coalesce(nullif(v.old, 'null'), '[]')) as element
            where not v.new @> element and v.value @> element
          )
          else v.value = v.new
        end
      order by 1`;
    held.push(...rows.map(({ edit }) => edit));
  }
  return held.sort();
}
