/** SQL of tags: the resource, and the check that a name is free. */
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
 * Refuses a name that another tag has, without case. The name stays locked until the end of the transaction.
 * @param tagId the tag to change; it may keep a name that it shares with another tag.
 * @throws Problem `tag_exists` with the id of the tag that has the name.
 */
export async function claimName(sql: Sql, name: string | undefined, tagId?: number): Promise<void> {
  if (name === undefined) return;
  const holders = await sql<{ id: number }[]>`
    select id::float8 as id from unnest(private.claim_tag_name(${name})) as id`;
  const [holder] = holders;
  if (!holder || holders.some(({ id }) => id === tagId)) return;
  const detail = `Tag ${holder.id} has this name. Use that tag, or choose another name.`;
  throw new Problem("tag_exists", detail, { errors: { name: detail }, members: { id: holder.id } });
}
