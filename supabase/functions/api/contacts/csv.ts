/**
 * The cells of a contact in a CSV export. The headers are those that Atomic CRM's import reads. A relation
 * is also shown by its name.
 */
import type { Fragment, Sql } from "../../_shared/database/database.ts";
import type { CsvCell } from "../../_shared/list/list.ts";
import { ownerName } from "../users/queries.ts";

/** The addresses or numbers of one type. One with an unknown type, or without a type, is `Other`. */
function valuesOfType(
  sql: Sql,
  column: string,
  key: string,
  type: "Work" | "Home" | "Other",
): Fragment {
  const condition = type === "Other" ? sql`not in ('Work', 'Home')` : sql`= ${type}`;
  return sql`
    select string_agg(coalesce(element.value ->> ${key}, element.value #>> '{}'), ', ')
    from jsonb_path_query(record.${sql(column)}, '$[*]') as element (value)
    where coalesce(element.value ->> 'type', 'Other') ${condition}`;
}

/** Header → cell. */
export const contactCsv: Record<string, CsvCell> = {
  id: "id",
  first_name: "first_name",
  last_name: "last_name",
  gender: "gender",
  title: "title",
  background: "background",
  first_seen: "first_seen",
  last_seen: "last_seen",
  has_newsletter: "has_newsletter",
  status: "status",
  tags: (sql) =>
    sql`
      select string_agg(tags.name, ', ' order by tag_ids.position)
      from unnest(record.tags) with ordinality as tag_ids (id, position)
      join tags on tags.id = tag_ids.id`,
  company_id: "company_id",
  sales_id: "sales_id",
  linkedin_url: "linkedin_url",
  company_name: "company_name",
  nb_tasks: "nb_tasks",
  company: "company_name",
  sales: ownerName,
  email_work: (sql) => valuesOfType(sql, "email_jsonb", "email", "Work"),
  email_home: (sql) => valuesOfType(sql, "email_jsonb", "email", "Home"),
  email_other: (sql) => valuesOfType(sql, "email_jsonb", "email", "Other"),
  phone_work: (sql) => valuesOfType(sql, "phone_jsonb", "number", "Work"),
  phone_home: (sql) => valuesOfType(sql, "phone_jsonb", "number", "Home"),
  phone_other: (sql) => valuesOfType(sql, "phone_jsonb", "number", "Other"),
};
