/** The operations on tags. */
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
import { merge } from "../merges/merge.ts";
import { mergeRules } from "../merges/mergedValues.ts";
import { claimName, tags } from "./queries.ts";
import { tags as table } from "../../_shared/schema.ts";

export const operations: readonly Operation[] = [
  list({
    id: "tags.list",
    path: "/tags",
    summary: "List tags",
    description: "`nb_contacts` is the number of contacts that have the tag.",
    of: tags.list,
  }),
  get(tags),
  create(tags, {
    description:
      "When another tag has the name, without case, the answer is 409 with the `id` of that tag.",
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
  remove(tags, { description: "The tag is removed from all contacts." }),
  restore(tags, {
    description:
      "The contacts that had the tag get it back in its place. When another tag has the " +
      "name, without case, the answer is 409.",
    problems: ["tag_exists"],
  }),
  merge(tags, mergeRules(table.input), {
    description: "The contacts of the losers receive the winner, once and in the first place.",
  }),
];
