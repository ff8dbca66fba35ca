/** Wire shapes of tasks, from the generated schema; only what the database cannot say is refined. */
import { createInsertSchema, createSelectSchema } from "drizzle-zod";
import * as z from "zod";
import { recordId, timestamp } from "../../_shared/fields.ts";
import { tasks } from "../../_shared/schema.ts";
import { Owner } from "../users/schema.ts";

/** `?include=` of tasks: name → what comes with the task. */
export const taskIncludes = {
  contact: z.object({
    id: recordId,
    first_name: z.string().nullable(),
    last_name: z.string().nullable(),
    company_name: z.string().nullable(),
  }).nullable(),
  owner: Owner,
};

export const Task = createSelectSchema(tasks, {
  id: recordId,
  contact_id: recordId,
  created_at: z.string(),
  updated_at: z.string(),
}).omit({ workspace_id: true }).extend({
  contact: taskIncludes.contact.optional(),
  owner: taskIncludes.owner.optional(),
}).meta({ id: "Task" });
export type Task = z.output<typeof Task>;

/** Checked against the configuration by the database. */
export const choice = z.string().trim().min(1, "Use a value of the configuration.").max(500);

/** What a new task or note also does to its contact. */
export const contactStatus = choice.optional()
  .describe("Sets the contact's status in the same transaction.");

const fields = createInsertSchema(tasks, {
  contact_id: recordId,
  type: choice.nullish(),
  text: z.string().max(100_000).nullish(),
  due_date: timestamp.nullish(),
  done_date: timestamp.nullish(),
  sales_id: recordId.nullish(),
}).omit({ id: true, workspace_id: true, created_at: true, updated_at: true });

export const TaskInput = z.strictObject({ ...fields.shape, contact_status: contactStatus })
  .meta({ id: "TaskInput" });

export const TaskPatch = z.strictObject(fields.shape).partial().meta({ id: "TaskPatch" });
