/** SQL of tasks: the list, the relations that come with a task, and what a task does to its contact. */
import type { Fragment, Sql } from "../../_shared/database/database.ts";
import { listing } from "../../_shared/list/list.ts";
import type { Resource } from "../../_shared/records/records.ts";
import { tasks } from "../../_shared/schema.ts";
import { ownerName } from "../contacts/csv.ts";
import { ownerSql } from "../users/queries.ts";
import { dueFilters } from "./due.ts";
import { Task } from "./schema.ts";

/** The contact of the row `record`, as one JSON value. */
export function contactSql(sql: Sql): Fragment {
  return sql`
    select to_json(contact)
    from (
      select id, first_name, last_name, company_name
      from contacts_summary
      where contacts_summary.id = record.contact_id
    ) as contact`;
}

export const tasksListing = listing({
  relation: tasks,
  name: "tasks",
  record: Task,
  defaultSort: "due_date,id",
  filters: dueFilters,
  csv: {
    id: "id",
    contact_id: "contact_id",
    contact: (sql) =>
      sql`
        select concat_ws(' ', first_name, last_name)
        from contacts
        where contacts.id = record.contact_id`,
    type: "type",
    text: "text",
    due_date: "due_date",
    done_date: "done_date",
    created_at: "created_at",
    sales_id: "sales_id",
    sales: ownerName,
  },
  include: { contact: contactSql, owner: ownerSql },
});

export const taskResource: Resource<Task> = { table: "tasks", name: "task", listing: tasksListing };

/**
 * Moves a contact's `last_seen` forward, and sets its status when one is given.
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
