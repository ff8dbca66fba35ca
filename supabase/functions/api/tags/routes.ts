/** Tags over HTTP. */
import { list, type Operation } from "../../_shared/operation.ts";
import {
  create,
  createRecord,
  get,
  remove,
  restore,
  update,
  updateRecord,
} from "../../_shared/records/records.ts";
import { mergeTags } from "./merge.ts";
import { claimName, tags } from "./queries.ts";

export const operations: readonly Operation[] = [
  list({
    id: "tags.list",
    path: "/tags",
    summary: "List tags",
    description: "With the number of contacts that have each tag.",
    of: tags.list,
  }),
  get(tags),
  create(tags, {
    description: "A name that a tag has already, in any case, is 409 with that tag's `id`.",
    example: { name: "Early adopter", color: "#eddcd2" },
    run: async ({ sql }, { body }) => {
      await claimName(sql, body.name);
      return await createRecord(sql, tags, body);
    },
  }),
  update(tags, {
    example: { color: "#9be3f0" },
    run: async ({ sql }, { params, body, ifMatch }) => {
      await claimName(sql, body.name, params.id);
      return await updateRecord(sql, tags, params.id, body, ifMatch);
    },
  }),
  remove(tags, { description: "It is taken off all contacts." }),
  restore(tags, { description: "Contacts that had it get it back, in its place." }),
  mergeTags,
];
