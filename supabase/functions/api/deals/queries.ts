/** SQL of deals: the resource, and the contacts of a deal. */
import type { Fragment, Sql } from "../../_shared/database/database.ts";
import { listing } from "../../_shared/list/list.ts";
import { resource } from "../../_shared/records/records.ts";
import { deals_summary } from "../../_shared/schema.ts";
import { companySql } from "../companies/queries.ts";
import { ownerName, ownerSql } from "../users/queries.ts";
import { Deal, DealInput, DealPatch } from "./schema.ts";

export const deals = resource({
  table: "deals",
  name: "deal",
  title: "a deal",
  owner: "sales_id",
  parent: "company_id",
  record: Deal,
  input: DealInput,
  patch: DealPatch,
  problems: [
    "unknown_stage",
    "unknown_category",
    "unknown_contact",
    "unknown_reference",
    "closing_date_not_allowed",
  ],
  list: listing({
    relation: deals_summary,
    record: Deal,
    defaultSort: "-updated_at,-id",
    longText: ["description"],
    search: { column: "search", table: "deals" },
    include: { company: companySql, owner: ownerSql, contacts: contactsSql },
    csv: {
      id: "id",
      name: "name",
      company_id: "company_id",
      company: "company_name",
      contacts: contactNames,
      category: "category",
      stage: "stage",
      description: "description",
      amount: "amount",
      created_at: "created_at",
      updated_at: "updated_at",
      archived_at: "archived_at",
      expected_closing_date: "expected_closing_date",
      closed_at: "closed_at",
      sales_id: "sales_id",
      sales: ownerName,
    },
  }),
});

/** The contacts of the row `record` as one JSON value, in the order of its ids. */
function contactsSql(sql: Sql): Fragment {
  return sql`
    select coalesce(
      json_agg(to_jsonb(contact) - 'position' order by contact.position), '[]'
    )
    from (
      select
        contacts.id, contacts.first_name, contacts.last_name, contacts.title, contact_ids.position
      from unnest(record.contact_ids) with ordinality as contact_ids (id, position)
      join contacts on contacts.id = contact_ids.id
    ) as contact`;
}

/** The names of the contacts of the row `record`, for a CSV export. */
function contactNames(sql: Sql): Fragment {
  return sql`
    select string_agg(
      nullif(concat_ws(' ', contacts.first_name, contacts.last_name), ''), ', '
      order by contact_ids.position
    )
    from unnest(record.contact_ids) with ordinality as contact_ids (id, position)
    join contacts on contacts.id = contact_ids.id`;
}
