/** SQL of deals: the list, and the relations that come with a deal. */
import { listing } from "../../_shared/list/list.ts";
import type { Resource } from "../../_shared/records/records.ts";
import { deals_summary } from "../../_shared/schema.ts";
import { ownerName } from "../contacts/csv.ts";
import { ownerSql } from "../users/queries.ts";
import { Deal } from "./schema.ts";

export const dealsListing = listing({
  relation: deals_summary,
  name: "deals_summary",
  record: Deal,
  defaultSort: "-updated_at,-id",
  search: { column: "search", table: "deals" },
  csv: {
    id: "id",
    name: "name",
    company_id: "company_id",
    company: "company_name",
    contacts: (sql) =>
      sql`
        select string_agg(
          nullif(concat_ws(' ', contacts.first_name, contacts.last_name), ''), ', '
          order by wanted.position
        )
        from unnest(record.contact_ids) with ordinality as wanted (id, position)
        join contacts on contacts.id = wanted.id`,
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
  include: {
    company: (sql) =>
      sql`
        select to_json(company)
        from (select id, name, website from companies where companies.id = record.company_id) as company`,
    owner: ownerSql,
    contacts: (sql) =>
      sql`
        select coalesce(
          json_agg(to_jsonb(contact) - 'position' order by contact.position), '[]'
        )
        from (
          select
            contacts.id, contacts.first_name, contacts.last_name, contacts.title, wanted.position
          from unnest(record.contact_ids) with ordinality as wanted (id, position)
          join contacts on contacts.id = wanted.id
        ) as contact`,
  },
});

export const dealResource: Resource<Deal> = {
  table: "deals",
  name: "deal",
  listing: dealsListing,
};
