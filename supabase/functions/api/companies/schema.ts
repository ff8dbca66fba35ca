/** Wire shapes of companies, from the generated schema; only what the database cannot say is refined. */
import * as z from "zod";
import { recordId } from "../../_shared/fields.ts";
import { companies, companies_summary } from "../../_shared/schema.ts";
import { Owner } from "../users/schema.ts";

export const Company = z.object({
  ...companies_summary.row,
  id: recordId,
  name: z.string(),
  nb_contacts: z.int(),
  nb_deals: z.int(),
  created_at: z.string(),
  updated_at: z.string(),
  owner: Owner.optional(),
}).meta({ id: "Company" });
export type Company = z.output<typeof Company>;

const text = z.string().trim().max(500).nullish();
const longText = z.string().trim().max(2_000).nullish();

export const CompanyInput = z.strictObject({
  ...companies.input,
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
  context_links: z.array(z.string().max(2_000)).max(50).nullish(),
  logo: z.looseObject({ src: z.string().max(500_000) }).nullish(),
}).meta({ id: "CompanyInput" });

export const CompanyPatch = CompanyInput.partial().meta({ id: "CompanyPatch" });
