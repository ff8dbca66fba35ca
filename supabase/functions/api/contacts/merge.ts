/**
 * Merging contacts: losers give all they have to the winner and go to the trash, where `merged_into`
 * says where they went. One transaction under the caller's own rights.
 *
 * Rules: the winner's values win, blank counts as empty and is filled by the first loser (in the order
 * of `loser_ids`) that has one; status, newsletter and owner follow the same rule, since a winner's own
 * "no" to the newsletter is an answer. `fields` overrides that per column. E-mails (case-insensitively),
 * phones (by digits) and tags are united, the winner's first; `first_seen` is the earliest, `last_seen`
 * the latest. Tasks, notes and deals move; a deal keeps the order of its contacts.
 */
import { z } from "zod";
import type { Member, Sql } from "../../_shared/database.ts";
import { idParams, recordId } from "../../_shared/fields.ts";
import { write } from "../../_shared/operation.ts";
import { Problem } from "../../_shared/problem.ts";
import { notTheOwner, setColumns } from "../../_shared/records.ts";
import { FIELD_COLUMNS, mergedValues, type StoredContact } from "./mergedValues.ts";
import { contactsListing } from "./queries.ts";
import { Contact } from "./schema.ts";

const MAXIMUM_LOSERS = 20;

const MergeInput = z.strictObject({
  loser_ids: z.array(recordId).min(1, "Name at least one contact.").max(MAXIMUM_LOSERS),
  fields: z.partialRecord(z.enum(FIELD_COLUMNS), recordId).optional()
    .describe("Column → id of the contact whose value wins."),
  dry_run: z.boolean().optional(),
}).meta({ id: "MergeInput" });
type MergeInput = z.output<typeof MergeInput>;

const Moved = z.object({ tasks: z.int(), contact_notes: z.int(), deals: z.int() });
type Moved = z.output<typeof Moved>;

const MergeResult = z.object({
  merge_id: z.uuid().nullable().describe("Null on a dry run."),
  winner: Contact,
  merged_ids: z.array(recordId),
  moved: Moved.describe("Rows that moved to the winner, by table."),
  dry_run: z.boolean(),
}).meta({ id: "MergeResult" });
type MergeResult = z.output<typeof MergeResult>;

export const mergeContacts = write({
  id: "contacts.merge",
  method: "POST",
  path: "/contacts/:id/merge",
  summary: "Merge contacts into this one",
  description: "Repeating a merge answers as the first time. With `dry_run` nothing changes.",
  access: "member",
  permission: "the owner of all of the contacts, managers and admins",
  params: idParams,
  body: MergeInput,
  example: { loser_ids: [2], dry_run: true },
  output: MergeResult,
  problems: ["self_merge"],
  run: ({ sql, member }, { params, body }) => merge(sql, member, params.id, body),
});

const legacyId = z.preprocess(
  (value) => typeof value === "string" && /^[1-9]\d{0,15}$/.test(value) ? Number(value) : value,
  recordId,
);

export const mergeContactsOfAtomic = write({
  id: "atomic.merge_contacts",
  surface: "atomic",
  method: "POST",
  path: "/merge_contacts",
  summary: "Merge two contacts, as Atomic CRM's clients ask for it",
  access: "member",
  permission: "the owner of both contacts, managers and admins",
  body: z.object({ loserId: legacyId, winnerId: legacyId }),
  example: { loserId: 2, winnerId: 1 },
  output: z.object({ success: z.literal(true), winnerId: recordId }),
  problems: ["self_merge"],
  run: async ({ sql, member }, { body }) => {
    await merge(sql, member, body.winnerId, { loser_ids: [body.loserId] });
    return { success: true as const, winnerId: body.winnerId };
  },
});

async function merge(
  sql: Sql,
  member: Member,
  winnerId: number,
  input: MergeInput,
): Promise<MergeResult> {
  const loserIds = [...new Set(input.loser_ids)];
  if (loserIds.includes(winnerId)) throw selfMerge();
  checkFieldSources(input.fields, [winnerId, ...loserIds]);
  const contacts = await lockContacts(sql, [winnerId, ...loserIds]);
  const winner = contacts.find(({ id }) => id === winnerId);
  const losers = loserIds.flatMap((id) => contacts.find((contact) => contact.id === id) ?? []);
  if (!winner || losers.length < loserIds.length) {
    const repeated = winner && losers.length === 0 && await findMerge(sql, winnerId, loserIds);
    if (repeated) return await result(sql, winnerId, loserIds, repeated, input);
    throw missing([winnerId, ...loserIds], contacts);
  }
  requirePermission(member, contacts);
  const values = mergedValues(winner, losers, input.fields ?? {});
  const moved = await moveAll(sql, winnerId, loserIds, values);
  const merge_id = await recordMerge(sql, winnerId, loserIds, moved);
  return await result(sql, winnerId, loserIds, { merge_id, moved }, input);
}

function selfMerge(): Problem {
  const detail = "Leave the winner's own id out of loser_ids.";
  return new Problem("self_merge", detail, { errors: { loser_ids: detail } });
}

function checkFieldSources(fields: MergeInput["fields"] = {}, ids: number[]): void {
  const wrong = Object.entries(fields).filter(([, id]) => id !== undefined && !ids.includes(id));
  if (wrong.length === 0) return;
  const detail = "Name one of the contacts that take part in the merge.";
  throw new Problem("validation_failed", detail, {
    errors: Object.fromEntries(wrong.map(([column]) => [`fields.${column}`, detail])),
  });
}

/** Locked in the order of their ids, so that two merges never wait for each other in a circle. */
async function lockContacts(sql: Sql, ids: number[]): Promise<StoredContact[]> {
  const rows = await sql<{ contact: StoredContact }[]>`
    select to_jsonb(contacts) - 'search' as contact
    from contacts
    where id = any (${idList(ids)}::text::bigint[])
    order by id
    for update`;
  return rows.map(({ contact }) => contact);
}

function missing(ids: number[], contacts: StoredContact[]): Problem {
  const absent = ids.filter((id) => !contacts.some((contact) => contact.id === id));
  return new Problem(
    "not_found",
    `There is no contact ${absent.join(", ")}, or it is not yours to see.`,
    {
      members: { missing_ids: absent },
    },
  );
}

function requirePermission(member: Member, contacts: StoredContact[]): void {
  if (member.role !== "rep") return;
  const foreign = contacts.filter((contact) => contact.sales_id !== member.id);
  if (foreign.length > 0) throw notTheOwner(`contact ${foreign.map(({ id }) => id).join(", ")}`);
}

interface Merge {
  merge_id: string;
  moved: Moved;
}

async function findMerge(
  sql: Sql,
  winnerId: number,
  loserIds: number[],
): Promise<Merge | undefined> {
  const [row] = await sql<{ merge: Merge | null }[]>`
    select private.find_contact_merge(${winnerId}, ${idList(loserIds)}::text::bigint[]) as merge`;
  return row?.merge ?? undefined;
}

/** Moves what refers to the losers, fills the winner, deletes the losers: sent as one batch. */
async function moveAll(
  sql: Sql,
  winnerId: number,
  loserIds: number[],
  values: object,
): Promise<Moved> {
  const [moved] = await Promise.all([
    moveReferences(sql, winnerId, loserIds),
    setColumns(sql, "contacts", winnerId, values),
    sql`select set_config('portico.merged_into', ${String(winnerId)}, true)`.execute(),
    sql`delete from contacts where id = any (${idList(loserIds)}::text::bigint[])`.execute(),
  ]);
  return moved;
}

async function moveReferences(sql: Sql, winnerId: number, loserIds: number[]): Promise<Moved> {
  const losers = idList(loserIds);
  const [moved] = await sql<Moved[]>`
    with moved_tasks as (
      update tasks set contact_id = ${winnerId}
      where contact_id = any (${losers}::text::bigint[])
      returning id
    ),
    moved_notes as (
      update contact_notes set contact_id = ${winnerId}
      where contact_id = any (${losers}::text::bigint[])
      returning id
    ),
    moved_deals as (
      update deals
      set contact_ids = (
        select array_agg(mapped.id order by mapped.position)
        from (
          select
            case when held.id = any (${losers}::text::bigint[]) then ${winnerId}::bigint else held.id end as id,
            min(held.position) as position
          from unnest(deals.contact_ids) with ordinality as held (id, position)
          group by 1
        ) as mapped
      )
      where contact_ids && ${losers}::text::bigint[]
      returning id
    )
    select
      (select count(*)::float8 from moved_tasks) as tasks,
      (select count(*)::float8 from moved_notes) as contact_notes,
      (select count(*)::float8 from moved_deals) as deals`;
  return moved ?? { tasks: 0, contact_notes: 0, deals: 0 };
}

async function recordMerge(
  sql: Sql,
  winnerId: number,
  loserIds: number[],
  moved: Moved,
): Promise<string> {
  const [row] = await sql<{ merge_id: string }[]>`
    select private.record_contact_merge(
      ${winnerId}, ${idList(loserIds)}::text::bigint[], ${JSON.stringify(moved)}::text::jsonb
    ) as merge_id`;
  return row?.merge_id ?? "";
}

async function result(
  sql: Sql,
  winnerId: number,
  merged_ids: number[],
  { merge_id, moved }: Merge,
  { dry_run = false }: MergeInput,
): Promise<MergeResult> {
  const winner = await contactsListing.find(sql, winnerId);
  if (!winner) throw missing([winnerId], []);
  return { merge_id: dry_run ? null : merge_id, winner, merged_ids, moved, dry_run };
}

function idList(ids: number[]): string {
  return `{${ids.join(",")}}`;
}
