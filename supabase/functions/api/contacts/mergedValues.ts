/** What the winner of a merge holds afterwards; pure, the rules stand in `merge.ts`. */

type Address = Record<string, unknown>;

/** A row of `contacts`, as `to_jsonb` prints it. */
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

/** Columns where one contact's value wins. */
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

/** The winner's new values; `fields` names the contact whose value wins for a column. */
export function mergedValues(
  winner: StoredContact,
  losers: StoredContact[],
  fields: Partial<Record<FieldColumn, number>>,
): Record<string, unknown> {
  const all = [winner, ...losers];
  const values = FIELD_COLUMNS.map((column) => {
    const chosen = all.find((contact) => contact.id === fields[column]);
    const first = chosen ?? all.find((contact) => !isBlank(contact[column]));
    return [column, first?.[column] ?? null];
  });
  return {
    ...Object.fromEntries(values),
    tags: unite(all.map(({ tags }) => tags), String) ?? winner.tags,
    email_jsonb: unite(all.map(({ email_jsonb }) => asList(email_jsonb)), emailKey) ??
      winner.email_jsonb,
    phone_jsonb: unite(all.map(({ phone_jsonb }) => asList(phone_jsonb)), phoneKey) ??
      winner.phone_jsonb,
    first_seen: earliest(all.map(({ first_seen }) => first_seen)),
    last_seen: earliest(all.map(({ last_seen }) => last_seen), true),
  };
}

function isBlank(value: unknown): boolean {
  return value === null || value === undefined ||
    (typeof value === "string" && value.trim() === "");
}

/** The lists' items in order, the first of those that mean the same, no blank one; null without any. */
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
  return typeof email === "string" ? email.trim().toLowerCase() : otherKey(address, email);
}

/** Numbers are the same when their digits are, whatever the punctuation. */
function phoneKey(phone: unknown): string {
  const number = memberOf(phone, "number");
  const text = typeof number === "number" ? String(number) : number;
  if (typeof text !== "string") return otherKey(phone, number);
  return text.replace(/[^0-9]/g, "") || text.trim();
}

/** An element without an address is blank; one of a form that nobody knows is kept as it is. */
function otherKey(element: unknown, address: unknown): string {
  return address === null || address === undefined ? "" : JSON.stringify(element);
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : value;
}

/** Old rows hold a string or an object where a list belongs; nothing of it is lost. */
function asList(value: unknown): unknown[] | null {
  if (value === null || value === undefined) return null;
  return Array.isArray(value) ? value : [value];
}

/** Times as Postgres prints them: they are compared as instants and kept to the microsecond. */
function earliest(times: (string | null)[], latest = false): string | null {
  const known = times.filter((time) => time !== null);
  known.sort((a, b) => Date.parse(a) - Date.parse(b) || (a < b ? -1 : 1));
  return (latest ? known.at(-1) : known[0]) ?? null;
}
