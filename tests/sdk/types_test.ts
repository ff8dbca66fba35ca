/**
 * The types of the SDK. `deno check` tests them: a line below `@ts-expect-error` must not compile,
 * and `same` must be given two equal types. The calls are never sent.
 */
import type {
  Contact,
  ContactInput,
  ContactsListQuery,
  CountedPage,
  Deal,
  Page,
  Portico,
} from "../../client-sdk/src/mod.ts";
import { PorticoError } from "../../client-sdk/src/mod.ts";

type Same<One, Other> = (<T>() => T extends One ? 1 : 2) extends (<T>() => T extends Other ? 1 : 2)
  ? true
  : false;

/** Checks that a value has exactly the type `Expected`. */
function same<Expected>() {
  return <const Value>(_value: Value, _check: Same<Value, Expected>) => {};
}

export async function results(portico: Portico): Promise<void> {
  same<Page<Contact>>()(await portico.contacts.list(), true);
  same<Page<Contact>>()(await portico.contacts.list({ status: "hot" }), true);
  same<CountedPage<Contact>>()(await portico.contacts.list({ count: "exact" }), true);
  same<number>()((await portico.contacts.list({ count: "exact" })).total, true);
  same<number | undefined>()((await portico.contacts.list({ count: "estimated" })).total, true);
  const ids = await portico.contacts.list({ select: ["id"] });
  same<{ id: number }[]>()(ids.data.map((contact) => ({ ...contact })), true);
  // @ts-expect-error it was not selected
  ids.data[0]?.last_name;
  for await (const { company } of portico.contacts.list({ include: ["company"] })) {
    same<string | undefined>()(company?.name, true);
    same<undefined extends typeof company ? true : false>()(false, true);
  }
  const got = await portico.contacts.get(1, { include: ["owner"] });
  same<undefined extends typeof got.owner ? true : false>()(false, true);
  same<undefined extends typeof got.company ? true : false>()(true, true);
  const query: ContactsListQuery = { q: "love", cursor: undefined };
  same<number | undefined>()((await portico.contacts.list(query)).data[0]?.id, true);
  const [deal] = (await portico.deals.list({ select: ["id", "name"], include: ["contacts"] })).data;
  same<Deal["contacts"]>()(deal?.contacts, true);
  for await (const item of portico.trash.list()) same<number>()(item.record_id, true);
  for await (const pair of portico.contacts.duplicates()) same<number>()(pair.score, true);
}

export async function bulks(portico: Portico): Promise<void> {
  const created = await portico.contacts.bulk({
    records: [{ first_name: "Ada", email_jsonb: [{ email: "ada@example.com" }] }, { id: 1 }],
    on_conflict: "update",
    match_on: ["external_id", "email"],
  });
  same<"created" | "updated" | "skipped" | "rejected" | undefined>()(
    created.data[0]?.outcome,
    true,
  );
  same<number | null | undefined>()(created.data[0]?.id, true);
  same<number>()(created.counts.created, true);
  const changed = await portico.contacts.bulk({ ids: [1], set: { status: "hot" } });
  same<number | undefined>()(changed.data[0]?.id, true);
  same<number>()(changed.counts.succeeded, true);
  // @ts-expect-error contacts are not found by name
  await portico.contacts.bulk({ records: [{}], match_on: ["name"] });
  // @ts-expect-error a contact has no such field
  await portico.contacts.bulk({ records: [{ frist_name: "Ada" }] });
  // @ts-expect-error the two forms are not mixed
  await portico.contacts.bulk({ records: [{}], set: { status: "hot" } });
}

export async function filters(portico: Portico): Promise<void> {
  const since = new Date();
  await portico.contacts.list({
    status: { in: ["hot"] },
    last_seen: { gte: since, lt: "2027-01-01" },
    tags: { ov: [1, 2] },
    company_id: null,
    has_newsletter: { is: "not.null" },
    last_name: { ilike: "l*" },
    sort: ["-last_seen", "id"],
  });
  await portico.tasks.list({ due: "today", time_zone: "Europe/Paris" });
  await portico.changes.list({ after: "start", wait: 5, record: "contacts/1" });
  await portico.users.list({ role: "admin", status: { neq: "disabled" } });
  // @ts-expect-error a boolean
  await portico.contacts.list({ has_newsletter: 42 });
  // @ts-expect-error no such role
  await portico.users.list({ role: "bogus" });
  // @ts-expect-error a time
  await portico.contacts.list({ last_seen: { gte: true } });
  // @ts-expect-error no such operator for a number
  await portico.contacts.list({ company_id: { ilike: "1" } });
  // @ts-expect-error no such column
  await portico.contacts.list({ first: "Ada" });
  // @ts-expect-error the server does not sort by an array
  await portico.contacts.list({ sort: "tags" });
  // @ts-expect-error related records are included, not selected
  await portico.contacts.list({ select: ["company"] });
  // @ts-expect-error no such related record
  await portico.tasks.list({ include: ["company"] });
  // @ts-expect-error no such day
  await portico.tasks.list({ due: "tomorrow" });
}

export async function changes(portico: Portico, contact: Contact): Promise<void> {
  await portico.contacts.update(contact.id, contact);
  await portico.contacts.update(contact.id, { ...contact, status: "hot" });
  await portico.contacts.update(1, { avatar: { src: contact.avatar?.src ?? "" } });
  // @ts-expect-error it is counted by the database
  await portico.contacts.update(contact.id, { ...contact, nb_tasks: 3 });
  // @ts-expect-error no such field
  await portico.contacts.update(contact.id, { name: "Ada" });
  // @ts-expect-error a text
  await portico.contacts.update(contact.id, { first_name: 1 });
  for (const deal of (await portico.deals.list()).data) await portico.deals.update(deal.id, deal);
  for (const task of (await portico.tasks.list()).data) await portico.tasks.update(task.id, task);
  for (const user of (await portico.users.list()).data) await portico.users.update(user.id, user);
  for (const tag of (await portico.tags.list()).data) await portico.tags.update(tag.id, tag);
  for (const company of (await portico.companies.list()).data) {
    await portico.companies.update(company.id, company);
  }
  for (const note of (await portico.contactNotes.list()).data) {
    await portico.contactNotes.update(note.id, note);
  }
  await portico.me.update(await portico.me.get());
  await portico.configuration.update(await portico.configuration.get());
  const input: ContactInput = { first_name: "Ada", email_jsonb: [{ email: "a@example.com" }] };
  await portico.contacts.create(input);
}

export function errors(error: unknown): void {
  if (!(error instanceof PorticoError)) return;
  same<number>()(error.status, true);
  if (error.code === "merged") same<number>()(error.body.merged_into, true);
  if (error.code === "undo_conflict") same<number>()(error.body.number_of_conflicts, true);
  if (error.code === "precondition_failed") same<string>()(error.body.current.updated_at, true);
  if (error.code === "not_found") same<number[] | undefined>()(error.body.missing_ids, true);
  if (error.code === "token_expired") same<string>()(error.body.request_id, true);
  if (error.code === "BOOT_ERROR") same<unknown>()(error.body, true);
  // @ts-expect-error another code
  if (error.code === "deleted") error.body.merged_into;
  // @ts-expect-error no such code
  if (error.code === "missing") throw error;
}
