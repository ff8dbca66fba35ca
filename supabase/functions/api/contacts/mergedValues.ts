/** The values of the winner after a merge. `merge.ts` describes the rules. Pure code. */

type Address = Record<string, unknown>;

/** A row of `contacts`, as `to_jsonb` formats it. */
export interface StoredContact {
  id: number;
  sales_id: number | null;
  first_seen: string | null;
  last_seen: string | null;
  tags: number[] | null;
  email_jsonb: Address[] | null;
  phone_jsonb: unknown;
  [column: string]: unknown;
}

/** Columns in which the winner takes the value of one contact. */
export const FIELD_COLUMNS = [
  "first_name",
  "last_name",
  "gender",
  "title",
  "background",
  "avatar",
  "has_newsletter",
  "status",
  "company_id",
  "sales_id",
  "linkedin_url",
] as const;
type FieldColumn = (typeof FIELD_COLUMNS)[number];

/**
 * Returns the winner's new values.
 * @param fields column → id of the contact whose value the winner takes.
 */
export function mergedValues(
  winner: StoredContact,
  losers: StoredContact[],
  fields: Partial<Record<FieldColumn, number>>,
): Record<string, unknown> {
  const all = [winner, ...losers];
  const values = FIELD_COLUMNS.map((column) => {
    const chosen = all.find((contact) => contact.id === fields[column]);
    const source = chosen ?? all.find((contact) => !isBlank(contact[column]));
    return [column, source?.[column] ?? null];
  });
  return {
    ...Object.fromEntries(values),
    tags: unite(all.map(({ tags }) => tags), String) ?? winner.tags,
    email_jsonb: unite(all.map(({ email_jsonb }) => asList(email_jsonb)), emailKey) ??
      winner.email_jsonb,
    phone_jsonb: unite(all.map(({ phone_jsonb }) => asList(phone_jsonb)), phoneKey) ??
      winner.phone_jsonb,
    first_seen: earliest(all.map(({ first_seen }) => first_seen)),
    last_seen: latest(all.map(({ last_seen }) => last_seen)),
  };
}

function isBlank(value: unknown): boolean {
  return value === null || value === undefined ||
    (typeof value === "string" && value.trim() === "");
}

/**
 * Returns the items of all lists in order. Of items with the same key it keeps the first, and it drops
 * items with an empty key. Returns null when no item is left.
 */
function unite<Item>(lists: (Item[] | null)[], keyOf: (item: Item) => string): Item[] | null {
  const byKey = new Map<string, Item>();
  for (const item of lists.flatMap((list) => list ?? [])) {
    const key = keyOf(item);
    if (key !== "" && !byKey.has(key)) byKey.set(key, item);
  }
  return byKey.size > 0 ? [...byKey.values()] : null;
}

function emailKey(address: unknown): string {
  const email = memberOf(address, "email");
  return typeof email === "string" ? email.trim().toLowerCase() : fallbackKey(address, email);
}

/** Numbers with the same digits are the same number. */
function phoneKey(phone: unknown): string {
  const number = memberOf(phone, "number");
  const text = typeof number === "number" ? String(number) : number;
  if (typeof text !== "string") return fallbackKey(phone, number);
  return text.replace(/[^0-9]/g, "") || text.trim();
}

/** The key of an element whose value is no text: blank without a value, else the element itself. */
function fallbackKey(element: unknown, value: unknown): string {
  return value === null || value === undefined ? "" : JSON.stringify(element);
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : value;
}

/** Some old rows hold a string or an object instead of a list: it becomes a list of one. */
function asList(value: unknown): unknown[] | null {
  if (value === null || value === undefined) return null;
  return Array.isArray(value) ? value : [value];
}

function earliest(times: (string | null)[]): string | null {
  return sorted(times)[0] ?? null;
}

function latest(times: (string | null)[]): string | null {
  return sorted(times).at(-1) ?? null;
}

/** `Date.parse` drops microseconds, so times of one millisecond are compared as text. */
function sorted(times: (string | null)[]): string[] {
  return times.filter((time) => time !== null)
    .sort((a, b) => Date.parse(a) - Date.parse(b) || (a < b ? -1 : 1));
}
