/** The schemas of companies: the generated ones, refined where the database cannot check. */
import * as z from "zod";
import { externalIds, longText, recordId, requiredName, shortText } from "../../_shared/fields.ts";
import { companies, companies_summary } from "../../_shared/schema.ts";
import { Picture, PictureInput } from "../pictures/schema.ts";
import { MemberReference } from "../users/schema.ts";

export const Company = z.object({
  ...companies_summary.row,
  id: recordId,
  name: z.string(),
  logo: Picture.nullable(),
  nb_contacts: z.int(),
  nb_deals: z.int(),
  created_at: z.string(),
  updated_at: z.string(),
  owner: MemberReference.optional(),
}).meta({ id: "Company" });
export type Company = z.output<typeof Company>;

/** The company of another record, as `?include=company` shows it. */
export const CompanyReference = z.object({
  id: recordId,
  name: z.string(),
  website: z.string().nullable(),
}).nullable();

const address = z.string().trim().max(2_000).nullish();

export const CompanyInput = z.strictObject({
  ...companies.input,
  name: requiredName,
  sector: shortText,
  phone_number: shortText,
  zipcode: shortText,
  city: shortText,
  state_abbr: shortText,
  country: shortText,
  revenue: shortText,
  tax_identifier: shortText,
  address,
  linkedin_url: address,
  website: address,
  description: longText,
  size: z.int().min(0).max(32_767).nullish(),
  context_links: z.array(z.string().max(2_000)).max(50)
    .refine(
      (links) => JSON.stringify(links).length <= 10_000,
      "Use at most 10000 characters for all links.",
    ).nullish(),
  logo: PictureInput.nullish(),
  external_ids: externalIds,
}).meta({ id: "CompanyInput" });

export const CompanyPatch = CompanyInput.partial().meta({ id: "CompanyPatch" });
