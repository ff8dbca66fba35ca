/** Decides for each row of a chunk which record it becomes: a new one, an existing one, or none. */
import { contactMergeRules } from "../contacts/mergeRules.ts";
import { plainKey, unite } from "../merges/mergedValues.ts";
import type { Draft } from "./convert.ts";
import type { RecordType } from "./fields.ts";
import { emailsOf } from "./references.ts";

/** A record as it is stored, as `to_jsonb` formats it. */
export interface Stored {
  id: number;
  sales_id: number | null;
  /** Whether the caller may give the record to another owner. */
  manages: boolean;
  record: Record<string, unknown>;
}

/** A record to write, and the rows that it comes from. */
export interface Target {
  /** Undefined for a new record. */
  stored?: Stored;
  values: Record<string, unknown>;
  rows: Draft[];
}

/** How an import finds existing records. */
export interface Matching {
  recordType: RecordType;
  policy: "create" | "update" | "skip" | "merge";
  matchOn: string[];
  source: string;
}

/** The source of an import that names none. Its ids may come from any system. */
export const UNKNOWN_SOURCE = "import";

/** The records that rows may match. */
export interface Candidates {
  stored: Map<number, Stored>;
  byExternalId: Map<string, number>;
  byEmail: Map<string, number>;
  byName: Map<string, number>;
}

/** The columns in which values are added to the stored ones, as a merge does. */
const LISTS = new Map(
  Object.entries({ ...contactMergeRules.united, contact_ids: plainKey }),
);

/** The name by which a record is recognised, in lower case. */
export function nameOf(recordType: RecordType, record: Record<string, unknown>): string {
  const parts = recordType === "contacts"
    ? [record.first_name, record.last_name]
    : [recordType === "tasks" ? record.text : record.name];
  return parts.filter((part) => typeof part === "string" && part !== "").join(" ").toLowerCase();
}

/**
 * Assigns the rows to records. Rows of the same new record become one target. Rows that the policy
 * leaves out are in no target.
 */
export function assign(drafts: Draft[], matching: Matching, candidates: Candidates): Target[] {
  const targets: Target[] = [];
  const byKey = new Map<string, Target>();
  // An id belongs to one record: with the policy create, to the first of the rows that have it.
  const claimed = new Set<string>();
  for (const draft of drafts) {
    const stored = matching.policy === "create" ? undefined : match(draft, matching, candidates);
    const keys = stored ? [`record ${stored.id}`] : keysOf(draft, matching);
    const known = matching.policy === "create" ? undefined : keys.find((key) => byKey.has(key));
    const earlier = known === undefined ? undefined : byKey.get(known);
    if (matching.policy === "skip" && (stored || earlier)) continue;
    const target = earlier ?? { stored, values: { ...stored?.record }, rows: [] };
    const isNew = !stored && !earlier;
    const added = valuesOf(draft, matching, candidates, isNew);
    const id = externalIdOf(draft);
    if (added.external_ids !== undefined && id !== undefined) {
      if (claimed.has(id) && !earlier) delete added.external_ids;
      claimed.add(id);
    }
    combine(target.values, added, matching);
    target.rows.push(draft);
    if (!earlier) targets.push(target);
    for (const key of keys) byKey.set(key, target);
  }
  return targets;
}

function match(
  draft: Draft,
  matching: Matching,
  { stored, byExternalId, byEmail, byName }: Candidates,
): Stored | undefined {
  const { recordType, matchOn, source } = matching;
  const { references, values } = draft;
  const own = stored.get(Number(references.get("id") ?? 0));
  if (own && (matchOn.includes("id") || agrees(draft, own, recordType))) return own;
  if (matchOn.includes("external_id")) {
    const id = externalIdOf(draft);
    const found = stored.get(byExternalId.get(id ?? "") ?? 0);
    if (found && (source !== UNKNOWN_SOURCE || agrees(draft, found, recordType))) return found;
  }
  if (matchOn.includes("email")) {
    for (const email of emailsOf(draft)) {
      const found = stored.get(byEmail.get(email) ?? 0);
      if (found) return found;
    }
  }
  if (!matchOn.includes("name")) return undefined;
  return stored.get(byName.get(nameOf(recordType, values)) ?? 0);
}

/** Whether a row and a record have the same name or share an address. */
function agrees(draft: Draft, { record }: Stored, recordType: RecordType): boolean {
  const name = nameOf(recordType, draft.values);
  if (name !== "" && name === nameOf(recordType, record)) return true;
  const stored = emailsOf({ values: record });
  return emailsOf(draft).some((email) => stored.includes(email));
}

/** The id of a row in the other system. */
export function externalIdOf({ references }: Draft): string | undefined {
  return (references.get("external_id") ?? references.get("id"))?.slice(0, 255);
}

/** The keys by which later rows of the same chunk find a new record. */
function keysOf(draft: Draft, { recordType, matchOn, source }: Matching): string[] {
  const name = nameOf(recordType, draft.values);
  const id = externalIdOf(draft);
  return [
    ...(id && matchOn.includes("external_id")
      ? [`id ${id} ${source === UNKNOWN_SOURCE ? name : ""}`]
      : []),
    ...(matchOn.includes("email") ? emailsOf(draft).map((email) => `email ${email}`) : []),
    ...(matchOn.includes("name") && name !== "" ? [`name ${name}`] : []),
  ];
}

/** The values of a row. A new record gets the suggested owner; every record its id elsewhere. */
function valuesOf(
  draft: Draft,
  { source }: Matching,
  { byExternalId, stored }: Candidates,
  isNew: boolean,
): Record<string, unknown> {
  const values = { ...draft.values };
  const suggested = draft.references.get("suggested_owner");
  if (isNew && suggested !== undefined) values.sales_id ??= Number(suggested);
  const id = externalIdOf(draft);
  const isOwn = draft.references.get("external_id") === undefined &&
    stored.has(Number(id)) && !isNew;
  if (id && !isOwn && !byExternalId.has(id)) values.external_ids = [{ source, id }];
  return values;
}

/** Puts the values of a row into those of a record: `update` replaces, `merge` fills empty fields. */
function combine(
  values: Record<string, unknown>,
  added: Record<string, unknown>,
  { policy }: Matching,
): void {
  for (const column of Object.keys(added)) {
    const stored = values[column];
    const keyOf = LISTS.get(column);
    if (keyOf) values[column] = withAdded(stored, added[column], keyOf);
    else if (policy === "update" || isBlank(stored)) values[column] = added[column];
  }
}

/** Returns the stored list itself when it has every element. */
function withAdded(stored: unknown, value: unknown, keyOf: (element: unknown) => string): unknown {
  const before = Array.isArray(stored) ? stored : [];
  const known = new Set(before.map(keyOf));
  const isNew = Array.isArray(value) && value.some((element) => !known.has(keyOf(element)));
  return isNew ? unite([stored, value], keyOf) : stored;
}

function isBlank(value: unknown): boolean {
  return value === null || value === undefined || value === "";
}

/** The columns in which a target differs from its stored record. */
export function changedColumns({ stored, values }: Target, columns: string[]): string[] {
  return columns.filter((column) => !isSame(stored?.record[column], values[column]));
}

function isSame(before: unknown, after: unknown): boolean {
  if (isBlank(before) && isBlank(after)) return true;
  if (before === after) return true;
  if (typeof before === "string" && typeof after === "string") {
    return /^\d{4}-\d\d-\d\dT/.test(before) && /^\d{4}-\d\d-\d\dT/.test(after) &&
      Date.parse(before) === Date.parse(after);
  }
  return JSON.stringify(before) === JSON.stringify(after);
}
