/** SQL of contacts: the resource, the contact of another record, and changes of `last_seen`. */
import type { Fragment, Sql } from "../../_shared/database/database.ts";
import { listing } from "../../_shared/list/list.ts";
import { resource } from "../../_shared/records/records.ts";
import { contacts_summary } from "../../_shared/schema.ts";
import { companySql } from "../companies/queries.ts";
import { ownerSql } from "../users/queries.ts";
import { contactCsv } from "./csv.ts";
import { Contact, ContactInput } from "./schema.ts";

export const contacts = resource({
  table: "contacts",
  name: "contact",
  title: "a contact",
  owner: "sales_id",
  parent: "company_id",
  mergeable: true,
  record: Contact,
  input: ContactInput,
  patch: ContactInput,
  problems: ["unknown_tag", "unknown_reference", "invalid_picture"],
  list: listing({
    relation: contacts_summary,
    record: Contact,
    defaultSort: "-last_seen,-id",
    longText: ["background"],
    search: { column: "search", table: "contacts" },
    elements: {
      // The database stores e-mail addresses in lower case.
      email_jsonb: (sql, email) =>
        hasElement(sql, "email_jsonb", { email: email.trim().toLowerCase() }),
      phone_jsonb: (sql, number) => hasElement(sql, "phone_jsonb", { number }),
    },
    csv: contactCsv,
    include: { company: companySql, owner: ownerSql, tag_records: tagsSql },
  }),
});

/**
 * The condition that an array contains the element. Row-level security keeps Postgres from using the index
 * for `@>`, so a function reads it.
 */
function hasElement(sql: Sql, column: string, element: Record<string, string>): Fragment {
  const elements = JSON.stringify([element]);
  return sql`
    record.id = any (array(select private.contact_ids_containing(${column}, ${elements}::text::jsonb)))`;
}

/** The tags of the row `record` as one JSON value, in the order of its ids. */
function tagsSql(sql: Sql): Fragment {
  return sql`
    select coalesce(
      json_agg(
        json_build_object('id', tags.id, 'name', tags.name, 'color', tags.color)
        order by tag_ids.position
      ),
      '[]'
    )
    from unnest(record.tags) with ordinality as tag_ids (id, position)
    join tags on tags.id = tag_ids.id`;
}

/** The contact of the row `record` as one JSON value. */
export function contactSql(sql: Sql): Fragment {
  return sql`
    select to_json(contact)
    from (
      select id, first_name, last_name, company_name
      from contacts_summary
      where contacts_summary.id = record.contact_id
    ) as contact`;
}

/**
 * Changes a contact when a task or a note is created for it.
 * @param seenNow whether `last_seen` becomes now.
 * @param status the contact's new status; undefined keeps the old one.
 * @throws Problem `unknown_contact_status` when the configuration has no such status.
 */
export async function touchContact(
  sql: Sql,
  contactId: number,
  { seenNow, status }: { seenNow: boolean; status?: string },
): Promise<void> {
  if (!seenNow && status === undefined) return;
  await sql`
    select private.touch_contact(
      ${contactId}, ${seenNow ? sql`now()` : sql`null`}, ${status ?? null})`;
}
