/** Completing a task, and reopening it. Repeating either succeeds. */
import type { Sql } from "../../_shared/database/database.ts";
import { idParams } from "../../_shared/fields.ts";
import { write } from "../../_shared/operation.ts";
import { updateRecord } from "../../_shared/records/records.ts";
import { tasks } from "./queries.ts";
import { Task } from "./schema.ts";

export const completeTask = write({
  id: "tasks.complete",
  method: "POST",
  path: "/tasks/:id/complete",
  summary: "Complete a task",
  description: "Sets `done_date` to now. Repeating it succeeds and keeps `done_date`.",
  access: "member",
  ifMatch: true,
  params: idParams,
  output: Task,
  problems: ["deleted"],
  run: ({ sql }, { params, ifMatch }) => setDone(sql, params.id, true, ifMatch),
});

export const reopenTask = write({
  id: "tasks.reopen",
  method: "POST",
  path: "/tasks/:id/reopen",
  summary: "Reopen a task",
  description: "Clears `done_date`. Repeating it succeeds.",
  access: "member",
  ifMatch: true,
  params: idParams,
  output: Task,
  problems: ["deleted"],
  run: ({ sql }, { params, ifMatch }) => setDone(sql, params.id, false, ifMatch),
});

async function setDone(
  sql: Sql,
  id: number,
  done: boolean,
  ifMatch: string[] | undefined,
): Promise<Task> {
  // Without values, `updateRecord` locks the task and returns it unchanged.
  const task = await updateRecord(sql, tasks, id, {}, ifMatch);
  if ((task.done_date !== null) === done) return task;
  const done_date = done ? new Date().toISOString() : null;
  return await updateRecord(sql, tasks, id, { done_date });
}
