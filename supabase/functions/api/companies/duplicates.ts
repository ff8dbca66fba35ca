/** Duplicates of companies: their reasons and their short records. */
import type { DuplicateKind } from "../duplicates/kinds.ts";
import { companies } from "./queries.ts";
import { Company } from "./schema.ts";

export const companyDuplicates: DuplicateKind = {
  of: companies,
  record: Company,
  pairs: "company_duplicates",
  dismissals: { table: "company_dismissals", column: "company_ids" },
  reasons: ["same_domain", "same_name"],
  shown: {
    view: "companies_summary",
    record: Company.pick({
      id: true,
      name: true,
      website: true,
      city: true,
      country: true,
      nb_contacts: true,
      nb_deals: true,
      sales_id: true,
    }).meta({ id: "DuplicateCompany" }),
  },
};
