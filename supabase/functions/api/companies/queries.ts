/** SQL of companies: the resource, and the company of another record. */
import type { Fragment, Sql } from "../../_shared/database/database.ts";
import { listing } from "../../_shared/list/list.ts";
import { resource } from "../../_shared/records/records.ts";
import { companies_summary } from "../../_shared/schema.ts";
import { ownerName, ownerSql } from "../users/queries.ts";
import { Company, CompanyInput, CompanyPatch } from "./schema.ts";

export const companies = resource({
  table: "companies",
  name: "company",
  title: "a company",
  owner: "sales_id",
  mergeable: true,
  record: Company,
  input: CompanyInput,
  patch: CompanyPatch,
  problems: ["unknown_reference", "invalid_picture"],
  list: listing({
    relation: companies_summary,
    record: Company,
    defaultSort: "-created_at,-id",
    longText: ["description"],
    search: { column: "search", table: "companies" },
    include: { owner: ownerSql },
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
  }),
});

/** The company of the row `record` as one JSON value. */
export function companySql(sql: Sql): Fragment {
  return sql`
    select to_json(company)
    from (select id, name, website from companies where companies.id = record.company_id) as company`;
}
