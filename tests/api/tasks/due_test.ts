/** What is particular about tasks: completing, days, and what a task does to its contact. */
import { assert, assertEquals } from "@std/assert";
import { only } from "../../support/exactly.ts";
import { assertProblem } from "../../support/answers.ts";
import { insertRow, insertRows, rowOf } from "../../support/records.ts";
import { type Api, createWorkspace, sql, test, type Workspace } from "../../support/workspace.ts";

const WEST = "Pacific/Pago_Pago"; // UTC-11
const EAST = "Pacific/Kiritimati"; // UTC+14

async function contactOf(workspace: Workspace, values = {}): Promise<number> {
  return await insertRow(workspace, "contacts", { first_name: "Ada", ...values });
}

async function idsOf(api: Api, query: string): Promise<number[]> {
  const { status, body } = await api.get(`/tasks?select=id&limit=200&${query}`);
  assertEquals(status, 200, JSON.stringify(body));
  return body.data.map(({ id }: { id: number }) => id);
}

test("tasks.create makes the caller the owner and moves the contact's last_seen to now", async () => {
  const workspace = await createWorkspace();
  const rep = await workspace.addMember("rep");
  const contact_id = await contactOf(workspace, { last_seen: null, status: "cold" });
  const { status, body } = await rep.api.post("/tasks", { contact_id, type: "call", text: "Call" });
  assertEquals(status, 201, JSON.stringify(body));
  assertEquals([body.sales_id, body.done_date], [rep.id, null]);
  const contact = await rowOf("contacts", contact_id);
  assert(Date.now() - Date.parse(String(contact?.last_seen)) < 60_000);
  assertEquals(contact?.status, "cold");
});

test("tasks.create never moves last_seen back, and sets the contact's status when asked", async () => {
  const workspace = await createWorkspace();
  const last_seen = "2100-01-01T00:00:00+00:00";
  const contact_id = await contactOf(workspace, { last_seen, status: "cold" });
  const { status } = await workspace.admin.api.post("/tasks", {
    contact_id,
    contact_status: "hot",
  });
  assertEquals(status, 201);
  const contact = await rowOf("contacts", contact_id);
  assertEquals([contact?.last_seen, contact?.status], [last_seen, "hot"]);
});

test("tasks.create answers 422 to a status, type or contact that there is not, and changes nothing", async () => {
  const [workspace, foreign] = await Promise.all([createWorkspace(), createWorkspace()]);
  const contact_id = await contactOf(workspace, { last_seen: null, status: "cold" });
  const { api } = workspace.admin;
  const before = await rowOf("contacts", contact_id);
  for (
    const [body, code, field] of [
      [{ contact_id, contact_status: "lukewarm" }, "unknown_contact_status", "contact_status"],
      [{ contact_id, type: "telepathy" }, "unknown_type", "type"],
      [{ contact_id: await contactOf(foreign) }, "unknown_reference", "contact_id"],
    ] as const
  ) {
    const answer = await api.post("/tasks", body);
    assertProblem(answer, 422, code);
    assertEquals(Object.keys(answer.body.errors), [field]);
  }
  assertEquals(await rowOf("contacts", contact_id), before);
  assertEquals((await api.get("/tasks?count=exact")).body.total, 0);
});

test("tasks.update keeps a type that was stored before, and refuses to take it up anew", async () => {
  const workspace = await createWorkspace();
  const contact_id = await contactOf(workspace);
  const { api } = workspace.admin;
  const [legacy, other] = await insertRows(workspace, "tasks", [
    { contact_id, type: "telegram" },
    { contact_id, type: "call" },
  ]);
  const kept = await api.patch(`/tasks/${legacy}`, { type: "telegram", text: "stop" });
  assertEquals([kept.status, kept.body.type], [200, "telegram"]);
  assertProblem(await api.patch(`/tasks/${other}`, { type: "telegram" }), 422, "unknown_type");
});

test("tasks.complete and tasks.reopen may be repeated", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const id = await insertRow(workspace, "tasks", { contact_id: await contactOf(workspace) });
  const first = await api.post(`/tasks/${id}/complete`);
  assert(Math.abs(Date.now() - Date.parse(first.body.done_date)) < 60_000);
  const second = await api.post(`/tasks/${id}/complete`);
  assertEquals([second.status, second.body], [200, first.body]);
  const reopened = await api.post(`/tasks/${id}/reopen`);
  assertEquals([reopened.status, reopened.body.done_date], [200, null]);
  assertEquals((await api.post(`/tasks/${id}/reopen`)).body, reopened.body);
});

test("tasks.complete answers 412 when the task has changed, 410 from the trash, 404 for none", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const id = await insertRow(workspace, "tasks", { contact_id: await contactOf(workspace) });
  const headers = { "If-Match": '"2020-01-01T00:00:00Z"' };
  const stale = await api.post(`/tasks/${id}/complete`, undefined, headers);
  assertProblem(stale, 412, "precondition_failed");
  await api.delete(`/tasks/${id}`);
  assertProblem(await api.post(`/tasks/${id}/complete`), 410, "deleted");
  assertProblem(await api.post("/tasks/999999999/reopen"), 404, "not_found");
});

test("tasks.complete is for every member, tasks.delete for the owner and managers", async () => {
  const workspace = await createWorkspace();
  const rep = await workspace.addMember("rep");
  const id = await insertRow(workspace, "tasks", { contact_id: await contactOf(workspace) });
  assertEquals((await rep.api.post(`/tasks/${id}/complete`)).status, 200);
  assertProblem(await rep.api.delete(`/tasks/${id}`), 403, "forbidden");
});

test("tasks.list sorts by due date, those without one last", async () => {
  const workspace = await createWorkspace();
  const contact_id = await contactOf(workspace);
  const [none, late, early] = await insertRows(workspace, "tasks", [
    { contact_id },
    { contact_id, due_date: "2026-12-24T00:00:00Z" },
    { contact_id, due_date: "2026-12-01T00:00:00Z" },
  ]);
  const ids = await idsOf(workspace.admin.api, "");
  assertEquals(ids, [early, late, none].map(Number));
});

test("tasks.list lists by owner, by contact, and what was done in a time", async () => {
  const workspace = await createWorkspace();
  const rep = await workspace.addMember("rep");
  const [first, second] = [await contactOf(workspace), await contactOf(workspace)];
  const [, done, open] = await insertRows(workspace, "tasks", [
    { contact_id: first },
    { contact_id: first, done_date: "2026-01-05T12:00:00Z" },
    { contact_id: second, sales_id: rep.id },
  ]);
  const { api } = workspace.admin;
  assertEquals(await idsOf(api, `sales_id=${rep.id}`), [Number(open)]);
  assertEquals((await idsOf(api, `contact_id=${first}`)).length, 2);
  const range = "done_date@gte=2026-01-05&done_date@lt=2026-01-06";
  assertEquals(await idsOf(api, range), [Number(done)]);
  assertEquals((await idsOf(api, "done_date=is.null")).length, 2);
});

test("tasks.list includes contact and owner, without a query for each", async () => {
  const workspace = await createWorkspace();
  const company_id = await insertRow(workspace, "companies", { name: "Analytical" });
  const contact_id = await contactOf(workspace, { last_name: "Lovelace", company_id });
  await insertRow(workspace, "tasks", { contact_id });
  const { body } = await workspace.admin.api.get("/tasks?include=contact,owner");
  assertEquals(body.data[0].contact, {
    id: contact_id,
    first_name: "Ada",
    last_name: "Lovelace",
    company_name: "Analytical",
  });
  assertEquals(body.data[0].owner.id, workspace.admin.id);
});

test("tasks.list finds what is due by the days of the given time zone", async () => {
  const workspace = await createWorkspace();
  const contact_id = await contactOf(workspace);
  const due = async (moment: string, done = false) =>
    await dueTask(workspace, contact_id, moment, done);
  const { api } = workspace.admin;
  for (const zone of [WEST, EAST, "UTC", "Europe/Paris", "America/St_Johns"]) {
    const start = `date_trunc('day', now() at time zone '${zone}')`;
    const at = (days: number, less = "0") =>
      `(${start} + interval '${days} days') at time zone '${zone}' - interval '${less}'`;
    const ids = {
      overdue: [await due(at(-3)), await due(at(0, "1 microsecond"))],
      today: [await due(at(0)), await due(at(1, "1 microsecond"))],
      week: [await due(at(1)), await due(at(7, "1 microsecond"))],
      later: [await due(at(7))],
    };
    const none = await insertRow(workspace, "tasks", { contact_id });
    await due(at(0), true);
    const query = `time_zone=${encodeURIComponent(zone)}`;
    assertEquals(await idsOf(api, `due=overdue&${query}`), ids.overdue, zone);
    assertEquals(await idsOf(api, `due=today&${query}`), ids.today, zone);
    assertEquals(await idsOf(api, `due=week&${query}`), [...ids.today, ...ids.week], zone);
    assertEquals(await idsOf(api, `due=none&${query}`), [none], zone);
    await sql`delete from public.tasks where workspace_id = ${workspace.id}`;
  }
});

test("tasks.list takes UTC's days without a time zone, and other filters beside them", async () => {
  const workspace = await createWorkspace();
  const rep = await workspace.addMember("rep");
  const contact_id = await contactOf(workspace);
  const id = await dueTask(workspace, contact_id, "now()");
  const { api } = workspace.admin;
  assertEquals(await idsOf(api, "due=today"), [id]);
  assertEquals(await idsOf(api, `due=today&sales_id=${rep.id}`), []);
});

test("tasks.list pages through what is due without leaving one out", async () => {
  const workspace = await createWorkspace();
  const contact_id = await contactOf(workspace);
  for (const _ of Array(5)) await dueTask(workspace, contact_id, "now() - interval '3 days'");
  const { api } = workspace.admin;
  const seen: number[] = [];
  let cursor = "";
  do {
    const { status, body } = await api.get(`/tasks?due=overdue&limit=2${cursor}`);
    assertEquals(status, 200, JSON.stringify(body));
    seen.push(...body.data.map(({ id }: { id: number }) => id));
    cursor = body.next_cursor && `&cursor=${body.next_cursor}`;
  } while (cursor);
  assertEquals([seen.length, new Set(seen).size], [5, 5]);
  const { body } = await api.get("/tasks?due=overdue&limit=2");
  const other = await api.get(`/tasks?due=today&limit=2&cursor=${body.next_cursor}`);
  assertProblem(other, 400, "invalid_cursor");
});

test("tasks.list answers 400 to an unknown time zone or kind of due", async () => {
  const { admin } = await createWorkspace();
  for (const zone of ["Mars/Olympus", "+02:00", "", "' or 1=1", "Europe/Paris ", "x".repeat(99)]) {
    const query = `due=today&time_zone=${encodeURIComponent(zone)}`;
    const answer = await admin.api.get(`/tasks?${query}`);
    assertProblem(answer, 400, "invalid_parameter");
    assertEquals(Object.keys(answer.body.errors), ["time_zone"]);
  }
  for (const due of ["tomorrow", "", "today,week"]) {
    const answer = await admin.api.get(`/tasks?due=${due}`);
    assertProblem(answer, 400, "invalid_parameter");
    assertEquals(Object.keys(answer.body.errors), ["due"]);
  }
  assertProblem(await admin.api.get("/tasks?due=today&due=none"), 400, "invalid_parameter");
});

async function dueTask(
  workspace: Workspace,
  contact_id: number,
  moment: string,
  done = false,
): Promise<number> {
  const { id } = only(
    await sql<{ id: number }[]>`
    insert into public.tasks (workspace_id, sales_id, contact_id, due_date, done_date)
    values (
      ${workspace.id}, ${workspace.admin.id}, ${contact_id}, ${sql.unsafe(moment)},
      ${done ? sql`now()` : null}
    )
    returning id::int as id`,
  );
  return id;
}
