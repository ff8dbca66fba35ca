/** Turns the cards of an address book into rows, whose cells are fields of contacts. */
import { BrokenLine } from "./brokenLine.ts";
import type { Email, Phone } from "./convert.ts";
import type { Rows } from "./csv.ts";
import { cardsIn, plainText, propertiesOf, type Property, splitValue } from "./vcard.ts";

/** The columns of every file of cards. The last three are fields of no contact. */
export const CARD_COLUMNS = [
  "external_id",
  "first_name",
  "last_name",
  "name",
  "company",
  "title",
  "email_jsonb",
  "phone_jsonb",
  "background",
  "tags",
  "linkedin_url",
  "website",
  "address",
  "birthday",
];

/** Reads at most `limit` cards. A card without its end is left out unless the text is the last. */
export function readCards(text: string, limit: number, isLast: boolean): Rows {
  const rows: unknown[][] = [];
  let length = 0;
  for (const card of cardsIn(text, isLast)) {
    if (rows.length === limit) return { rows, length };
    rows.push(rowOf(card.text));
    length = card.length;
  }
  if (!isLast || rows.length === limit) return { rows, length };
  const rest = text.slice(length).trim();
  if (rest !== "") rows.push([new BrokenLine(rest, NO_CARD)]);
  return { rows, length: text.length };
}

const NO_CARD = "The text is no whole vCard, from BEGIN:VCARD to END:VCARD.";

function rowOf(card: string): unknown[] {
  if (!/^\s*BEGIN:VCARD\s/i.test(card)) return [new BrokenLine(card.trim(), NO_CARD)];
  const fields = fieldsOf(propertiesOf(card));
  return CARD_COLUMNS.map((column) => fields[column] ?? "");
}

/** Properties that are left out: photos, fax numbers, and what contacts have no field for. */
function fieldsOf(properties: Property[]): Record<string, unknown> {
  const all = (name: string) => properties.filter((property) => property.name === name);
  const texts = (name: string) => all(name).map(({ value }) => plainText(value)).filter(isText);
  const first = (name: string) => all(name)[0]?.value ?? "";
  const [family = "", given = "", additional = ""] = splitValue(first("N"), ";");
  const addresses = texts("URL");
  const labels = new Map(all("X-ABLABEL").map(({ group, value }) => [group, value.toLowerCase()]));
  const emails = all("EMAIL").map((property) => emailOf(property, labels));
  const phones = all("TEL").filter(isPhone).map((property) => phoneOf(property, labels));
  return {
    external_id: texts("UID")[0]?.replace(/^urn:uuid:/i, ""),
    first_name: [given, additional].filter(isText).join(" "),
    last_name: family,
    name: family === "" && given === "" ? texts("FN")[0] : "",
    company: splitValue(first("ORG"), ";")[0],
    title: texts("TITLE")[0] ?? texts("ROLE")[0],
    email_jsonb: listOf(emails.filter(({ email }) => isText(email))),
    phone_jsonb: listOf(phones.filter(({ number }) => isText(number))),
    background: texts("NOTE").join("\n"),
    tags: listOf(all("CATEGORIES").flatMap(({ value }) => splitValue(value, ",")).filter(isText)),
    linkedin_url: [...addresses, ...texts("X-SOCIALPROFILE")].find(isLinkedIn),
    website: addresses.find((address) => !isLinkedIn(address)),
    address: splitValue(first("ADR"), ";").filter(isText).join(", "),
    birthday: texts("BDAY")[0],
  };
}

function isText(text: string): boolean {
  return text !== "";
}

/** An empty cell is a text. */
function listOf<Item>(items: Item[]): Item[] | "" {
  return items.length > 0 ? items : "";
}

function isLinkedIn(address: string): boolean {
  return /^https?:\/\/(?:[\w-]{1,63}\.){0,5}linkedin\.com\//i.test(address);
}

function isPhone({ types }: Property): boolean {
  return !types.includes("fax") && !types.includes("pager");
}

/** Group → the type that Apple writes on a line of its own: `item1.X-ABLabel:_$!<Work>!$_`. */
type Labels = Map<string, string>;

function emailOf(property: Property, labels: Labels): Email {
  return { email: plainText(property.value).toLowerCase(), type: typeOf(property, labels) };
}

/** Version 4.0 may write a number as an address (RFC 3966). */
function phoneOf(property: Property, labels: Labels): Phone {
  const number = plainText(property.value).replace(/^tel:/i, "");
  return { number, type: typeOf(property, labels) };
}

function typeOf({ types, group }: Property, labels: Labels): "Work" | "Home" | "Other" {
  const label = group === "" ? "" : labels.get(group) ?? "";
  const words = [...types, label].join(" ");
  if (/\bwork\b/.test(words)) return "Work";
  return /\bhome\b/.test(words) ? "Home" : "Other";
}
