/** A company with related records, and helpers that read a whole workspace. */
import { insertRow, type Member, type Row, sql, type Tenant } from "../support/database.ts";

const TABLES = ["companies", "contacts", "contact_notes", "deals", "deal_notes", "tasks", "tags"];

/** Rows by name. Rows whose name begins with `outside` do not belong to the company. */
export interface Family {
  company: Row;
  /** Two contacts of the company. */
  contacts: [Row, Row];
  outsider: Row;
  deal: Row;
  /** A deal without a company. It holds outsider, contacts[0], contacts[1] in this order. */
  outsideDeal: Row;
  tags: [Row, Row];
}

/** Inserts a company with contacts, notes, tasks, deals, deal notes and tags, owned by one member. */
export async function createFamily({ workspace_id }: Tenant, owner: Member): Promise<Family> {
  const insert = (table: string, values: Row) =>
    insertRow(
      table,
      table === "tags" ? { ...values, workspace_id } : {
        ...values,
        workspace_id,
        sales_id: owner.id,
      },
    );
  const tags: [Row, Row] = [
    await insert("tags", { name: "vip", color: "#fff" }),
    await insert("tags", { name: "press", color: "#000" }),
  ];
  const tagIds = tags.map(({ id }) => id);
  const company = await insert("companies", { name: "Analytical" });
  const ofCompany = { company_id: company.id };
  const contacts: [Row, Row] = [
    await insert("contacts", { last_name: "Lovelace", tags: tagIds, ...ofCompany }),
    await insert("contacts", { last_name: "Babbage", tags: tagIds.toReversed(), ...ofCompany }),
  ];
  const outsider = await insert("contacts", { last_name: "Somerville", tags: tagIds });
  const [first, second] = contacts;
  const sale = { name: "Engine", stage: "won", amount: 100 };
  const deal = await insert("deals", {
    ...sale,
    ...ofCompany,
    index: 0,
    contact_ids: [second.id, outsider.id, first.id],
  });
  const outsideDeal = await insert("deals", {
    ...sale,
    index: 1,
    contact_ids: [outsider.id, first.id, second.id],
  });
  for (const { id } of [first, second, outsider]) {
    await insert("contact_notes", { contact_id: id, text: "called", status: "warm" });
    await insert("tasks", { contact_id: id, text: "call again", type: "call" });
  }
  for (const { id } of [deal, outsideDeal]) {
    await insert("deal_notes", { deal_id: id, text: "signed" });
  }
  return { company, contacts, outsider, deal, outsideDeal, tags };
}

/** Every business row of a workspace, without updated_at. */
export async function snapshot(workspace_id: string): Promise<Record<string, unknown[]>> {
  const tables = TABLES.map(async (table) => {
    const rows = await sql`
      select to_jsonb(t) - 'updated_at' as row from ${sql("public." + table)} t
      where workspace_id = ${workspace_id} order by id`;
    return [table, rows.map(({ row }) => row)] as const;
  });
  return Object.fromEntries(await Promise.all(tables));
}

/** The numbers of rows in a workspace's trash, by table. */
export async function trashCounts(workspace_id: string): Promise<Record<string, number>> {
  const rows = await sql<{ table_name: string; count: number }[]>`
    select table_name, count(*) from private.trash where workspace_id = ${workspace_id}
    group by table_name`;
  return Object.fromEntries(rows.map(({ table_name, count }) => [table_name, count]));
}

/** The rows of the trash about one record, newest first. */
export async function trashOf(table: string, id: number): Promise<Row[]> {
  return await sql`
    select * from private.trash where table_name = ${table} and record_id = ${id} order by id desc`;
}
