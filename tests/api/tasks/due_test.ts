/** tasks.list with `due`: days of a time zone. */
import { assertEquals } from "@std/assert";
import { assertProblem } from "../../support/answers.ts";
import { only } from "../../support/exactly.ts";
import { contactOf, insertRow } from "../../support/records.ts";
import { createWorkspace, sql, test, type Workspace } from "../../support/workspace.ts";
import { idsOf } from "./idsOf.ts";

const WEST = "Pacific/Pago_Pago"; // UTC-11

const EAST = "Pacific/Kiritimati"; // UTC+14

test("tasks.list finds due tasks by the days of the given time zone", async () => {
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

test("tasks.list uses days of UTC without a time zone, and combines `due` with other filters", async () => {
  const workspace = await createWorkspace();
  const rep = await workspace.addMember("rep");
  const contact_id = await contactOf(workspace);
  const id = await dueTask(workspace, contact_id, "now()");
  const { api } = workspace.admin;
  assertEquals(await idsOf(api, "due=today"), [id]);
  assertEquals(await idsOf(api, `due=today&sales_id=${rep.id}`), []);
});

test("tasks.list pages through due tasks without leaving one out", async () => {
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

test("tasks.list answers 400 to an unknown time zone or value of due", async () => {
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
