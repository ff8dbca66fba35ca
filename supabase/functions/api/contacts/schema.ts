/** Wire shapes of contacts, from the generated schema; only what the database cannot say is refined. */
import * as z from "zod";
import { recordId } from "../../_shared/fields.ts";
import { contacts, contacts_summary } from "../../_shared/schema.ts";
import { configured } from "../configuration/schema.ts";
import { Owner } from "../users/schema.ts";

const addressType = z.enum(["Work", "Home", "Other"]);

export const EmailAddress = z.strictObject({
  email: z.email("Use an e-mail address.").max(320),
  type: addressType.optional(),
}).meta({ id: "EmailAddress" });

export const PhoneNumber = z.strictObject({
  number: z.string().trim().min(1, "Use a phone number.").max(100),
  type: addressType.optional(),
}).meta({ id: "PhoneNumber" });

/** Stored by Atomic CRM's clients without validation: whatever is in an element comes out. */
const stored = { type: z.string().nullish() };
const storedEmails = z.array(z.looseObject({ email: z.string().nullish(), ...stored })).nullable();
const storedPhones = z.array(
  z.looseObject({ number: z.union([z.string(), z.number()]).nullish(), ...stored }),
).nullable();

/** `?include=` of contacts: name → what comes with the contact. */
export const contactIncludes = {
  company: z.object({ id: recordId, name: z.string(), website: z.string().nullable() }).nullable(),
  owner: Owner,
  tag_records: z.array(z.object({ id: recordId, name: z.string(), color: z.string() })),
};

/** What a search reads of addresses and numbers; no answer shows it. */
const { email_fts: _email, phone_fts: _phone, ...row } = contacts_summary.row;

export const Contact = z.object({
  ...row,
  id: recordId,
  email_jsonb: storedEmails,
  phone_jsonb: storedPhones,
  avatar: z.unknown(),
  nb_tasks: z.int(),
  created_at: z.string(),
  updated_at: z.string(),
  company: contactIncludes.company.optional(),
  owner: contactIncludes.owner.optional(),
  tag_records: contactIncludes.tag_records.optional(),
}).meta({ id: "Contact" });
export type Contact = z.output<typeof Contact>;

/** The contact of a task or a note, as `?include=contact` shows it. */
export const ContactReference = z.object({
  id: recordId,
  first_name: z.string().nullable(),
  last_name: z.string().nullable(),
  company_name: z.string().nullable(),
}).nullable();

/** What a new task or note also does to its contact. */
export const contactStatus = configured.optional()
  .describe("Sets the contact's status in the same transaction.");

const name = z.string().trim().max(500).nullish();
const url = z.url({ protocol: /^https?$/, error: "Use an http or https address." }).max(2_000)
  .nullish();

export const ContactInput = z.strictObject({
  ...contacts.input,
  first_name: name,
  last_name: name,
  gender: name,
  title: name,
  status: name,
  background: z.string().max(100_000).nullish(),
  linkedin_url: z.union([url, z.literal("")]),
  avatar: z.looseObject({ src: z.string().max(500_000) }).nullish(),
  tags: z.array(recordId).max(200).nullish(),
  email_jsonb: z.array(EmailAddress).max(50).nullish(),
  phone_jsonb: z.array(PhoneNumber).max(50).nullish(),
}).meta({ id: "ContactInput" });
