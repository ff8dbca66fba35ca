/**
 * `deno task demo`: shows what Portico does, on a running stack through its SDK. It can be repeated on
 * the same database: it finds the records of the last run.
 */
import { basename } from "@std/path";
import type { SupabaseClient } from "@supabase/supabase-js";
import type { Contact, ContactMergeResult, Portico, User } from "../client-sdk/src/mod.ts";
import { PorticoError } from "../client-sdk/src/mod.ts";
import { connect, readOptions } from "./demo/connect.ts";
import { importFile, undoImport } from "./demo/importFile.ts";
import { clearProgress, say, seconds, section, table } from "./demo/print.ts";

const COLLEAGUE = { email: "grace.hopper@example.com", first_name: "Grace", last_name: "Hopper" };

async function main(): Promise<void> {
  const begun = performance.now();
  const options = readOptions(Deno.args);
  const { portico, supabase, url } = await section("Sign in", async () => {
    const connection = await connect(options);
    const me = await connection.portico.me.get();
    say(`${me.first_name} ${me.last_name} <${me.email}>, ${me.role}, at ${connection.url}`);
    return connection;
  });
  const path = options.file ?? SAMPLE;
  const { id } = await section(`Import ${basename(path)}`, () => importFile(portico, path));
  await section("List: the five seen last", () => showList(portico));
  await section("Search", () => showSearch(portico));
  await section("Invite a colleague", () => invite(portico));
  await section("Merge two contacts", () => showMerge(portico, supabase));
  await section("Undo the import", () => undoImport(portico, id));
  console.log(`\nDone in ${seconds(begun)}. Every call: ${url}/openapi.json`);
}

const SAMPLE = new URL("contacts.csv", import.meta.url).pathname;

function fullName({ first_name, last_name }: Pick<Contact, "first_name" | "last_name">): string {
  return [first_name, last_name].filter((name) => name).join(" ");
}

function showContacts(contacts: Contact[]): void {
  table(
    ["Name", "Company", "Status", "Last seen"],
    contacts.map((contact) => [
      fullName(contact),
      contact.company_name,
      contact.status,
      contact.last_seen?.slice(0, 10) ?? null,
    ]),
  );
}

async function showList(portico: Portico): Promise<void> {
  const page = await portico.contacts.list({ sort: "-last_seen", limit: 5, count: "exact" });
  showContacts(page.data);
  say(`of ${page.total}`);
}

/** Searches for a contact by the first letters of both names. */
async function showSearch(portico: Portico): Promise<void> {
  const { data } = await portico.contacts.list({ limit: 50 });
  const named = data.find(({ first_name, last_name }) => first_name && last_name);
  const q = [named?.last_name, named?.first_name].map((word) => word?.slice(0, 4) ?? "").join(" ");
  const page = await portico.contacts.list({ q, limit: 5 });
  say(`"${q}" finds:`);
  showContacts(page.data);
}

async function invite(portico: Portico): Promise<void> {
  try {
    const user = await portico.users.invite({ ...COLLEAGUE, role: "rep" });
    say(`${user.email} is invited as ${user.role}; the mail is sent.`);
  } catch (error) {
    if (!(error instanceof PorticoError) || error.code !== "member_exists") throw error;
    const [user] = (await portico.users.list({ email: COLLEAGUE.email })).data;
    if (user) await inviteAgain(portico, user);
  }
}

async function inviteAgain(portico: Portico, user: User): Promise<void> {
  if (user.status !== "invited") return say(`${user.email} is a member already: ${user.status}.`);
  await portico.users.resendInvite(user.id);
  say(`${user.email} was invited before; the mail is sent again.`);
}

/** Creates two contacts, merges them, and deletes the result. */
async function showMerge(portico: Portico, supabase: SupabaseClient): Promise<void> {
  const { winner, loser } = await createPair(portico, supabase);
  const input = { loser_ids: [loser.id] };
  const before = await portico.contacts.merge(winner.id, { ...input, dry_run: true });
  showMerged("Dry run, nothing has changed:", winner, loser, before);
  const { moved } = await portico.contacts.merge(winner.id, input);
  say(`Done: ${fullName(loser)} (${loser.id}) is part of ${fullName(winner)} (${winner.id}).`);
  say(`Moved: ${Object.entries(moved).map(([table, rows]) => `${table} ${rows}`).join(", ")}`);
  const gone = await portico.contacts.get(loser.id).catch((error: unknown) => error);
  if (gone instanceof PorticoError) say(`GET ${loser.id}: ${gone.status} ${gone.code}`);
  await portico.contacts.delete(winner.id);
  say("The demo's own contact is in the trash.");
}

/** Creates two contacts of one person. The second has a task and a note, written through the Data API
 * as Atomic CRM does. */
async function createPair(portico: Portico, supabase: SupabaseClient) {
  const winner = await portico.contacts.create({
    first_name: "Ada",
    last_name: "Lovelace",
    status: "warm",
    email_jsonb: [{ email: "ada@engine.example", type: "Work" }],
  });
  const loser = await portico.contacts.create({
    first_name: "A.",
    last_name: "Lovelace",
    title: "Analyst",
    email_jsonb: [{ email: "ADA@engine.example" }, { email: "ada@home.example", type: "Home" }],
    phone_jsonb: [{ number: "+44 20 7946 0001", type: "Work" }],
  });
  const row = { contact_id: loser.id, text: "Ask about the engine" };
  for (const table of ["tasks", "contact_notes"]) {
    const { error } = await supabase.from(table).insert(row);
    if (error) throw error;
  }
  return { winner, loser };
}

function showMerged(
  title: string,
  winner: Contact,
  loser: Contact,
  result: ContactMergeResult,
): void {
  const row = (name: string, value: (contact: Contact) => string | null) => [
    name,
    ...[winner, loser, result.winner].map(value),
  ];
  say(title);
  table(["", "Winner", "Loser", "Merged"], [
    row("name", fullName),
    row("title", ({ title }) => title),
    row("e-mails", ({ email_jsonb }) => String(email_jsonb?.length ?? 0)),
    row("phones", ({ phone_jsonb }) => String(phone_jsonb?.length ?? 0)),
    row("status", ({ status }) => status),
  ]);
}

try {
  await main();
} catch (error) {
  clearProgress();
  console.error(error instanceof Error ? `\n${error.message}` : error);
  if (error instanceof PorticoError) console.error(`(${error.code}, request ${error.requestId})`);
  Deno.exit(1);
}
