/** The operations on the trash. */
import { idParams, includeQuery, nothing } from "../../_shared/fields.ts";
import { type Operation, read, write } from "../../_shared/operation.ts";
import { PARENT_PROBLEMS, RestoreInput } from "../../_shared/records/records.ts";
import { emptyTrash, getItem, listTrash, purgeItem, restoreItem } from "./queries.ts";
import { Purged, Restored, TrashItem, TrashPage, TrashQuery } from "./schema.ts";

const list = read({
  id: "trash.list",
  method: "GET",
  path: "/trash",
  summary: "List the trash",
  description:
    "Newest first. Records that were deleted by a cascade have no item; `taken_along` counts them. " +
    "Items are purged after 30 days.",
  access: "member",
  query: TrashQuery,
  output: TrashPage,
  problems: ["invalid_cursor"],
  run: ({ sql }, { query }) => listTrash(sql, query),
});

const get = read({
  id: "trash.get",
  method: "GET",
  path: "/trash/:id",
  summary: "Get an item of the trash",
  access: "member",
  params: idParams,
  query: includeQuery(["member"]),
  output: TrashItem,
  run: ({ sql }, { params, query }) => getItem(sql, params.id, query.include),
});

const restore = write({
  id: "trash.restore",
  method: "POST",
  path: "/trash/:id/restore",
  summary: "Restore a record from the trash",
  description:
    "Records that were deleted by the cascade come back with it. A record whose parent was merged " +
    "goes to the winner. One whose parent was purged comes back without it, or needs `parent_id`.",
  access: "member",
  allowed: "owner",
  params: idParams,
  body: RestoreInput,
  example: {},
  output: Restored,
  problems: ["restore_not_allowed", "merged", "tag_exists", ...PARENT_PROBLEMS],
  run: ({ sql }, { params, body }) => restoreItem(sql, params.id, body.parent_id),
});

const purge = write({
  id: "trash.purge",
  method: "DELETE",
  path: "/trash/:id",
  summary: "Purge a record from the trash",
  description:
    "Permanently deletes the record, the records of the cascade, and their values in the history. " +
    "Repeating it succeeds.",
  access: "member",
  allowed: "admin",
  params: idParams,
  output: nothing,
  status: 204,
  run: ({ sql }, { params }) => purgeItem(sql, params.id),
});

const empty = write({
  id: "trash.empty",
  method: "DELETE",
  path: "/trash",
  summary: "Purge the trash",
  description:
    "Permanently deletes all items, newest first. Send the request again while `complete` is false.",
  access: "member",
  allowed: "admin",
  output: Purged,
  run: ({ sql }) => emptyTrash(sql),
});

export const operations: readonly Operation[] = [list, get, restore, purge, empty];
