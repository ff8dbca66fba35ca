/** Tasks over HTTP: list, get, create, update, complete, reopen, delete to the trash, restore. */
import {
  BULK_DESCRIPTION,
  BULK_PROBLEMS,
  BulkResult,
  runBulk,
} from "../../_shared/records/bulk.ts";
import { bulkInput } from "../../_shared/records/bulkInput.ts";
import { idParams, includeQuery, nothing } from "../../_shared/fields.ts";
import { type Operation, read, write } from "../../_shared/operation.ts";
import {
  createRecord,
  deleteRecord,
  getRecord,
  restoreRecord,
  updateRecord,
} from "../../_shared/records/records.ts";
import { completeTask, reopenTask } from "./completion.ts";
import { taskResource, tasksListing, touchContact } from "./queries.ts";
import { Task, TaskInput, TaskPatch } from "./schema.ts";

const OWNER = "the task's owner, managers and admins";

const list = read({
  id: "tasks.list",
  method: "GET",
  path: "/tasks",
  summary: "List tasks",
  description: "`due=today&time_zone=Europe/Paris` lists the open tasks of a day there.",
  access: "member",
  listing: tasksListing,
  query: tasksListing.query,
  output: tasksListing.partialPage,
  run: ({ sql }, { query }) => tasksListing.answer(sql, query),
});

const get = read({
  id: "tasks.get",
  method: "GET",
  path: "/tasks/:id",
  summary: "Get a task",
  access: "member",
  params: idParams,
  query: includeQuery(["contact", "owner"]),
  output: Task,
  problems: ["deleted"],
  run: ({ sql }, { params, query }) => getRecord(sql, taskResource, params.id, query.include),
});

const create = write({
  id: "tasks.create",
  method: "POST",
  path: "/tasks",
  summary: "Create a task",
  description:
    "Without `sales_id` the caller owns it. The contact's `last_seen` moves to now; `contact_status` " +
    "sets its status.",
  access: "member",
  body: TaskInput,
  example: {
    contact_id: 1,
    type: "call",
    text: "Ask about the offer",
    due_date: "2026-12-01T09:00:00Z",
  },
  output: Task,
  status: 201,
  location: ({ id }) => `tasks/${id}`,
  problems: ["unknown_reference", "unknown_type", "unknown_contact_status"],
  run: async ({ sql }, { body: { contact_status, ...values } }) => {
    const task = await createRecord(sql, taskResource, values);
    await touchContact(sql, task.contact_id, { seenNow: true, status: contact_status });
    return task;
  },
});

const update = write({
  id: "tasks.update",
  method: "PATCH",
  path: "/tasks/:id",
  summary: "Change a task",
  description:
    "What is absent stays; null clears. With `If-Match`, only the version that was read.",
  access: "member",
  permission: `every member; the owner is changed by ${OWNER}`,
  params: idParams,
  body: TaskPatch,
  example: { due_date: "2026-12-02T09:00:00Z" },
  output: Task,
  problems: ["owner_change_not_allowed", "unknown_reference", "unknown_type"],
  run: ({ sql }, { params, body, ifMatch }) =>
    updateRecord(sql, taskResource, params.id, body, ifMatch),
});

const remove = write({
  id: "tasks.delete",
  method: "DELETE",
  path: "/tasks/:id",
  summary: "Move a task to the trash",
  description: "Repeating it succeeds.",
  access: "member",
  permission: OWNER,
  params: idParams,
  output: nothing,
  status: 204,
  run: ({ sql }, { params, ifMatch }) => deleteRecord(sql, taskResource, params.id, ifMatch),
});

const restore = write({
  id: "tasks.restore",
  method: "POST",
  path: "/tasks/:id/restore",
  summary: "Take a task out of the trash",
  access: "member",
  permission: OWNER,
  params: idParams,
  output: Task,
  problems: ["restore_not_allowed", "parent_deleted"],
  run: ({ sql }, { params }) => restoreRecord(sql, taskResource, params.id),
});

const bulk = write({
  id: "tasks.bulk",
  method: "POST",
  path: "/tasks/bulk",
  summary: "Change or delete many tasks",
  description: BULK_DESCRIPTION,
  access: "member",
  permission: `every member; owners are changed and tasks deleted by ${OWNER}`,
  body: bulkInput("TaskBulkInput", tasksListing, TaskPatch),
  example: { ids: [1], set: { due_date: "2026-12-02T09:00:00Z" }, dry_run: true },
  output: BulkResult,
  multiStatus: true,
  problems: [...BULK_PROBLEMS, "owner_change_not_allowed", "unknown_type"],
  run: ({ sql }, { body }) => runBulk(sql, taskResource, body),
});

export const taskOperations: readonly Operation[] = [
  list,
  get,
  create,
  update,
  completeTask,
  reopenTask,
  remove,
  restore,
  bulk,
];
