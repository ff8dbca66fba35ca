/** SQL of tasks: the resource, and the contact of a task. */
import type { Fragment, Sql } from "../../_shared/database/database.ts";
import { listing } from "../../_shared/list/list.ts";
import { resource } from "../../_shared/records/records.ts";
import { tasks as table } from "../../_shared/schema.ts";
import { contactSql } from "../contacts/queries.ts";
import { ownerName, ownerSql } from "../users/queries.ts";
import { dueFilters } from "./due.ts";
import { Task, TaskInput, TaskPatch } from "./schema.ts";

export const tasks = resource({
  table: "tasks",
  name: "task",
  title: "a task",
  owner: "sales_id",
  parent: "contact_id",
  parentRequired: true,
  record: Task,
  input: TaskInput,
  patch: TaskPatch,
  problems: ["unknown_reference", "unknown_type"],
  list: listing({
    relation: table,
    record: Task,
    defaultSort: "due_date,id",
    longText: ["text"],
    filters: dueFilters,
    include: { contact: contactSql, owner: ownerSql },
    csv: {
      id: "id",
      contact_id: "contact_id",
      contact: contactName,
      type: "type",
      text: "text",
      due_date: "due_date",
      done_date: "done_date",
      created_at: "created_at",
      sales_id: "sales_id",
      sales: ownerName,
    },
  }),
});

/** The name of the contact of the row `record`, for a CSV export. */
function contactName(sql: Sql): Fragment {
  return sql`
    select concat_ws(' ', first_name, last_name)
    from contacts
    where contacts.id = record.contact_id`;
}
