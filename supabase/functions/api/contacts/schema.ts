/** The schemas of contacts: the generated ones, refined where the database cannot check. */
import * as z from "zod";
import { externalIds, longText, recordId, shortText } from "../../_shared/fields.ts";
import { contacts, contacts_summary } from "../../_shared/schema.ts";
import { CompanyReference } from "../companies/schema.ts";
import { configured } from "../configuration/schema.ts";
import { Picture, PictureInput } from "../pictures/schema.ts";
import { MemberReference } from "../users/schema.ts";

const addressType = z.enum(["Work", "Home", "Other"]);

export const EmailAddress = z.strictObject({
  email: z.email("Use an e-mail address.").max(320),
  type: addressType.optional(),
}).meta({ id: "EmailAddress" });

export const PhoneNumber = z.strictObject({
  number: z.string().trim().min(1, "Use a phone number.").max(100),
  type: addressType.optional(),
}).meta({ id: "PhoneNumber" });

/** Atomic CRM's clients store elements without validation, so answers allow any field in one. */
const storedType = z.string().nullish();
const storedEmails = z.array(
  z.looseObject({ email: z.string().nullish(), type: storedType }),
).nullable();
const storedPhones = z.array(
  z.looseObject({ number: z.union([z.string(), z.number()]).nullish(), type: storedType }),
).nullable();

/** Answers leave out the columns that only the search reads. */
const { email_fts: _email, phone_fts: _phone, ...row } = contacts_summary.row;

export const Contact = z.object({
  ...row,
  id: recordId,
  email_jsonb: storedEmails,
  phone_jsonb: storedPhones,
  avatar: Picture.nullable(),
  nb_tasks: z.int(),
  created_at: z.string(),
  updated_at: z.string(),
  company: CompanyReference.optional(),
  owner: MemberReference.optional(),
  tag_records: z.array(z.object({ id: recordId, name: z.string(), color: z.string() })).optional(),
}).meta({ id: "Contact" });
export type Contact = z.output<typeof Contact>;

/** The contact of another record, as `?include=contact` shows it. */
export const ContactReference = z.object({
  id: recordId,
  first_name: z.string().nullable(),
  last_name: z.string().nullable(),
  company_name: z.string().nullable(),
}).nullable();

/** The field of a new task or note that changes its contact. */
export const contactStatus = configured.optional()
  .describe("Sets the contact's status in the same transaction.");

const url = z.url({ protocol: /^https?$/, error: "Use an http or https address." }).max(2_000)
  .nullish();

export const ContactInput = z.strictObject({
  ...contacts.input,
  first_name: shortText,
  last_name: shortText,
  gender: shortText,
  title: shortText,
  status: shortText,
  background: longText,
  linkedin_url: z.union([url, z.literal("")]),
  avatar: PictureInput.nullish(),
  tags: z.array(recordId).max(200).nullish(),
  email_jsonb: z.array(EmailAddress).max(50).nullish(),
  phone_jsonb: z.array(PhoneNumber).max(50).nullish(),
  external_ids: externalIds,
}).meta({ id: "ContactInput" });
