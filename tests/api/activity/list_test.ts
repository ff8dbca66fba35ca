/** GET /activity and the history of one record, over HTTP. */
import { assert, assertEquals } from "@std/assert";
import { assertProblem } from "../../support/answers.ts";
import { createWorkspace, sql, test } from "../../support/workspace.ts";

interface Entry {
  id: number;
  table_name: string;
  record_id: number;
  action: string;
  changes: Record<string, { before: unknown; after: unknown }>;
  member_id: number | null;
  request_id: string | null;
}

test("activity.list shows what happened, newest first, with who did it", async () => {
  const { admin, addMember } = await createWorkspace();
  const rep = await addMember("rep");
  const company = await rep.api.post("/companies", { name: "Analytical" });
  const changed = await admin.api.patch(`/companies/${company.body.id}`, { city: "London" });
  await admin.api.delete(`/companies/${company.body.id}`);
  const { body, status } = await admin.api.get("/activity?table_name=companies&include=member");
  assertEquals(status, 200);
  const entries: Entry[] = body.data;
  assertEquals(entries.map(({ action }) => action), ["deleted", "updated", "created"]);
  assertEquals(entries.map(({ member_id }) => member_id), [admin.id, admin.id, rep.id]);
  assertEquals(entries[1]?.changes, { city: { before: null, after: "London" } });
  assertEquals(entries[1]?.request_id, changed.headers.get("X-Request-Id"));
  assertEquals(body.data[2].member, { id: rep.id, first_name: "Max", last_name: "rep" });
  assertEquals(entries[2]?.changes.name, { before: null, after: "Analytical" });
  assertEquals(entries[0]?.changes.name, { before: "Analytical", after: null });
});

test("activity.list filters by table, record, action, member and time", async () => {
  const { admin, addMember } = await createWorkspace();
  const rep = await addMember("rep");
  const { body: tag } = await rep.api.post("/tags", { name: "A", color: "#eeeeee" });
  await admin.api.patch(`/tags/${tag.id}`, { name: "B" });
  await admin.api.post("/companies", { name: "Analytical" });
  const count = async (query: string) =>
    (await admin.api.get(`/activity?${query}&count=exact`)).body.total;
  assertEquals(await count("table_name=tags"), 2);
  assertEquals(await count(`table_name=tags&record_id=${tag.id}&action=updated`), 1);
  assertEquals(await count(`member_id=${rep.id}`), 1);
  assertEquals(await count("table_name=tags&created_at@gte=2026-01-01"), 2);
  assertEquals(await count("table_name=tags&created_at@lt=2026-01-01"), 0);
});

test("activity.list pages without gaps or repetitions while more happens", async () => {
  const { admin, id } = await createWorkspace();
  await sql`
    insert into public.tags (name, color, workspace_id)
    select 'Tag ' || number, '#eeeeee', ${id} from generate_series(1, 23) as number`;
  const seen: Entry[] = [];
  let cursor: string | null = null;
  do {
    const from: string = cursor ? `&cursor=${cursor}` : "";
    const { body } = await admin.api.get(`/activity?table_name=tags&limit=5${from}`);
    seen.push(...body.data);
    cursor = body.next_cursor;
    await admin.api.post("/tags", { name: `New ${seen.length}`, color: "#eeeeee" });
  } while (cursor);
  const ids = seen.map((entry) => entry.id);
  assertEquals(ids, [...new Set(ids)].sort((a, b) => b - a));
  assertEquals(ids.length, 23);
});

test("activity.list shows changes of members to admins alone, and nothing of other workspaces", async () => {
  const [{ admin, addMember }, other] = await Promise.all([createWorkspace(), createWorkspace()]);
  const rep = await addMember("rep");
  const { body: company } = await admin.api.post("/companies", { name: "Analytical" });
  const seenBy = async (api: typeof rep.api, query: string) =>
    (await api.get(`/activity?${query}`)).body.data.length;
  assert(await seenBy(admin.api, "table_name=sales") >= 2);
  assertEquals(await seenBy(rep.api, "table_name=sales"), 0);
  assertEquals(await seenBy(rep.api, `record_id=${company.id}&table_name=companies`), 1);
  assertEquals(await seenBy(other.admin.api, `record_id=${company.id}&table_name=companies`), 0);
});

test("contacts.history tells a merge, and stays readable when the contact is gone", async () => {
  const { admin } = await createWorkspace();
  const [winner, loser] = await Promise.all(
    ["Ada", "Augusta"].map((first_name) => admin.api.post("/contacts", { first_name })),
  );
  const merged = await admin.api.post(`/contacts/${winner?.body.id}/merge`, {
    loser_ids: [loser?.body.id],
    fields: { first_name: loser?.body.id },
  });
  assertEquals(merged.status, 200);
  const lost = await admin.api.get(`/contacts/${loser?.body.id}/history`);
  const [last, first]: Entry[] = lost.body.data;
  assertEquals([last?.action, first?.action], ["merged", "created"]);
  assertEquals(last?.changes.merged_into, { before: null, after: winner?.body.id });
  const won = await admin.api.get(`/contacts/${winner?.body.id}/history`);
  assertEquals(won.body.data[0].changes.first_name, { before: "Ada", after: "Augusta" });
});

test("deals.history tells a change of stage", async () => {
  const { admin } = await createWorkspace();
  const { body: deal } = await admin.api.post("/deals", { name: "Deal", stage: "opportunity" });
  await sql`update public.deals set stage = 'proposal-sent' where id = ${deal.id}`;
  const { body } = await admin.api.get(`/deals/${deal.id}/history`);
  assertEquals(body.data[0].action, "stage_changed");
  assertEquals(body.data[0].changes.stage, { before: "opportunity", after: "proposal-sent" });
  assertEquals(body.data[0].member_id, null);
});

test("companies.history answers 404 to what never was, and to another workspace's", async () => {
  const [{ admin }, other] = await Promise.all([createWorkspace(), createWorkspace()]);
  const { body: company } = await other.admin.api.post("/companies", { name: "Analytical" });
  for (const id of [company.id, 999_999_999]) {
    assertProblem(await admin.api.get(`/companies/${id}/history`), 404, "not_found");
  }
});

test("companies.history refuses the cursor of another record", async () => {
  const { admin } = await createWorkspace();
  const [first, second] = await Promise.all(
    ["A", "B"].map((name) => admin.api.post("/companies", { name })),
  );
  await admin.api.patch(`/companies/${first?.body.id}`, { city: "London" });
  const { body } = await admin.api.get(`/companies/${first?.body.id}/history?limit=1`);
  const path = `/companies/${second?.body.id}/history?limit=1&cursor=${body.next_cursor}`;
  assertProblem(await admin.api.get(path), 400, "invalid_cursor");
});
