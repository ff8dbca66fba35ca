/** Adding tags to many contacts, and removing tags from them. */
import * as z from "zod";
import { arraySql } from "../../_shared/database/database.ts";
import { recordId } from "../../_shared/fields.ts";
import type { BulkChange } from "../../_shared/records/records.ts";

const tagIds = z.array(recordId).max(100);
const optionalTagIds = tagIds.min(1).optional();

/**
 * The fields `add_tags` and `remove_tags` of a bulk. The tags of a contact keep their order, and new ones
 * follow. A tag in both fields is added.
 */
export const tagChanges: BulkChange = {
  column: "tags",
  fields: { add_tags: optionalTagIds, remove_tags: optionalTagIds },
  assignment(sql, { add_tags, remove_tags }) {
    if (!add_tags && !remove_tags) return undefined;
    const added = arraySql(sql, tagIds.parse(add_tags ?? []), "bigint");
    const removed = arraySql(sql, tagIds.parse(remove_tags ?? []), "bigint");
    return sql`
      tags = array(
        select tag_ids.id
        from unnest(coalesce(tags, '{}') || ${added}) with ordinality as tag_ids (id, position)
        where tag_ids.id = any (${added}) or tag_ids.id <> all (${removed})
        group by tag_ids.id
        order by min(tag_ids.position)
      )`;
  },
};
