/** Rows that scripts insert with the secret key: without a caller, and mostly without workspace_id. */
import { assertEquals } from "@std/assert";
import {
  asCaller,
  foundWorkspace,
  insertRow,
  refusalOf,
  type Row,
  service,
} from "../support/database.ts";
import { test } from "../support/workspace.ts";

test("service role: a row takes its workspace from its owner or its parent", async () => {
  const { admin, workspace_id } = await foundWorkspace();
  const company = await insert("companies", { name: "Analytical", sales_id: admin.id });
  const contact = await insert("contacts", { last_name: "Lovelace", company_id: company.id });
  const deal = await insert("deals", { name: "Engine", stage: "won", company_id: company.id });
  const rows = [
    company,
    contact,
    deal,
    await insert("contact_notes", { contact_id: contact.id }),
    await insert("deal_notes", { deal_id: deal.id }),
    await insert("tasks", { contact_id: contact.id }),
    await insert("deals", { name: "Engine 2", stage: "won", sales_id: admin.id }),
    await insert("tags", { name: "vip", color: "#fff", workspace_id }),
  ];
  assertEquals(rows.map((row) => row.workspace_id), rows.map(() => workspace_id));
  assertEquals(contact.sales_id, null, "nobody becomes the owner");
});

test("service role: a row without workspace, owner or parent is refused", async () => {
  const rows: [string, Row][] = [
    ["companies", { name: "Analytical" }],
    ["contacts", { last_name: "Lovelace", company_id: 0 }],
    ["deals", { name: "Engine", stage: "won" }],
    ["contact_notes", { contact_id: 0 }],
    ["deal_notes", { deal_id: 0 }],
    ["tasks", { contact_id: 0 }],
    ["tags", { name: "vip", color: "#fff" }],
    ["configuration", { config: {} }],
    ["invitations", { email: "a@example.test" }],
  ];
  for (const [table, values] of rows) {
    assertEquals(
      await refusalOf(insert(table, values)),
      { code: "PT422", detail: "workspace_required" },
      table,
    );
  }
});

test("service role: a member row takes its workspace from the invitation", async () => {
  const { workspace_id } = await foundWorkspace();
  const invitation = await insertRow("invitations", { workspace_id, email: "b@example.test" });
  const values = { email: "b@example.test", user_id: invitation.id, role: "rep" };
  // The user is missing, so the row is refused, but the workspace was found.
  assertEquals((await refusalOf(insert("sales", values))).code, "23503");
});

test("service role: an owner of one workspace and a parent of another are refused", async () => {
  const [one, two] = await Promise.all([foundWorkspace(), foundWorkspace()]);
  const company = await insert("companies", { name: "Analytical", sales_id: one.admin.id });
  const mixed = { last_name: "Lovelace", company_id: company.id, sales_id: two.admin.id };
  assertEquals((await refusalOf(insert("contacts", mixed))).code, "23503");
});

test("service role: guards on owners do not apply to it", async () => {
  const { admin, join } = await foundWorkspace();
  const rep = await join("rep");
  const company = await insert("companies", { name: "Analytical", sales_id: admin.id });
  const moved = await asCaller(
    service,
    (tx) => tx`update public.companies set sales_id = ${rep.id} where id = ${company.id}`,
  );
  assertEquals(moved.count, 1);
});

async function insert(table: string, values: Row): Promise<Row> {
  const [row] = await asCaller(
    service,
    (tx) => tx`insert into ${tx("public." + table)} ${tx(values)} returning *`,
  );
  if (!row) throw new Error(`${table} took no row.`);
  return row;
}
