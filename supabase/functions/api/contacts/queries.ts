/** SQL of contacts: the list, and the relations that come with a contact. */
import type { Fragment, Sql } from "../../_shared/database/database.ts";
import { listing } from "../../_shared/list/list.ts";
import type { Resource } from "../../_shared/records/records.ts";
import { contacts_summary } from "../../_shared/schema.ts";
import { ownerSql } from "../users/queries.ts";
import { contactCsv } from "./csv.ts";
import { Contact } from "./schema.ts";

export const contactsListing = listing({
  relation: contacts_summary,
  name: "contacts_summary",
  record: Contact,
  defaultSort: "-last_seen,-id",
  search: { column: "search", table: "contacts" },
  elements: {
    // E-mail addresses are stored in lower case.
    email_jsonb: (sql, email) =>
      hasElement(sql, "email_jsonb", { email: email.trim().toLowerCase() }),
    phone_jsonb: (sql, number) => hasElement(sql, "phone_jsonb", { number }),
  },
  csv: contactCsv,
  include: {
    company: (sql) =>
      sql`
        select to_json(company)
        from (select id, name, website from companies where companies.id = record.company_id) as company`,
    owner: ownerSql,
    tag_records: (sql) =>
      sql`
        select coalesce(
          json_agg(
            json_build_object('id', tags.id, 'name', tags.name, 'color', tags.color)
            order by wanted.position
          ),
          '[]'
        )
        from unnest(record.tags) with ordinality as wanted (id, position)
        join tags on tags.id = wanted.id`,
  },
});

/** A function looks in the index, which row-level security keeps `@>` from. */
function hasElement(sql: Sql, column: string, element: Record<string, string>): Fragment {
  const wanted = JSON.stringify([element]);
  return sql`
    record.id = any (array(select private.contacts_with(${column}, ${wanted}::text::jsonb)))`;
}

export const contactResource: Resource<Contact> = {
  table: "contacts",
  name: "contact",
  listing: contactsListing,
};
