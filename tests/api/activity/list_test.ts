/** activity.list: what happened in a workspace, who did it, and who may see it. */
import { assertEquals, assertGreaterOrEqual } from "@std/assert";
import { createWorkspace, sql, test } from "../../support/workspace.ts";
import type { Entry } from "./entry.ts";

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

test("activity.list pages without gaps or repetitions while new changes happen", async () => {
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

test("activity.list shows changes of members only to admins, and no changes of other workspaces", async () => {
  const [{ admin, addMember }, other] = await Promise.all([createWorkspace(), createWorkspace()]);
  const rep = await addMember("rep");
  const { body: company } = await admin.api.post("/companies", { name: "Analytical" });
  const seenBy = async (api: typeof rep.api, query: string) =>
    (await api.get(`/activity?${query}`)).body.data.length;
  assertGreaterOrEqual(await seenBy(admin.api, "table_name=sales"), 2);
  assertEquals(await seenBy(rep.api, "table_name=sales"), 0);
  assertEquals(await seenBy(rep.api, `record_id=${company.id}&table_name=companies`), 1);
  assertEquals(await seenBy(other.admin.api, `record_id=${company.id}&table_name=companies`), 0);
});
