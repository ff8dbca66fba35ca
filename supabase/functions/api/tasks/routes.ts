/** The operations on tasks. */
import { list, type Operation } from "../../_shared/operation.ts";
import {
  bulk,
  create,
  createRecord,
  get,
  remove,
  restore,
  update,
} from "../../_shared/records/records.ts";
import { touchContact } from "../contacts/queries.ts";
import { upserts } from "../upserts/upsert.ts";
import { completeTask, reopenTask } from "./completion.ts";
import { tasks } from "./queries.ts";

export const operations: readonly Operation[] = [
  list({
    id: "tasks.list",
    path: "/tasks",
    summary: "List tasks",
    description:
      "`due=today&time_zone=Europe/Paris` lists the open tasks of today in that time zone.",
    of: tasks.list,
  }),
  get(tasks),
  create(tasks, {
    description:
      "The contact's `last_seen` becomes now. `contact_status` sets the contact's status.",
    example: {
      contact_id: 1,
      type: "call",
      text: "Ask about the offer",
      due_date: "2026-12-01T09:00:00Z",
    },
    problems: ["unknown_contact_status"],
    run: async ({ sql }, { body: { contact_status, ...values } }) => {
      const task = await createRecord(sql, tasks, values);
      await touchContact(sql, task.contact_id, { seenNow: true, status: contact_status });
      return task;
    },
  }),
  update(tasks, { example: { due_date: "2026-12-02T09:00:00Z" } }),
  completeTask,
  reopenTask,
  remove(tasks),
  restore(tasks),
  bulk(tasks, {
    example: { ids: [1], set: { due_date: "2026-12-02T09:00:00Z" }, dry_run: true },
    records: upserts(tasks, "tasks", {
      contact_id: 1,
      type: "call",
      text: "Ask about the compiler",
      due_date: "2026-12-03T09:00:00Z",
    }),
  }),
];
