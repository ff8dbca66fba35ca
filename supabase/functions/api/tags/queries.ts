/** SQL of tags: the list, and names that are taken. */
import type { Sql } from "../../_shared/database/database.ts";
import { listing } from "../../_shared/list/list.ts";
import { Problem } from "../../_shared/problem.ts";
import { resource } from "../../_shared/records/records.ts";
import { tags_summary } from "../../_shared/schema.ts";
import { Tag, TagInput, TagPatch } from "./schema.ts";

export const tags = resource({
  table: "tags",
  name: "tag",
  title: "a tag",
  mergeable: true,
  record: Tag,
  input: TagInput,
  patch: TagPatch,
  problems: ["tag_exists"],
  list: listing({
    relation: tags_summary,
    record: Tag,
    defaultSort: "name,id",
    search: { column: "search" },
  }),
});

/**
 * Keeps a name to one tag, whatever its case. Atomic CRM allows tags of the same name, so that no
 * unique index can; a lock on the name stands in for it, and a tag that has the name already keeps it.
 * @throws Problem `tag_exists` with the id of the tag that has the name.
 */
export async function claimName(sql: Sql, name: string | undefined, ownId?: number): Promise<void> {
  if (name === undefined) return;
  await sql`
    select pg_advisory_xact_lock(
      hashtextextended('tag ' || private.workspace_id() || ' ' || lower(${name}), 0))`;
  const named = await sql<{ id: number }[]>`
    select id::float8 as id from tags where lower(name) = lower(${name}) order by id`;
  const [taken] = named;
  if (!taken || named.some(({ id }) => id === ownId)) return;
  const detail = `Tag ${taken.id} has this name. Use it, or choose another name.`;
  throw new Problem("tag_exists", detail, { errors: { name: detail }, members: { id: taken.id } });
}
