/** trash.list: records that were deleted themselves, and the children that went with them. */
import { assertEquals } from "@std/assert";
import { TrashItem } from "../../../supabase/functions/api/trash/schema.ts";
import { assertProblem } from "../../support/answers.ts";
import { createWorkspace, sql, test } from "../../support/workspace.ts";
import { createFamily } from "./family.ts";

test("trash.list shows records that were deleted themselves, with the numbers of their children", async () => {
  const { admin, addMember } = await createWorkspace();
  const rep = await addMember("rep");
  const { company_id } = await createFamily(admin);
  const { body: tag } = await admin.api.post("/tags", { name: "Hot", color: "#eeeeee" });
  await admin.api.delete(`/tags/${tag.id}`);
  await admin.api.delete(`/companies/${company_id}`);
  const { status, body } = await rep.api.get("/trash?include=member");
  assertEquals(status, 200);
  assertEquals(body.next_cursor, null);
  const [company, deleted] = body.data;
  assertEquals(body.data.length, 2);
  assertEquals([company.table_name, company.record_id], ["companies", company_id]);
  assertEquals([company.label, deleted.label], ["Analytical", "Hot"]);
  assertEquals(company.taken_along, { contact_notes: 1, contacts: 2, deals: 1, tasks: 1 });
  assertEquals(deleted.taken_along, {});
  assertEquals([company.reason, company.deleted_by], ["deleted", admin.id]);
  assertEquals(company.member.id, admin.id);
  assertEquals((await rep.api.get(`/trash/${company.id}`)).body.label, "Analytical");
});

test("trash.list shows a record that was deleted before its parent separately", async () => {
  const { admin } = await createWorkspace();
  const { company_id, contact_id } = await createFamily(admin);
  await admin.api.delete(`/contacts/${contact_id}`);
  await admin.api.delete(`/companies/${company_id}`);
  const { body } = await admin.api.get("/trash");
  assertEquals(
    body.data.map((item: { table_name: string; taken_along: unknown }) => [
      item.table_name,
      item.taken_along,
    ]),
    [
      ["companies", { contacts: 1, deals: 1 }],
      ["contacts", { contact_notes: 1, tasks: 1 }],
    ],
  );
});

test("trash.list filters and pages, and refuses a cursor of another filter", async () => {
  const { admin, id } = await createWorkspace();
  await sql`
    insert into public.tags (name, color, workspace_id)
    select 'Tag ' || number, '#eeeeee', ${id} from generate_series(1, 7) as number`;
  await sql`delete from public.tags where workspace_id = ${id}`;
  const { company_id } = await createFamily(admin);
  await admin.api.delete(`/companies/${company_id}`);
  const first = await admin.api.get("/trash?table_name=tags&limit=4");
  const second = await admin.api.get(
    `/trash?table_name=tags&limit=4&cursor=${first.body.next_cursor}`,
  );
  assertEquals([first.body.data.length, second.body.data.length], [4, 3]);
  assertEquals(second.body.next_cursor, null);
  const ids = [...first.body.data, ...second.body.data].map((item) => item.record_id);
  assertEquals(new Set(ids).size, 7);
  const foreign = await admin.api.get(`/trash?limit=4&cursor=${first.body.next_cursor}`);
  assertProblem(foreign, 400, "invalid_cursor");
  const mine = await admin.api.get(`/trash?deleted_by=${admin.id}`);
  assertEquals(mine.body.data.length, 1);
  assertEquals((await admin.api.get("/trash?reason=merged")).body.data, []);
  assertProblem(await admin.api.get("/trash?table_name=sales"), 400, "invalid_parameter");
  assertProblem(await admin.api.get("/trash?limit=0"), 400, "invalid_parameter");
});

test("trash.list names every table whose deleted rows are kept", async () => {
  const tables = await sql<{ name: string }[]>`
    select c.relname as name
    from pg_trigger t
    join pg_class c on c.oid = t.tgrelid
    where t.tgname = '10_move_to_trash'`;
  assertEquals(
    TrashItem.shape.table_name.options.toSorted(),
    tables.map(({ name }) => name).sort(),
    "Name the table in api/trash/schema.ts.",
  );
});
