/** Adding and removing tags of many contacts at once. */
import * as z from "zod";
import { arraySql } from "../../_shared/database/database.ts";
import { recordId } from "../../_shared/fields.ts";
import type { BulkChange } from "../../_shared/records/records.ts";

const tagIds = z.array(recordId).max(100);
const someTagIds = tagIds.min(1).optional();

/** `add_tags` and `remove_tags`: tags keep their order, new ones follow; added beats removed. */
export const tagChanges: BulkChange = {
  column: "tags",
  fields: { add_tags: someTagIds, remove_tags: someTagIds },
  assignment(sql, { add_tags, remove_tags }) {
    if (!add_tags && !remove_tags) return undefined;
    const added = arraySql(sql, tagIds.parse(add_tags ?? []), "bigint");
    const removed = arraySql(sql, tagIds.parse(remove_tags ?? []), "bigint");
    return sql`
      tags = array(
        select wanted.id
        from unnest(coalesce(tags, '{}') || ${added}) with ordinality as wanted (id, position)
        where wanted.id = any (${added}) or wanted.id <> all (${removed})
        group by wanted.id
        order by min(wanted.position)
      )`;
  },
};
