/** Tags over HTTP: list, get, create, update, delete to the trash, restore, and merge. */
import { idParams, nothing } from "../../_shared/fields.ts";
import { type Operation, read, write } from "../../_shared/operation.ts";
import {
  createRecord,
  deleteRecord,
  getRecord,
  restoreRecord,
  updateRecord,
} from "../../_shared/records/records.ts";
import { mergeTags } from "./merge.ts";
import { claimName, tagResource, tagsListing } from "./queries.ts";
import { Tag, TagInput, TagPatch } from "./schema.ts";

const list = read({
  id: "tags.list",
  method: "GET",
  path: "/tags",
  summary: "List tags",
  description: "With the number of contacts that carry each.",
  access: "member",
  listing: tagsListing,
  query: tagsListing.query,
  output: tagsListing.partialPage,
  run: ({ sql }, { query }) => tagsListing.answer(sql, query),
});

const get = read({
  id: "tags.get",
  method: "GET",
  path: "/tags/:id",
  summary: "Get a tag",
  access: "member",
  params: idParams,
  output: Tag,
  problems: ["deleted", "merged"],
  run: ({ sql }, { params }) => getRecord(sql, tagResource, params.id),
});

const create = write({
  id: "tags.create",
  method: "POST",
  path: "/tags",
  summary: "Create a tag",
  description: "A name that a tag has already, in whatever case, is 409 with that tag's `id`.",
  access: "member",
  body: TagInput,
  example: { name: "Early adopter", color: "#eddcd2" },
  output: Tag,
  status: 201,
  location: ({ id }) => `tags/${id}`,
  problems: ["tag_exists"],
  run: async ({ sql }, { body }) => {
    await claimName(sql, body.name);
    return await createRecord(sql, tagResource, body);
  },
});

const update = write({
  id: "tags.update",
  method: "PATCH",
  path: "/tags/:id",
  summary: "Rename or recolour a tag",
  description: "What is absent stays. With `If-Match`, only the version that was read.",
  access: "member",
  params: idParams,
  body: TagPatch,
  example: { color: "#9be3f0" },
  output: Tag,
  problems: ["tag_exists"],
  run: async ({ sql }, { params, body, ifMatch }) => {
    await claimName(sql, body.name, params.id);
    return await updateRecord(sql, tagResource, params.id, body, ifMatch);
  },
});

const remove = write({
  id: "tags.delete",
  method: "DELETE",
  path: "/tags/:id",
  summary: "Move a tag to the trash",
  description: "Contacts carry it no longer. Repeating it succeeds.",
  access: "member",
  permission: "managers and admins",
  params: idParams,
  output: nothing,
  status: 204,
  run: ({ sql }, { params, ifMatch }) => deleteRecord(sql, tagResource, params.id, ifMatch),
});

const restore = write({
  id: "tags.restore",
  method: "POST",
  path: "/tags/:id/restore",
  summary: "Take a tag out of the trash",
  description: "Contacts that carried it carry it again, in its place.",
  access: "member",
  permission: "managers and admins",
  params: idParams,
  output: Tag,
  problems: ["restore_not_allowed", "merged"],
  run: ({ sql }, { params }) => restoreRecord(sql, tagResource, params.id),
});

export const tagOperations: readonly Operation[] = [
  list,
  get,
  create,
  update,
  remove,
  restore,
  mergeTags,
];
