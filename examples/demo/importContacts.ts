/** Imports new contacts through the SDK, with companies and tags by name. */
import type { SupabaseClient } from "@supabase/supabase-js";
import { type Contact, type Portico, PorticoError } from "../../client-sdk/src/mod.ts";
import type { ContactRow } from "./contactsCsv.ts";
import { progress } from "./print.ts";

const AT_ONCE = 8;
const NAMES_PER_REQUEST = 50;
const COLORS = ["#fde2e4", "#e2ece9", "#dfe7fd", "#fff1e6", "#e8dff5"];

export interface ImportResult {
  created: number;
  known: number;
  companies: number;
  tags: number;
  /** Messages about refused rows. */
  refused: string[];
}

/** Imports the rows that the workspace does not have yet. A second import creates nothing. */
export async function importContacts(
  portico: Portico,
  supabase: SupabaseClient,
  rows: ContactRow[],
): Promise<ImportResult> {
  const known = await knownContacts(portico);
  const unknown = rows.filter((row) => isNew(row, known));
  const companies = await ensureCompanies(portico, unknown.map((row) => row.company));
  const tags = await ensureTags(supabase, unknown.flatMap((row) => row.tags));
  const refused: string[] = [];
  await inParallel(unknown, async (row) => {
    try {
      await portico.contacts.create({
        ...row.contact,
        company_id: companies.ids.get(row.company) ?? null,
        tags: row.tags.flatMap((name) => tags.ids.get(name) ?? []),
      });
    } catch (error) {
      if (!(error instanceof PorticoError) || error.status !== 422) throw error;
      refused.push(`${nameOf(row.contact)}: ${Object.values(error.errors).join(" ")}`);
    }
  });
  return {
    created: unknown.length - refused.length,
    known: rows.length - unknown.length,
    companies: companies.created,
    tags: tags.created,
    refused,
  };
}

/** The e-mail addresses of all contacts, and the names of contacts without an address. */
async function knownContacts(portico: Portico): Promise<Set<string>> {
  const known = new Set<string>();
  const select = ["first_name", "last_name", "email_jsonb"] as const;
  for await (const contact of portico.contacts.list({ limit: 200, select })) {
    const emails = emailsOf(contact);
    for (const key of emails.length > 0 ? emails : [nameOf(contact)]) known.add(key);
  }
  return known;
}

/** Whether the row's contact is new. Adds it to `known`, because a file may name a person twice. */
function isNew({ contact, emails }: ContactRow, known: Set<string>): boolean {
  const keys = emails.length > 0 ? emails : [nameOf(contact)];
  if (keys.some((key) => known.has(key))) return false;
  for (const key of keys) known.add(key);
  return true;
}

function emailsOf({ email_jsonb }: Partial<Contact>): string[] {
  return (email_jsonb ?? []).flatMap((element) =>
    "email" in element && typeof element.email === "string" ? [element.email.toLowerCase()] : []
  );
}

function nameOf({ first_name, last_name }: Pick<Partial<Contact>, "first_name" | "last_name">) {
  return [first_name, last_name].filter((name) => name).join(" ");
}

/** The ids of companies by name. Creates missing companies. */
async function ensureCompanies(portico: Portico, wanted: string[]) {
  const names = [...new Set(wanted)].filter((name) => name !== "");
  const ids = new Map<string, number>();
  for (let at = 0; at < names.length; at += NAMES_PER_REQUEST) {
    const query = { "name@in": names.slice(at, at + NAMES_PER_REQUEST), limit: 200 } as const;
    for await (const { name, id } of portico.companies.list(query)) ids.set(name, id);
  }
  const missing = names.filter((name) => !ids.has(name));
  await inParallel(missing, async (name) => {
    ids.set(name, (await portico.companies.create({ name })).id);
  });
  return { ids, created: missing.length };
}

/** The ids of tags by name. Creates missing tags. Reads and writes them through the Data API. */
async function ensureTags(supabase: SupabaseClient, wanted: string[]) {
  const names = [...new Set(wanted)];
  const found = await supabase.from("tags").select("id, name").in("name", names);
  if (found.error) throw found.error;
  const missing = names.filter((name) => !found.data.some((tag) => tag.name === name));
  const rows = missing.map((name, index) => ({ name, color: COLORS[index % COLORS.length] }));
  const made = await supabase.from("tags").insert(rows).select("id, name");
  if (made.error) throw made.error;
  const ids = new Map<string, number>();
  for (const { id, name } of [...found.data, ...made.data]) ids.set(name, id);
  return { ids, created: missing.length };
}

/** Runs `work` for every item, for a few items at the same time. */
async function inParallel<Item>(
  items: Item[],
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const waiting = items.values();
  let done = 0;
  const worker = async () => {
    for (const item of waiting) {
      await work(item);
      progress(++done, items.length);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}
