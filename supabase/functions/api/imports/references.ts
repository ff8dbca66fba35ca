/** The records that the rows of a chunk refer to: members, companies, contacts and tags. */
import { arraySql, pipelined, type Sql } from "../../_shared/database/database.ts";
import { externalIdKey } from "../merges/mergedValues.ts";
import type { Draft, Email } from "./convert.ts";
import type { RecordType } from "./fields.ts";

interface MemberRow {
  id: number;
  email: string;
  name: string;
  disabled: boolean;
}

/** The id of a record in another system. */
export interface ExternalId {
  source: string;
  id: string;
}

/** A record by which a reference is checked. */
interface Named {
  id: number;
  name: string;
}

/** What the rows of a chunk can refer to. */
export interface Known {
  members: MemberRow[];
  /** Company → lower-case name, by id. */
  companies: Map<number, string>;
  companiesByName: Map<string, number>;
  /** Ids of companies in the source of the import. */
  companiesByExternalId: Map<string, number>;
  contacts: Map<number, string>;
  /** Contacts with a unique name. */
  contactsByName: Map<string, number>;
  contactsByExternalId: Map<string, number>;
  contactsByEmail: Map<string, number>;
  tags: Map<number, string>;
  tagsByName: Map<string, number>;
}

/** Texts that name records, without repetition. */
function textsOf(drafts: Draft[], ...fields: string[]): string[] {
  const texts = new Set<string>();
  for (const { references } of drafts) {
    for (const field of fields) {
      const text = references.get(field);
      if (text !== undefined) texts.add(text);
    }
  }
  return [...texts];
}

/** Texts that may be ids of this database. */
export function idsOf(texts: string[]): number[] {
  return texts.filter((text) => /^[1-9]\d{0,14}$/.test(text)).map(Number);
}

/** The addresses of a row. */
export function emailsOf({ values }: Pick<Draft, "values">): string[] {
  const list: Partial<Email>[] = Array.isArray(values.email_jsonb) ? values.email_jsonb : [];
  return list.map(({ email }) => typeof email === "string" ? email.toLowerCase() : "")
    .filter((email) => email !== "");
}

/** Reads what the rows refer to, in one round trip. */
export async function readKnown(
  sql: Sql,
  recordType: RecordType,
  source: string,
  drafts: Draft[],
): Promise<Known> {
  const companyIds = textsOf(drafts, "company_id");
  const contactIds = textsOf(drafts, "contact_id");
  const emails = textsOf(drafts, "contact_email").flatMap(splitEmails);
  if (recordType === "contacts") emails.push(...drafts.flatMap(emailsOf));
  const [
    members,
    companies,
    companiesByName,
    companyExternal,
    contacts,
    contactExternal,
    byEmail,
    tags,
  ] = await pipelined([
    readMembers(sql, drafts),
    readCompanies(sql, idsOf(companyIds)),
    findCompaniesByName(sql, companyNames(drafts)),
    findExternalIds(sql, "companies", source, companyIds),
    readContacts(sql, idsOf(contactIds), textsOf(drafts, "contact").map(lower)),
    findExternalIds(sql, "contacts", source, contactIds),
    findContactsByEmail(sql, [...new Set(emails)]),
    readTags(sql, drafts),
  ]);
  return {
    members,
    companies: byId(companies),
    companiesByName,
    companiesByExternalId: companyExternal,
    contacts: byId(contacts),
    contactsByName: uniqueByName(contacts),
    contactsByExternalId: contactExternal,
    contactsByEmail: byEmail,
    tags: byId(tags),
    tagsByName: firstByName(tags),
  };
}

/** Splits a cell with several addresses. */
export function splitEmails(text: string): string[] {
  return text.toLowerCase().split(/[\s,;]+/).filter((email) => email !== "");
}

function lower(text: string): string {
  return text.toLowerCase();
}

function byId(rows: Named[]): Map<number, string> {
  return new Map(rows.map(({ id, name }) => [id, name]));
}

function firstByName(rows: Named[]): Map<string, number> {
  return new Map(rows.toSorted((a, b) => b.id - a.id).map(({ id, name }) => [name, id]));
}

function uniqueByName(rows: Named[]): Map<string, number> {
  const counts = Map.groupBy(rows, ({ name }) => name);
  const unique = rows.filter(({ name }) => counts.get(name)?.length === 1);
  return new Map(unique.map(({ id, name }) => [name, id]));
}

async function readMembers(sql: Sql, drafts: Draft[]): Promise<MemberRow[]> {
  if (textsOf(drafts, "owner_email", "sales_id", "sales").length === 0) return [];
  return await sql<MemberRow[]>`
    select
      id::float8 as id, lower(email::text) as email,
      lower(concat_ws(' ', first_name, last_name)) as name, disabled
    from sales`;
}

async function readCompanies(sql: Sql, ids: number[]): Promise<Named[]> {
  if (ids.length === 0) return [];
  const rows = await sql<Named[]>`
    select id::float8 as id, name
    from companies
    where id = any (${arraySql(sql, ids, "bigint")})`;
  return rows.map(({ id, name }) => ({ id, name: lower(name) }));
}

/** The names of companies in the rows, as far as a company can have them, in lower case. */
function companyNames(drafts: Draft[]): string[] {
  return [...new Set(textsOf(drafts, "company").map(companyKey))];
}

/** The text by which a company is found in `companiesByName`. */
function companyKey(name: string): string {
  return lower(name.slice(0, MAXIMUM_NAME));
}

/** Returns lower-case name → the oldest company with this name. */
export async function findCompaniesByName(
  sql: Sql,
  names: string[],
): Promise<Map<string, number>> {
  if (names.length === 0) return new Map();
  const rows = await sql<{ name: string; record_id: number }[]>`
    select name, record_id::float8 as record_id
    from private.find_companies_by_name(${arraySql(sql, names, "text")})`;
  return new Map(rows.map(({ name, record_id }) => [name, record_id]));
}

async function readContacts(sql: Sql, ids: number[], names: string[]): Promise<Named[]> {
  if (ids.length + names.length === 0) return [];
  return await sql<Named[]>`
    select id::float8 as id, lower(concat_ws(' ', first_name, last_name)) as name
    from contacts
    where id = any (${arraySql(sql, ids, "bigint")})
    union
    select c.id::float8, wanted.name
    from unnest(${arraySql(sql, names, "text")}) as wanted (name)
    join contacts c on lower(concat_ws(' ', c.first_name, c.last_name)) = wanted.name`;
}

async function readTags(sql: Sql, drafts: Draft[]): Promise<Named[]> {
  if (drafts.every(({ tags }) => tags.length === 0)) return [];
  return await sql<Named[]>`select id::float8 as id, lower(name) as name from tags`;
}

/** Returns id in the other system → record. */
export async function findExternalIds(
  sql: Sql,
  table: string,
  source: string,
  ids: string[],
): Promise<Map<string, number>> {
  if (ids.length === 0) return new Map();
  const rows = await readExternalIds(sql, table, ids.map((id) => ({ source, id })));
  return new Map(rows.map(({ external_id, record_id }) => [external_id, record_id]));
}

/** Returns the keys of ids in other systems → record. */
export async function findExternalKeys(
  sql: Sql,
  table: string,
  ids: ExternalId[],
): Promise<Map<string, number>> {
  if (ids.length === 0) return new Map();
  const rows = await readExternalIds(sql, table, ids);
  return new Map(rows.map(({ source, external_id: id, record_id }) => [
    externalIdKey({ source, id }),
    record_id,
  ]));
}

async function readExternalIds(sql: Sql, table: string, ids: ExternalId[]) {
  const sources = arraySql(sql, ids.map(({ source }) => source), "text");
  return await sql<{ source: string; external_id: string; record_id: number }[]>`
    select source, external_id, record_id::float8 as record_id
    from private.find_external_ids(
      ${table}, ${sources}, ${arraySql(sql, ids.map(({ id }) => id), "text")}
    )`;
}

async function findContactsByEmail(sql: Sql, emails: string[]): Promise<Map<string, number>> {
  if (emails.length === 0) return new Map();
  const rows = await sql<{ email: string; record_id: number }[]>`
    select email, record_id::float8 as record_id
    from private.find_contacts_by_email(${arraySql(sql, emails, "text")})`;
  return new Map(rows.map(({ email, record_id }) => [email, record_id]));
}

/** Creates the companies and tags that the rows name and that do not exist. Each is made once. */
export async function makeMissing(sql: Sql, drafts: Draft[], known: Known): Promise<void> {
  const companies = drafts.flatMap(({ references }) => references.get("company") ?? []);
  const tags = drafts.flatMap((draft) => draft.tags).filter((tag) => typeof tag === "string");
  const newCompanies = newNames(companies, known.companiesByName);
  const newTags = newNames(tags, known.tagsByName);
  if (newCompanies.size + newTags.size === 0) return;
  // Two imports at the same time make no company twice.
  await sql`
    select pg_advisory_xact_lock(hashtextextended('import names ' || private.workspace_id(), 0))`;
  await makeCompanies(sql, newCompanies, known.companiesByName);
  if (newTags.size > 0) {
    for (const { id, name } of await makeTags(sql, [...newTags.values()])) {
      known.tagsByName.set(name, id);
    }
  }
}

const MAXIMUM_NAME = 500;

/** Returns lower-case name → name, as it was written first. */
function newNames(names: string[], known: Map<string, number>): Map<string, string> {
  const added = new Map<string, string>();
  for (const text of names) {
    const name = text.slice(0, MAXIMUM_NAME);
    const key = lower(name);
    if (!known.has(key) && !added.has(key)) added.set(key, name);
  }
  return added;
}

async function makeCompanies(
  sql: Sql,
  names: Map<string, string>,
  byName: Map<string, number>,
): Promise<void> {
  // Another transaction may have made some of them before this one had the lock.
  for (const [key, id] of await findCompaniesByName(sql, [...names.keys()])) byName.set(key, id);
  const missing = [...names].filter(([key]) => !byName.has(key));
  if (missing.length === 0) return;
  await sql`
    insert into companies (name)
    select name
    from unnest(${arraySql(sql, missing.map(([, name]) => name), "text")})
      with ordinality as missing (name, position)
    order by position`;
  const made = await findCompaniesByName(sql, missing.map(([key]) => key));
  for (const [key, id] of made) byName.set(key, id);
}

const TAG_COLORS = ["#fde2e4", "#e2ece9", "#dfe7fd", "#fff1e6", "#e8dff5"];

/** The locks on the names are taken in one order, so that no two imports wait for each other. */
async function makeTags(sql: Sql, names: string[]): Promise<Named[]> {
  await sql`
    insert into tags (name, color)
    select claimed.name, (${arraySql(sql, TAG_COLORS, "text")})[1 + claimed.position % 5]
    from (
      select wanted.name, wanted.position, private.claim_tag_name(wanted.name) as holders
      from (
        select name, row_number() over (order by lower(name)) as position
        from unnest(${arraySql(sql, names, "text")}) as name
        order by lower(name)
      ) as wanted
      offset 0
    ) as claimed
    where claimed.holders = '{}'`;
  return await sql<Named[]>`select id::float8 as id, lower(name) as name from tags`;
}

/** Puts the ids of the referenced records into the values of a row, and reports missing ones. */
export function resolve(draft: Draft, recordType: RecordType, known: Known): void {
  if (recordType !== "tasks") resolveCompany(draft, recordType, known);
  if (recordType === "deals") resolveDealContacts(draft, known);
  if (recordType === "tasks") resolveTaskContact(draft, known);
  if (draft.tags.length > 0) resolveTags(draft, known);
  resolveOwner(draft, known);
}

function resolveCompany(draft: Draft, recordType: RecordType, known: Known): void {
  if (recordType === "companies") return;
  const text = draft.references.get("company");
  const name = text === undefined ? undefined : companyKey(text);
  const id = draft.references.get("company_id");
  if (name === undefined && id === undefined) return;
  const own = id === undefined ? undefined : known.companies.get(Number(id));
  const found = own !== undefined && (name === undefined || own === name)
    ? Number(id)
    : known.companiesByExternalId.get(id ?? "") ?? known.companiesByName.get(name ?? "");
  if (found !== undefined) draft.values.company_id = found;
  else report(draft, "company_id", id ?? null, "There is no such company.");
}

function resolveDealContacts(draft: Draft, known: Known): void {
  const emails = splitEmails(draft.references.get("contact_email") ?? "");
  const ids = emails.flatMap((email) => {
    const id = known.contactsByEmail.get(email);
    if (id === undefined) report(draft, "contact_email", email, "No contact has this address.");
    return id ?? [];
  });
  if (ids.length > 0) draft.values.contact_ids = [...new Set(ids)];
}

function resolveTaskContact(draft: Draft, known: Known): void {
  const { references } = draft;
  const email = references.get("contact_email")?.toLowerCase();
  const name = references.get("contact")?.toLowerCase();
  const id = references.get("contact_id");
  const own = id === undefined ? undefined : known.contacts.get(Number(id));
  const byId = own !== undefined && (name === undefined || own === name) ? Number(id) : undefined;
  const found = known.contactsByEmail.get(email ?? "") ?? byId ??
    known.contactsByExternalId.get(id ?? "") ?? known.contactsByName.get(name ?? "");
  if (found !== undefined) draft.values.contact_id = found;
  else {
    const [field = "contact_id", value = null] =
      [["contact_email", email], ["contact", name], ["contact_id", id]].find(([, text]) => text) ??
        [];
    report(draft, field, value, "There is no such contact, or several have this name.");
  }
}

function resolveTags(draft: Draft, known: Known): void {
  const ids = draft.tags.flatMap((tag) => {
    const id = typeof tag === "number"
      ? known.tags.has(tag) ? tag : undefined
      : known.tagsByName.get(lower(tag.slice(0, MAXIMUM_NAME)));
    if (id === undefined) report(draft, "tags", String(tag), "There is no such tag.");
    return id ?? [];
  });
  draft.values.tags = [...new Set(ids)];
}

/** An address must be a member's. A name or an id of another system need not be. */
function resolveOwner(draft: Draft, { members }: Known): void {
  const { references } = draft;
  if (members.length === 0) return;
  const active = members.filter(({ disabled }) => !disabled);
  const email = references.get("owner_email")?.toLowerCase();
  if (email !== undefined) {
    const owner = active.find((member) => member.email === email);
    if (owner) draft.values.sales_id = owner.id;
    else report(draft, "owner_email", email, "No active member has this address.");
    return;
  }
  const id = Number(references.get("sales_id") ?? 0);
  const name = references.get("sales")?.toLowerCase();
  const named = active.filter((member) => member.name === name || member.email === name);
  const owner =
    active.find((member) => member.id === id && (name === undefined || member.name === name)) ??
      (named.length === 1 ? named[0] : undefined);
  if (owner) draft.references.set("suggested_owner", String(owner.id));
}

function report(draft: Draft, field: string, value: string | null, reason: string): void {
  draft.errors.push({ column: null, field, value, reason });
}
