/** The operations on contacts. */
import { list, type Operation } from "../../_shared/operation.ts";
import { bulk, get, remove, restore, update } from "../../_shared/records/records.ts";
import { history } from "../activity/history.ts";
import { createUnlessDuplicate } from "../duplicates/create.ts";
import { duplicates } from "../duplicates/duplicates.ts";
import { merge } from "../merges/merge.ts";
import { upserts } from "../upserts/upsert.ts";
import { contactMergeRules } from "./mergeRules.ts";
import { contactDuplicates } from "./duplicates.ts";
import { contacts } from "./queries.ts";
import { tagChanges } from "./tagChanges.ts";

export const operations: readonly Operation[] = [
  list({ id: "contacts.list", path: "/contacts", summary: "List contacts", of: contacts.list }),
  ...duplicates(contactDuplicates),
  get(contacts, {
    description:
      "For a merged contact the answer is 410, and `merged_into` is the id of the winner.",
  }),
  createUnlessDuplicate(contacts, contactDuplicates, {
    first_name: "Ada",
    last_name: "Lovelace",
    title: "Analyst",
    status: "warm",
    email_jsonb: [{ email: "ada@example.com", type: "Work" }],
    phone_jsonb: [{ number: "+44 20 7946 0001", type: "Work" }],
  }),
  update(contacts, { example: { status: "hot" } }),
  remove(contacts, { description: "Its notes and tasks move to the trash with it." }),
  restore(contacts),
  bulk(contacts, {
    example: { ids: [1], set: { status: "hot" }, dry_run: true },
    changes: tagChanges,
    records: upserts(contacts, "contacts", {
      first_name: "Grace",
      last_name: "Hopper",
      email_jsonb: [{ email: "grace@example.com", type: "Work" }],
      external_ids: [{ source: "hubspot", id: "4711" }],
    }),
  }),
  history(contacts),
  merge(contacts, contactMergeRules),
];
