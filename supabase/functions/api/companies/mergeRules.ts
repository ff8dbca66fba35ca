/** How companies are merged: their links are united, and every other column has one value. */
import { companies } from "../../_shared/schema.ts";
import { externalIdKey, mergeRules, plainKey } from "../merges/mergedValues.ts";

export const companyMergeRules = mergeRules(companies.input, {
  united: { context_links: plainKey, external_ids: externalIdKey },
});
