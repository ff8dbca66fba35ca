/** The values of the winner after a merge. `merge.ts` describes the rules. Pure code. */

/** A row of a table, as `to_jsonb` formats it. */
export interface StoredRecord {
  id: number;
  [column: string]: unknown;
}

/** Returns the text that equal elements of a list share. An element with an empty key is dropped. */
type KeyOf = (element: unknown) => string;

/** How the columns of a table are merged. */
export interface MergeRules {
  /** Columns in which the winner takes the value of one record. `fields` may choose the record. */
  chosen: string[];
  /** Columns with a list, whose elements are united. */
  united: Record<string, KeyOf>;
  /** Columns with a time, of which the earliest stays. */
  earliest: string[];
  /** Columns with a time, of which the latest stays. */
  latest: string[];
}

/**
 * Returns the rules of a table: every column of its input is chosen, unless it is named here.
 * So a new column takes part.
 */
export function mergeRules(
  input: object,
  { united = {}, earliest = [], latest = [] }: Partial<Omit<MergeRules, "chosen">> = {},
): MergeRules {
  const others = [...Object.keys(united), ...earliest, ...latest];
  const chosen = Object.keys(input).filter((column) => !others.includes(column));
  return { chosen, united, earliest, latest };
}

/**
 * Returns the winner's new values.
 * @param fields column → id of the record whose value the winner takes.
 */
export function mergedValues(
  winner: StoredRecord,
  losers: StoredRecord[],
  { chosen, united, earliest, latest }: MergeRules,
  fields: Partial<Record<string, number>>,
): Record<string, unknown> {
  const all = [winner, ...losers];
  const values: Record<string, unknown> = {};
  for (const column of chosen) {
    const named = all.find((record) => record.id === fields[column]);
    const source = named ?? all.find((record) => !isBlank(record[column]));
    values[column] = source?.[column] ?? null;
  }
  for (const [column, keyOf] of Object.entries(united)) {
    values[column] = unite(all.map((record) => record[column]), keyOf) ?? winner[column];
  }
  for (const column of earliest) values[column] = sortedTimes(all, column)[0] ?? null;
  for (const column of latest) values[column] = sortedTimes(all, column).at(-1) ?? null;
  return values;
}

/** The key of elements that are plain values: an id, or a text without case and outer spaces. */
export function plainKey(element: unknown): string {
  if (typeof element === "string") return element.trim().toLowerCase();
  return fallbackKey(element, element);
}

/** The key of an id in another system. */
export function externalIdKey(element: unknown): string {
  if (typeof element !== "object" || element === null) return fallbackKey(element, element);
  return JSON.stringify([Reflect.get(element, "source"), Reflect.get(element, "id")]);
}

/** The key of an element whose value is no text: blank without a value, else the element itself. */
export function fallbackKey(element: unknown, value: unknown): string {
  return value === null || value === undefined ? "" : JSON.stringify(element);
}

function isBlank(value: unknown): boolean {
  return value === null || value === undefined ||
    (typeof value === "string" && value.trim() === "");
}

/** Returns the elements of all lists in order, the first of each key. Null when none is left. */
export function unite(lists: unknown[], keyOf: KeyOf): unknown[] | null {
  const byKey = new Map<string, unknown>();
  for (const element of lists.flatMap(asList)) {
    const key = keyOf(element);
    if (key !== "" && !byKey.has(key)) byKey.set(key, element);
  }
  return byKey.size > 0 ? [...byKey.values()] : null;
}

/** Some old rows hold a string or an object instead of a list: it becomes a list of one. */
function asList(value: unknown): unknown[] {
  if (value === null || value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

/** `Date.parse` drops microseconds, so times of one millisecond are compared as text. */
function sortedTimes(records: StoredRecord[], column: string): string[] {
  return records.map((record) => record[column])
    .filter((time) => typeof time === "string")
    .sort((a, b) => Date.parse(a) - Date.parse(b) || (a < b ? -1 : 1));
}
