/** Reads contacts from a CSV as Atomic CRM exports it, into inputs of the API. */
import { parse } from "@std/csv";
import type { ContactInput, EmailAddress, PhoneNumber } from "../../client-sdk/src/mod.ts";

/** One row: the input of a contact, and its company and tags by name. */
export interface ContactRow {
  contact: ContactInput;
  emails: string[];
  company: string;
  tags: string[];
}

const TYPES = ["Work", "Home", "Other"] as const;

type Cells = Record<string, string | undefined>;

/** Reads a CSV with a header line. Throws SyntaxError when it is not valid CSV. */
export function readContacts(text: string): ContactRow[] {
  return parse(text, { skipFirstRow: true }).map(toRow);
}

function toRow(cells: Cells): ContactRow {
  const email_jsonb = emailsOf(cells);
  return {
    contact: {
      first_name: cell(cells, "first_name"),
      last_name: cell(cells, "last_name"),
      gender: cell(cells, "gender"),
      title: cell(cells, "title"),
      background: cell(cells, "background"),
      status: cell(cells, "status"),
      linkedin_url: cell(cells, "linkedin_url"),
      first_seen: cell(cells, "first_seen"),
      last_seen: cell(cells, "last_seen"),
      has_newsletter: cells.has_newsletter === "true",
      email_jsonb,
      phone_jsonb: phonesOf(cells),
    },
    emails: email_jsonb.map(({ email }) => email.toLowerCase()),
    company: cell(cells, "company_name") ?? cell(cells, "company") ?? "",
    tags: (cell(cells, "tags") ?? "").split(",").map((tag) => tag.trim()).filter((tag) => tag),
  };
}

function emailsOf(cells: Cells): EmailAddress[] {
  return TYPES.flatMap((type) => {
    const email = cell(cells, `email_${type.toLowerCase()}`);
    return email ? [{ email, type }] : [];
  });
}

function phonesOf(cells: Cells): PhoneNumber[] {
  return TYPES.flatMap((type) => {
    const number = cell(cells, `phone_${type.toLowerCase()}`);
    return number ? [{ number, type }] : [];
  });
}

/** A cell's text; null when it is empty or missing. */
function cell(cells: Cells, name: string): string | null {
  return cells[name]?.trim() || null;
}
