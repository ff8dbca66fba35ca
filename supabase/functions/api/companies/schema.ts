/** Wire shapes of companies, from the generated schema; only what the database cannot say is refined. */
import { createInsertSchema, createSelectSchema } from "drizzle-zod";
import * as z from "zod";
import { recordId } from "../../_shared/fields.ts";
import { companies, companies_summary } from "../../_shared/schema.ts";
import { Owner } from "../users/schema.ts";

export const Company = createSelectSchema(companies_summary, {
  id: recordId,
  name: z.string(),
  context_links: z.unknown(),
  logo: z.unknown(),
  nb_contacts: z.int(),
  nb_deals: z.int(),
  created_at: z.string(),
  updated_at: z.string(),
}).omit({ search: true }).extend({
  owner: Owner.optional(),
}).meta({ id: "Company" });
export type Company = z.output<typeof Company>;

const text = z.string().trim().max(500).nullish();
const longText = z.string().trim().max(2_000).nullish();

export const CompanyInput = z.strictObject(
  createInsertSchema(companies, {
    name: z.string().trim().min(1, "Use a name.").max(500),
    sector: text,
    phone_number: text,
    zipcode: text,
    city: text,
    state_abbr: text,
    country: text,
    revenue: text,
    tax_identifier: text,
    address: longText,
    linkedin_url: longText,
    website: longText,
    description: z.string().max(100_000).nullish(),
    size: z.int().min(0).max(32_767).nullish(),
    sales_id: recordId.nullish(),
    context_links: z.array(z.string().max(2_000)).max(50).nullish(),
    logo: z.looseObject({ src: z.string().max(500_000) }).nullish(),
  }).omit({ id: true, workspace_id: true, created_at: true, updated_at: true, search: true }).shape,
).meta({ id: "CompanyInput" });

export const CompanyPatch = CompanyInput.partial().meta({ id: "CompanyPatch" });
