/**
 * Creating and changing up to 1,000 records by one request: `records` of a bulk. It finds and writes
 * them as a chunk of an import does, in one transaction, by one statement for the new records and one
 * for the changed ones.
 */
import { arraySql, type Member, type Sql } from "../../_shared/database/database.ts";
import type { Reply } from "../../_shared/operation.ts";
import type { BulkRecords, Resource } from "../../_shared/records/records.ts";
import { lockBoard } from "../deals/positions.ts";
import type { Draft } from "../imports/convert.ts";
import type { RecordType } from "../imports/fields.ts";
import { readKnown } from "../imports/references.ts";
import {
  assign,
  type Assignment,
  type Candidates,
  type Matching,
  type Target,
} from "../imports/targets.ts";
import { readCandidates, refuse, writeTargets } from "../imports/write.ts";
import { replyOf, requireAll } from "./outcomes.ts";
import { checkReferences, refuseOwners } from "./references.ts";
import {
  BulkRecordsResult,
  InvalidRecord,
  type Key,
  type RecordsInput,
  recordsInput,
} from "./schema.ts";

/** When the database refuses more records, the whole request fails. */
const MAXIMUM_REFUSALS = 50;

/** How records of a kind are found, beside their ids. */
interface Keys {
  keys: readonly Key[];
  byDefault: readonly Key[];
}

const KEYS: Record<RecordType, Keys> = {
  contacts: { keys: ["external_id", "email"], byDefault: ["external_id", "email"] },
  companies: { keys: ["external_id", "name"], byDefault: ["external_id", "name"] },
  deals: { keys: ["external_id", "name"], byDefault: ["external_id"] },
  tasks: { keys: ["external_id"], byDefault: ["external_id"] },
};

/** Returns the form `records` of a resource's bulk. `example` is one of its records. */
export function upserts(
  of: Pick<Resource, "name" | "patch">,
  recordType: RecordType,
  example: Record<string, unknown>,
): BulkRecords<RecordsInput> {
  const { keys, byDefault } = KEYS[recordType];
  return {
    body: recordsInput(of, keys, byDefault),
    output: BulkRecordsResult,
    example: { records: [example], on_conflict: "update", dry_run: true },
    problems: ["records_rejected"],
    run: ({ sql, member }, body) => upsert(sql, member, { recordType, name: of.name }, body),
  };
}

interface Kind {
  recordType: RecordType;
  /** Name of one record in messages. */
  name: string;
}

/**
 * Creates and changes the records of a request.
 * @throws Problem `records_rejected` when one was rejected and the input is not partial; a problem of
 *   the database when it refuses more than 50 records.
 */
async function upsert(
  sql: Sql,
  member: Member,
  kind: Kind,
  input: RecordsInput,
): Promise<Reply> {
  const { recordType } = kind;
  const drafts = input.records.map(draftOf);
  const disabled = await checkReferences(sql, validOf(drafts));
  requireAll(drafts, input);
  if (recordType === "deals") await lockBoard(sql, member);
  const assigned = await assignDrafts(sql, kind, validOf(drafts), input, disabled);
  requireAll(drafts, input, assigned);
  if (recordType === "deals") putOnTop(assigned.targets);
  const written = await writeTargets(
    sql,
    recordType,
    member,
    assigned.targets,
    MAXIMUM_REFUSALS,
  );
  if (recordType === "tasks") await touchContacts(sql, [...written]);
  return replyOf({ drafts, assigned, written }, input);
}

function draftOf(given: RecordsInput["records"][number], number: number): Draft {
  const draft: Draft = {
    number,
    cells: [],
    errors: [],
    values: {},
    references: new Map(),
    tags: [],
  };
  if (given instanceof InvalidRecord) {
    for (const [field, reason] of Object.entries(given.errors)) {
      refuse([draft], field || undefined, reason);
    }
    return draft;
  }
  const { id, ...values } = given;
  draft.values = values;
  if (id !== undefined) draft.references.set("id", String(id));
  return draft;
}

function validOf(drafts: Draft[]): Draft[] {
  return drafts.filter(({ errors }) => errors.length === 0);
}

/** Finds the records that exist, and rejects the drafts that may not change them. */
async function assignDrafts(
  sql: Sql,
  { recordType, name }: Kind,
  drafts: Draft[],
  { on_conflict, match_on = [...KEYS[recordType].byDefault] }: RecordsInput,
  disabled: Set<number>,
): Promise<Assignment> {
  const policy = on_conflict === "refuse" ? "skip" : on_conflict;
  const matching: Matching = { recordType, policy, matchOn: ["id", ...match_on] };
  if (policy !== "create") await lockRecordType(sql, recordType);
  const known = await readKnown(sql, recordType, "", drafts);
  const candidates = await readCandidates(sql, matching, drafts, known);
  for (const draft of drafts) refuseWrongId(draft, name, matching, candidates);
  const assigned = assign(validOf(drafts), matching, candidates);
  if (on_conflict === "refuse") refuseExisting(name, assigned);
  const refused = refuseOwners(assigned.targets, policy, disabled);
  if (refused.size === 0) return assigned;
  // Without the refused drafts, whose values the targets have taken up.
  const { targets, left } = assign(validOf(drafts), matching, candidates);
  return { targets, left: new Map([...assigned.left, ...left, ...refused]) };
}

/** A record with an id must exist. With the policy `create` it must have none. */
function refuseWrongId(
  draft: Draft,
  name: string,
  { policy }: Matching,
  { stored }: Candidates,
): void {
  const id = draft.references.get("id");
  if (id === undefined || (policy !== "create" && stored.has(Number(id)))) return;
  if (policy === "create") refuse([draft], "id", "A new record has no id. Remove it.");
  else refuse([draft], "id", `There is no ${name} ${id}, or you may not see it.`, "not_found");
}

/** Two requests at the same time make no record twice. */
async function lockRecordType(sql: Sql, recordType: RecordType): Promise<void> {
  await sql`
    select pg_advisory_xact_lock(
      hashtextextended(${`records ${recordType} `} || private.workspace_id(), 0))`;
}

function refuseExisting(name: string, { left }: Assignment): void {
  for (const [draft, { stored, rows: [first] }] of left) {
    const which = stored
      ? `The ${name} exists: ${stored.id}.`
      : `The record is the same ${name} as records.${first?.number}.`;
    refuse([draft], undefined, `${which} Send on_conflict to change or to skip it.`, "conflict");
  }
}

/** New deals, and those that change their stage, go to the top of the column in their order. */
function putOnTop(targets: Target[]): void {
  for (const { stored, values } of targets) {
    if (stored?.record.stage !== values.stage) values.index = -1;
  }
}

/** `last_seen` of a contact becomes now when it gets a task. */
async function touchContacts(sql: Sql, written: Target[]): Promise<void> {
  const ids = written.filter(({ stored }) => !stored).map(({ values }) =>
    Number(values.contact_id)
  );
  if (ids.length === 0) return;
  await sql`
    select private.touch_contact(id, now(), null)
    from (
      select distinct id from unnest(${arraySql(sql, ids, "bigint")}) as id order by id
    ) as contacts`;
}
