/**
 * The fields that a column of a file can be imported into, by kind of record, and the headers that
 * mean them. The headers are those of Portico's own exports and of HubSpot, Pipedrive, Google
 * Contacts and Outlook.
 */
import type * as z from "zod";
import { CompanyInput } from "../companies/schema.ts";
import { ContactInput, EmailAddress, PhoneNumber } from "../contacts/schema.ts";
import { DealInput } from "../deals/schema.ts";
import { TaskInput } from "../tasks/schema.ts";

export const RECORD_TYPES = ["contacts", "companies", "deals", "tasks"] as const;
export type RecordType = (typeof RECORD_TYPES)[number];

/** How the text of a cell becomes a value. */
export type Kind =
  | "text"
  | "url"
  | "integer"
  | "boolean"
  | "time"
  | "date"
  | "configured"
  | "name"
  | "email"
  | "phone"
  | "elements"
  | "names"
  | "reference";

export interface Field {
  kind: Kind;
  /** Checks the value. Undefined for references, which the database checks. */
  schema?: z.ZodType;
  /** Type of an e-mail address or a phone number. */
  type?: "Work" | "Home" | "Other";
  /** List of the configuration that has the allowed values. */
  list?: "dealStages" | "dealCategories" | "taskTypes";
  /**
   * Headers that mean the field, in lower case, with one space between words, the clearest first. The
   * field's own name is clearer than all of them, unless it is among them.
   */
  headers: string[];
}

const contact = ContactInput.shape;
const company = CompanyInput.shape;
const deal = DealInput.shape;
const task = TaskInput.shape;

const id: Field = { kind: "reference", headers: [] };
const external: Field = {
  kind: "reference",
  headers: [
    "record id",
    "external id",
    "contact id",
    "organization id",
    "object id",
    "hs object id",
  ],
};
const owner: Record<string, Field> = {
  owner_email: {
    kind: "reference",
    headers: ["owner email", "owner e mail", "contact owner email"],
  },
  sales_id: { kind: "reference", headers: ["owner id"] },
  sales: { kind: "reference", headers: ["owner", "contact owner", "company owner", "deal owner"] },
};
const companyReference: Record<string, Field> = {
  company: {
    kind: "reference",
    headers: [
      "company name",
      "organization",
      "organisation",
      "organization name",
      "organization 1 name",
      "associated company",
      "account",
      "account name",
      "employer",
    ],
  },
  company_id: { kind: "reference", headers: [] },
};
const contactReference: Record<string, Field> = {
  contact_email: {
    kind: "reference",
    headers: [
      "contact e mail",
      "person email",
      "person email work",
      "associated contact email",
      "email",
      "e mail",
    ],
  },
};

const emailHeaders = {
  Work: ["email", "e mail", "email address", "e mail address", "e mail 1 value", "work email"],
  Home: ["email 2", "e mail 2 address", "e mail 2 value", "home email", "personal email"],
  Other: [
    "email 3",
    "e mail 3 address",
    "e mail 3 value",
    "other email",
    "additional email",
    "additional email addresses",
  ],
};
const phoneHeaders = {
  Work: [
    "phone",
    "phone number",
    "business phone",
    "business phone 2",
    "work phone",
    "phone 1 value",
    "telephone",
    "company main phone",
  ],
  Home: ["home phone", "home phone 2", "phone 2 value", "home phone number"],
  Other: [
    "mobile",
    "mobile phone",
    "mobile phone number",
    "cell",
    "cell phone",
    "other phone",
    "primary phone",
    "car phone",
    "phone mobile",
    "phone 3 value",
  ],
};

function addresses(): Record<string, Field> {
  return Object.fromEntries((["Work", "Home", "Other"] as const).flatMap((type) => [
    [`email_${type.toLowerCase()}`, {
      kind: "email",
      schema: EmailAddress.shape.email,
      type,
      headers: emailHeaders[type],
    }],
    [`phone_${type.toLowerCase()}`, {
      kind: "phone",
      schema: PhoneNumber.shape.number,
      type,
      headers: phoneHeaders[type],
    }],
  ]));
}

function text(schema: z.ZodType, ...headers: string[]): Field {
  return { kind: "text", schema, headers };
}

const CONTACTS: Record<string, Field> = {
  id,
  external_id: external,
  first_name: text(contact.first_name, "given name", "firstname", "forename", "vorname", "prénom"),
  last_name: text(contact.last_name, "family name", "surname", "lastname", "nachname", "nom"),
  name: { kind: "name", schema: contact.first_name, headers: ["full name", "display name"] },
  gender: text(contact.gender),
  title: text(
    contact.title,
    "job title",
    // With a job title, Outlook's title is a form of address.
    "title",
    "position",
    "organization title",
    "organization 1 title",
    "role",
  ),
  background: text(contact.background, "notes", "note", "about", "biography"),
  first_seen: {
    kind: "time",
    schema: contact.first_seen,
    headers: ["create date", "created", "person created"],
  },
  last_seen: {
    kind: "time",
    schema: contact.last_seen,
    headers: ["last activity date", "last contacted", "last activity"],
  },
  has_newsletter: { kind: "boolean", schema: contact.has_newsletter, headers: ["newsletter"] },
  status: text(contact.status, "lead status"),
  tags: { kind: "names", headers: ["labels", "label", "categories", "group membership", "tag"] },
  ...companyReference,
  ...owner,
  linkedin_url: {
    kind: "url",
    schema: contact.linkedin_url,
    headers: ["linkedin", "linkedin profile", "linkedin url", "person linkedin url"],
  },
  ...addresses(),
  email_jsonb: { kind: "elements", schema: contact.email_jsonb, headers: [] },
  phone_jsonb: { kind: "elements", schema: contact.phone_jsonb, headers: [] },
};

const COMPANIES: Record<string, Field> = {
  id,
  external_id: external,
  name: text(
    company.name,
    "company name",
    "company",
    "organization",
    "organization name",
    "account name",
  ),
  sector: text(company.sector, "industry"),
  size: {
    kind: "integer",
    schema: company.size,
    headers: ["number of employees", "employees", "employee count"],
  },
  linkedin_url: text(company.linkedin_url, "linkedin", "linkedin company page", "linkedin url"),
  website: text(company.website, "website url", "web page", "company domain name", "domain", "url"),
  phone_number: text(company.phone_number, "phone", "company main phone", "telephone"),
  address: text(company.address, "street address", "street", "business street"),
  zipcode: text(company.zipcode, "postal code", "zip", "zip code", "business postal code"),
  city: text(company.city, "town", "business city"),
  state_abbr: text(company.state_abbr, "state", "region", "state region", "business state"),
  country: text(company.country, "country region", "business country region"),
  description: text(company.description, "about us", "about", "notes"),
  revenue: text(company.revenue, "annual revenue"),
  tax_identifier: text(company.tax_identifier, "tax id", "vat number", "vat id"),
  ...owner,
};

const DEALS: Record<string, Field> = {
  id,
  external_id: { ...external, headers: [...external.headers, "deal id"] },
  name: text(deal.name, "deal name", "title", "deal title", "opportunity name"),
  ...companyReference,
  ...contactReference,
  category: {
    kind: "configured",
    schema: deal.category,
    list: "dealCategories",
    headers: ["deal type", "type"],
  },
  stage: {
    kind: "configured",
    schema: deal.stage,
    list: "dealStages",
    headers: ["deal stage", "status"],
  },
  description: text(deal.description, "deal description", "notes"),
  amount: { kind: "integer", schema: deal.amount, headers: ["value", "deal value", "deal amount"] },
  expected_closing_date: {
    kind: "date",
    schema: deal.expected_closing_date,
    headers: ["close date", "expected close date", "closing date"],
  },
  closed_at: { kind: "time", schema: deal.closed_at, headers: ["won time", "lost time"] },
  ...owner,
};

const TASKS: Record<string, Field> = {
  id,
  external_id: { ...external, headers: [...external.headers, "task id"] },
  ...contactReference,
  contact_id: { kind: "reference", headers: [] },
  contact: { kind: "reference", headers: ["contact name", "person", "contact person"] },
  type: {
    kind: "configured",
    schema: task.type,
    list: "taskTypes",
    headers: ["task type", "activity type"],
  },
  text: text(task.text, "subject", "task", "title", "description", "task title", "notes"),
  due_date: { kind: "time", schema: task.due_date, headers: ["due", "deadline", "due time"] },
  done_date: {
    kind: "time",
    schema: task.done_date,
    headers: ["completed at", "done time", "completed date", "marked as done time"],
  },
  ...owner,
};

/** Kind of record → name of the field → field. */
export const FIELDS: Record<RecordType, Record<string, Field>> = {
  contacts: CONTACTS,
  companies: COMPANIES,
  deals: DEALS,
  tasks: TASKS,
};

/** Fields of which one must have a column. */
export const REQUIRED: Record<RecordType, string[][]> = {
  contacts: [[
    "first_name",
    "last_name",
    "name",
    "email_work",
    "email_home",
    "email_other",
    "email_jsonb",
    "id",
    "external_id",
  ]],
  companies: [["name"]],
  deals: [["name"], ["stage"]],
  tasks: [["contact_id", "contact_email", "contact"]],
};

/** Returns the field with this name. Undefined when the kind of record has none. */
export function fieldOf(recordType: RecordType, name: string): Field | undefined {
  return Object.hasOwn(FIELDS[recordType], name) ? FIELDS[recordType][name] : undefined;
}

/** Fields that several columns may have, because their values are collected. */
export function isCollected({ kind }: Field): boolean {
  return kind === "email" || kind === "phone" || kind === "names";
}

/** A field that a header means. The lower the rank, the clearer the header. */
export interface Meaning {
  field: string;
  rank: number;
}

/** How Pipedrive's headers begin: `Person - Email - Work`. */
const PREFIXES: Record<RecordType, RegExp> = {
  contacts: /^person - /i,
  companies: /^organi[sz]ation - /i,
  deals: /^deal - /i,
  tasks: /^activity - /i,
};

/** Returns the field that a header means, by the field's own name or by one of its headers. */
export function meaningOf(recordType: RecordType, header: string): Meaning | undefined {
  const own = header.replace(PREFIXES[recordType], "");
  const words = wordsOf(own);
  // The id in such a file is not one of this database.
  if (own !== header && words === "id") return { field: "external_id", rank: 0 };
  const fields = Object.entries(FIELDS[recordType]);
  const [field, definition] = fields.find(([name]) => name.replaceAll("_", " ") === words) ??
    fields.find(([, { headers }]) => headers.includes(words)) ?? [];
  if (field && definition) return { field, rank: definition.headers.indexOf(words) };
  return recordType === "contacts" ? furtherAddress(words) : undefined;
}

/** Google Contacts has as many columns as the contact with most addresses needs. */
function furtherAddress(words: string): Meaning | undefined {
  const [, kind] = /^(e mail|phone) \d+ value$/.exec(words) ?? [];
  if (kind === undefined) return undefined;
  return { field: kind === "phone" ? "phone_other" : "email_other", rank: Infinity };
}

/** The headers that may hold the type of the addresses in a column: `Phone 1 - Label`. */
export function labelHeaders(header: string): string[] {
  return ["Label", "Type"].map((name) => header.replace(/ - Value$/, ` - ${name}`))
    .filter((name) => name !== header);
}

/** `E-mail 1 - Value` → `e mail 1 value` */
function wordsOf(header: string): string {
  return header.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, " ").trim();
}
