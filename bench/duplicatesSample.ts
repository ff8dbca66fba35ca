/**
 * A labelled sample for the detection of duplicates: contacts of people and companies that are made
 * from a seed, with a second record for some of them. The second record differs as in practice: a
 * typing error, a short form of the name, names in the wrong fields, another company. Other records
 * are of different people with much in common: the same name, the same company's switchboard, the
 * same mailbox of a team, a relative in the same company.
 */
import { pick, seeded } from "../tests/support/random.ts";

export interface SampleCompany {
  /** Records with the same entity are duplicates. */
  entity: string;
  /** How the record came about. */
  label: string;
  name: string;
  website: string | null;
  city: string | null;
}

export interface SampleContact {
  entity: string;
  label: string;
  first_name: string;
  last_name: string;
  /** Index of the company in the sample. */
  company: number | null;
  email: string | null;
  phone: string | null;
}

export interface Sample {
  companies: SampleCompany[];
  contacts: SampleContact[];
}

const FIRST = [
  ...["Robert", "William", "Elizabeth", "Margaret", "James", "Katherine", "Michael", "Anna"],
  ...["Thomas", "Daniel", "Susan", "Peter", "Maria", "Jonas", "Chiara", "Luis", "Ingrid", "Pavel"],
  ...["Fatima", "Hiroshi", "Amélie", "Søren", "Zoë", "Andrea", "Julia", "Marco", "Eva", "Tomás"],
];
const SHORT: Record<string, string> = {
  Robert: "Bob",
  William: "Bill",
  Elizabeth: "Liz",
  Margaret: "Peggy",
  James: "Jim",
  Katherine: "Kate",
  Michael: "Mike",
  Thomas: "Tom",
  Daniel: "Dan",
  Susan: "Sue",
  Peter: "Pete",
};
const LAST = [
  ...["Smith", "Müller", "García", "Rossi", "Novák", "Lovelace", "Babbage", "Hopper", "Johnson"],
  ...[
    "Kowalski",
    "Dubois",
    "Jensen",
    "O'Brien",
    "van Dijk",
    "Yamamoto",
    "Haddad",
    "Silva",
    "Weber",
  ],
  ...["Fischer", "Moreau", "Andersson", "Costa", "Petrov", "Nilsen", "Ricci", "Hughes", "Bauer"],
];
const COMPANY = [
  ...["Northern", "Blue", "Silver", "Rapid", "Alpine", "Harbour", "Quantum", "Green", "Union"],
  ...["Delta", "Crystal", "Pioneer", "Summit", "Coral", "Amber", "Nova", "Titan", "Velvet"],
];
const TRADE = ["Logistics", "Foods", "Software", "Textiles", "Energy", "Optics", "Paper", "Tools"];
const CITIES = ["Paris", "Berlin", "Madrid", "Oslo", "Prague", "Leeds"];
const FORMS = ["Ltd", "GmbH", "S.A.", "Inc.", "AB", "s.r.o.", "B.V.", "S.p.A."];

/** Returns a sample of about `people` people. The same seed gives the same sample. */
export function duplicatesSample(people: number, seed: number): Sample {
  const random = seeded(seed);
  const companies = makeCompanies(random, Math.ceil(people / 8));
  const firms = companies.filter(({ label }) => label === "company");
  const contacts: SampleContact[] = [];
  for (let person = 0; person < people; person++) {
    const company = Math.floor(random() * firms.length);
    const contact = makePerson(random, person, company, firms[company]?.website ?? "x.example");
    contacts.push(contact);
    const second = secondRecord(random, contact, firms.length);
    if (second) contacts.push(second);
    const other = differentPerson(random, contact, `other ${person}`, firms.length);
    if (other) contacts.push(other);
  }
  return { companies, contacts };
}

function makeCompanies(random: () => number, count: number): SampleCompany[] {
  const companies = Array.from({ length: count }, (_, index): SampleCompany => ({
    entity: `company ${index}`,
    label: "company",
    name: `${COMPANY[index % COMPANY.length]} ${pick(random, TRADE)} ${index} ${
      pick(random, FORMS)
    }`,
    website: `https://www.firm${index}.example`,
    city: pick(random, CITIES),
  }));
  const seconds = companies.flatMap((company) => {
    const name = company.name.split(" ").slice(0, 3).join(" ");
    const cases: SampleCompany[] = [
      { ...company, label: "no legal form, no website", name: name.toUpperCase(), website: null },
      { ...company, label: "other legal form", name: `${name} ${pick(random, FORMS)}`, city: null },
      { ...company, label: "typing error", name: mistyped(random, name) },
      { ...company, label: "renamed", name: `${pick(random, COMPANY)} Partners ${random()}` },
      {
        ...company,
        entity: `${company.entity} abroad`,
        label: "same name, other company",
        website: `https://abroad${company.entity.slice(8)}.example`,
        city: "Lima",
      },
    ];
    return random() < 0.5 ? [pick(random, cases)] : [];
  });
  return [...companies, ...seconds];
}

function makePerson(
  random: () => number,
  person: number,
  company: number,
  website: string,
): SampleContact {
  const [first_name, last_name] = [pick(random, FIRST), pick(random, LAST)];
  const domain = website.replace("https://www.", "");
  const local = `${first_name}.${last_name}`.toLowerCase().replace(/[^a-z.]/g, "") + person;
  return {
    entity: `person ${person}`,
    label: "person",
    first_name,
    last_name,
    company,
    email: random() < 0.8 ? `${local}@${random() < 0.7 ? domain : "gmail.com"}` : null,
    phone: random() < 0.6 ? `+49 30 ${1_000_000 + person * 37}` : null,
  };
}

/** Returns a second record of the same person, or undefined for most people. */
function secondRecord(
  random: () => number,
  contact: SampleContact,
  companies: number,
): SampleContact | undefined {
  const { first_name, last_name, phone } = contact;
  const bare = { ...contact, email: null, phone: null };
  const elsewhere = Math.floor(random() * companies);
  const cases: SampleContact[] = [
    { ...bare, label: "same name, same company" },
    { ...contact, label: "moved, same address or phone", company: elsewhere },
    { ...bare, label: "typing error", last_name: mistyped(random, last_name) },
    { ...bare, label: "typing error in the first name", first_name: mistyped(random, first_name) },
    { ...bare, label: "short form", first_name: SHORT[first_name] ?? `${first_name[0]}.` },
    { ...bare, label: "names swapped", first_name: last_name, last_name: first_name },
    {
      ...contact,
      label: "name in one field",
      first_name: "",
      last_name: `${first_name} ${last_name}`,
    },
    { ...contact, label: "phone written otherwise", email: null, phone: national(phone) },
    { ...bare, label: "moved, nothing in common", company: elsewhere },
    { ...contact, label: "married", last_name: pick(random, LAST) },
  ];
  return random() < 0.4 ? pick(random, cases) : undefined;
}

/** Returns a record of another person who has much in common with this one. */
function differentPerson(
  random: () => number,
  contact: SampleContact,
  entity: string,
  companies: number,
): SampleContact | undefined {
  const other = { ...contact, entity, email: null, phone: null };
  const first_name = pick(random, FIRST.filter((name) => name !== contact.first_name));
  const cases: SampleContact[] = [
    { ...other, label: "same name elsewhere", company: Math.floor(random() * companies) },
    { ...other, label: "relative in the company", first_name },
    {
      ...other,
      label: "same switchboard",
      first_name,
      last_name: pick(random, LAST),
      phone: contact.phone,
    },
    {
      ...other,
      label: "same mailbox",
      first_name,
      last_name: pick(random, LAST),
      email: contact.email,
    },
  ];
  return random() < 0.3 ? pick(random, cases) : undefined;
}

/** Returns a text with one typing error: a letter replaced, dropped, doubled, or two swapped. */
function mistyped(random: () => number, text: string): string {
  const at = 1 + Math.floor(random() * (text.length - 2));
  const [left, letter = "", next = "", right] = [
    text.slice(0, at),
    text[at],
    text[at + 1],
    text.slice(at + 2),
  ];
  return pick(random, [
    `${left}${next}${right}`,
    `${left}${letter}${letter}${next}${right}`,
    `${left}${next}${letter}${right}`,
    `${left}${pick(random, [..."aeionrst"])}${next}${right}`,
  ]);
}

function national(phone: string | null): string | null {
  return phone?.replace("+49 30 ", "(030) ").replace(/(\d{3})$/, "-$1") ?? null;
}

/** Precision and recall of found pairs at a minimum score. */
export interface Quality {
  minScore: number;
  found: number;
  precision: number;
  recall: number;
}

/** A found pair: the indexes of both records in the sample, and the score. */
export interface FoundPair {
  left: number;
  right: number;
  score: number;
}

/** Compares the found pairs with the labels. */
export function qualityOf(
  records: { entity: string }[],
  pairs: FoundPair[],
  minScore: number,
): Quality {
  const found = pairs.filter(({ score }) => score >= minScore);
  const isTrue = ({ left, right }: FoundPair) => records[left]?.entity === records[right]?.entity;
  const correct = found.filter(isTrue).length;
  const sizes = new Map<string, number>();
  for (const { entity } of records) sizes.set(entity, (sizes.get(entity) ?? 0) + 1);
  const all = [...sizes.values()].reduce((sum, size) => sum + size * (size - 1) / 2, 0);
  return {
    minScore,
    found: found.length,
    precision: found.length === 0 ? 1 : correct / found.length,
    recall: all === 0 ? 1 : correct / all,
  };
}

/** Returns, for each label of a second record, the share of its pairs that were found. */
export function recallByLabel(
  records: { entity: string; label: string }[],
  pairs: FoundPair[],
  minScore: number,
): Record<string, number> {
  const found = new Set(
    pairs.filter(({ score }) => score >= minScore).map(({ left, right }) => `${left} ${right}`),
  );
  const byLabel: Record<string, number[]> = {};
  records.forEach(({ entity, label }, right) => {
    const left = records.findIndex((record) => record.entity === entity);
    if (left < right) (byLabel[label] ??= []).push(found.has(`${left} ${right}`) ? 1 : 0);
  });
  return Object.fromEntries(
    Object.entries(byLabel).map(([label, hits]) => [
      label,
      hits.reduce((sum, hit) => sum + hit, 0) / hits.length,
    ]),
  );
}
