/** Completing a task, and taking that back. Both may be repeated. */
import type { WriteContext } from "../../_shared/operation.ts";
import { write } from "../../_shared/operation.ts";
import { idParams } from "../../_shared/fields.ts";
import { updateRecord } from "../../_shared/records/records.ts";
import { taskResource } from "./queries.ts";
import { Task } from "./schema.ts";

export const completeTask = write({
  id: "tasks.complete",
  method: "POST",
  path: "/tasks/:id/complete",
  summary: "Complete a task",
  description: "Repeating it succeeds and keeps the first `done_date`.",
  access: "member",
  params: idParams,
  output: Task,
  problems: ["deleted"],
  run: (context, { params, ifMatch }) => setDone(context, params.id, true, ifMatch),
});

export const reopenTask = write({
  id: "tasks.reopen",
  method: "POST",
  path: "/tasks/:id/reopen",
  summary: "Reopen a task",
  description: "Repeating it succeeds.",
  access: "member",
  params: idParams,
  output: Task,
  problems: ["deleted"],
  run: (context, { params, ifMatch }) => setDone(context, params.id, false, ifMatch),
});

/** Asked for nothing, `updateRecord` locks the task and returns it as it is. */
async function setDone(
  { sql }: WriteContext,
  id: number,
  done: boolean,
  ifMatch?: string[],
): Promise<Task> {
  const task = await updateRecord(sql, taskResource, id, {}, ifMatch);
  if ((task.done_date !== null) === done) return task;
  const done_date = done ? new Date().toISOString() : null;
  return await updateRecord(sql, taskResource, id, { done_date });
}
