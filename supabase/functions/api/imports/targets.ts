/** Decides for each row of a chunk which record it becomes: a new one, an existing one, or none. */
import { contactMergeRules } from "../contacts/mergeRules.ts";
import { companyMergeRules } from "../companies/mergeRules.ts";
import { externalIdKey, plainKey, unite } from "../merges/mergedValues.ts";
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
  /** The id of a new record, when it is stored. */
  id?: number;
}

/** How existing records are found, and what becomes of them. */
export interface Matching {
  recordType: RecordType;
  policy: "create" | "update" | "skip" | "merge";
  matchOn: string[];
  /** The system that the ids of the rows belong to. Undefined when the rows have `external_ids`. */
  source?: string;
}

/** The source of an import that names none. Its ids may come from any system. */
export const UNKNOWN_SOURCE = "import";

/** The records that rows may match. */
export interface Candidates {
  stored: Map<number, Stored>;
  /** Keyed by `externalIdsOf`. */
  byExternalId: Map<string, number>;
  byEmail: Map<string, number>;
  byName: Map<string, number>;
}

/** The columns in which values are added to the stored ones, as a merge does. */
const LISTS = new Map(
  Object.entries({
    ...contactMergeRules.united,
    ...companyMergeRules.united,
    contact_ids: plainKey,
  }),
);

/** The name by which a record is recognised, in lower case. */
export function nameOf(recordType: RecordType, record: Record<string, unknown>): string {
  const parts = recordType === "contacts"
    ? [record.first_name, record.last_name]
    : [recordType === "tasks" ? record.text : record.name];
  return parts.filter((part) => typeof part === "string" && part !== "").join(" ").toLowerCase();
}

/** Which record each row becomes. */
export interface Assignment {
  targets: Target[];
  /** Rows that the policy leaves out → the record that they match. */
  left: Map<Draft, Target>;
}

/** Assigns the rows to records. Rows of the same record become one target. */
export function assign(drafts: Draft[], matching: Matching, candidates: Candidates): Assignment {
  const targets: Target[] = [];
  const left = new Map<Draft, Target>();
  const byKey = new Map<string, Target>();
  // An id belongs to one record: with the policy create, to the first of the rows that have it.
  const claimed = new Set<string>();
  for (const draft of drafts) {
    const stored = matching.policy === "create" ? undefined : match(draft, matching, candidates);
    const keys = stored ? [`record ${stored.id}`] : keysOf(draft, matching);
    const known = matching.policy === "create" ? undefined : keys.find((key) => byKey.has(key));
    const earlier = known === undefined ? undefined : byKey.get(known);
    const target: Target = earlier ?? { stored, values: { ...stored?.record }, rows: [] };
    if (matching.policy === "skip" && (stored || earlier)) {
      left.set(draft, target);
      continue;
    }
    const isNew = !stored && !earlier;
    const added = valuesOf(draft, matching, candidates, isNew);
    const [id] = externalIdsOf(draft, matching);
    if (matching.source !== undefined && added.external_ids !== undefined && id !== undefined) {
      if (claimed.has(id) && !earlier) delete added.external_ids;
      claimed.add(id);
    }
    combine(target.values, added, matching);
    target.rows.push(draft);
    if (!earlier) targets.push(target);
    // Later rows find a stored record also by what this one adds to it.
    if (stored) keys.push(...keysOf(draft, matching));
    for (const key of keys) if (!byKey.has(key)) byKey.set(key, target);
  }
  return { targets, left };
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
    for (const id of externalIdsOf(draft, matching)) {
      const found = stored.get(byExternalId.get(id) ?? 0);
      if (found && (source !== UNKNOWN_SOURCE || agrees(draft, found, recordType))) return found;
    }
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

/** The ids of a row in other systems: one in the `source`, or the keys of its `external_ids`. */
export function externalIdsOf(
  { references, values }: Draft,
  { source }: Pick<Matching, "source">,
): string[] {
  if (source === undefined) {
    return Array.isArray(values.external_ids) ? values.external_ids.map(externalIdKey) : [];
  }
  const id = references.get("external_id") ?? references.get("id");
  return id === undefined ? [] : [id.slice(0, 255)];
}

/** The keys by which later rows of the same chunk find a new record. */
function keysOf(draft: Draft, matching: Matching): string[] {
  const { recordType, matchOn, source } = matching;
  const name = nameOf(recordType, draft.values);
  const ids = matchOn.includes("external_id") ? externalIdsOf(draft, matching) : [];
  const keys = ids.map((id) => `id ${id} ${source === UNKNOWN_SOURCE ? name : ""}`);
  if (matchOn.includes("email")) {
    for (const email of emailsOf(draft)) keys.push(`email ${email}`);
  }
  if (matchOn.includes("name") && name !== "") keys.push(`name ${name}`);
  return keys;
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
  if (source === undefined) return values;
  const [id] = externalIdsOf(draft, { source });
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
    const value = added[column];
    const keyOf = LISTS.get(column);
    if (keyOf && value !== null) values[column] = withAdded(stored, value, keyOf);
    else if (policy === "update" || isBlank(stored)) values[column] = value;
  }
}

/**
 * The keys of the lists that rows have added to. These lists grow in place, since a thousand rows may be
 * the same record.
 */
const keysOfGrowing = new WeakMap<object, Set<string>>();

/** Returns the stored list itself when it has every element. */
function withAdded(stored: unknown, value: unknown, keyOf: (element: unknown) => string): unknown {
  if (!Array.isArray(value)) return stored;
  const before = Array.isArray(stored) ? stored : [];
  const growing = keysOfGrowing.get(before);
  if (growing) {
    for (const element of value) addTo(before, element, growing, keyOf(element));
    return before;
  }
  const known = new Set(before.map(keyOf));
  if (value.every((element) => known.has(keyOf(element)))) return stored;
  const united = unite([stored, value], keyOf);
  if (united) keysOfGrowing.set(united, new Set(united.map(keyOf)));
  return united;
}

function addTo(list: unknown[], element: unknown, known: Set<string>, key: string): void {
  if (key === "" || known.has(key)) return;
  known.add(key);
  list.push(element);
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
