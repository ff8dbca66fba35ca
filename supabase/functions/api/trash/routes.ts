/** The trash over HTTP: list, restore, and delete for good. */
import { idParams, includeQuery, nothing } from "../../_shared/fields.ts";
import { type Operation, read, write } from "../../_shared/operation.ts";
import { emptyTrash, getItem, listTrash, purgeItem, restoreItem } from "./queries.ts";
import { Purged, Restored, TrashItem, TrashPage, TrashQuery } from "./schema.ts";

const list = read({
  id: "trash.list",
  method: "GET",
  path: "/trash",
  summary: "List what was deleted",
  description:
    "Newest first. What a deletion took along is counted with it, not listed. After 30 " +
    "days it is deleted for good.",
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
  summary: "Get what was deleted",
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
  summary: "Take a record out of the trash",
  description: "What its deletion took along comes back with it, and only that.",
  access: "member",
  allowed: "owner",
  params: idParams,
  output: Restored,
  problems: ["restore_not_allowed", "merged", "parent_deleted"],
  run: ({ sql }, { params }) => restoreItem(sql, params.id),
});

const purge = write({
  id: "trash.purge",
  method: "DELETE",
  path: "/trash/:id",
  summary: "Delete a record of the trash for good",
  description: "What its deletion took along goes with it, and so do the values in the history. " +
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
  summary: "Delete all of the trash for good",
  description: "Newest first; send it again while `complete` is false.",
  access: "member",
  allowed: "admin",
  output: Purged,
  run: ({ sql }) => emptyTrash(sql),
});

export const operations: readonly Operation[] = [list, get, restore, purge, empty];
