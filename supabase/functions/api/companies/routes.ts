/** The operations on companies. */
import { list, type Operation } from "../../_shared/operation.ts";
import { bulk, get, remove, restore, update } from "../../_shared/records/records.ts";
import { history } from "../activity/history.ts";
import { createUnlessDuplicate } from "../duplicates/create.ts";
import { duplicates } from "../duplicates/duplicates.ts";
import { merge } from "../merges/merge.ts";
import { upserts } from "../upserts/upsert.ts";
import { companyMergeRules } from "./mergeRules.ts";
import { companyDuplicates } from "./duplicates.ts";
import { companies } from "./queries.ts";

export const operations: readonly Operation[] = [
  list({
    id: "companies.list",
    path: "/companies",
    summary: "List companies",
    of: companies.list,
  }),
  ...duplicates(companyDuplicates),
  get(companies),
  createUnlessDuplicate(companies, companyDuplicates, {
    name: "Analytical Engines Ltd",
    sector: "technology",
    website: "https://example.com",
  }),
  update(companies, { example: { city: "London" } }),
  remove(companies, {
    description: "Its contacts and deals, and their notes and tasks, move to the trash with it.",
  }),
  restore(companies),
  bulk(companies, {
    example: { ids: [1], set: { city: "London" }, dry_run: true },
    records: upserts(companies, "companies", {
      name: "Navy",
      website: "https://navy.example.com",
      external_ids: [{ source: "hubspot", id: "4712" }],
    }),
  }),
  history(companies),
  merge(companies, companyMergeRules, {
    description: "Its contacts and deals follow to the winner.",
  }),
];
