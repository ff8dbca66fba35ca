/** SQL of companies: the list, and the relations that come with a company. */
import { listing } from "../../_shared/list/list.ts";
import type { Resource } from "../../_shared/records/records.ts";
import { companies_summary } from "../../_shared/schema.ts";
import { ownerName } from "../contacts/csv.ts";
import { ownerSql } from "../users/queries.ts";
import { Company } from "./schema.ts";

export const companiesListing = listing({
  relation: companies_summary,
  name: "companies_summary",
  record: Company,
  defaultSort: "-created_at,-id",
  search: { column: "search", table: "companies" },
  csv: {
    id: "id",
    name: "name",
    sector: "sector",
    size: "size",
    linkedin_url: "linkedin_url",
    website: "website",
    phone_number: "phone_number",
    address: "address",
    zipcode: "zipcode",
    city: "city",
    state_abbr: "state_abbr",
    country: "country",
    description: "description",
    revenue: "revenue",
    tax_identifier: "tax_identifier",
    created_at: "created_at",
    sales_id: "sales_id",
    sales: ownerName,
    nb_deals: "nb_deals",
    nb_contacts: "nb_contacts",
  },
  include: {
    owner: ownerSql,
  },
});

export const companyResource: Resource<Company> = {
  table: "companies",
  name: "company",
  listing: companiesListing,
};
