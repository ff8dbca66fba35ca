/** Wire shapes of tasks, from the generated schema; only what the database cannot say is refined. */
import { createInsertSchema, createSelectSchema } from "drizzle-zod";
import * as z from "zod";
import { recordId, timestamp } from "../../_shared/fields.ts";
import { tasks } from "../../_shared/schema.ts";
import { configured } from "../configuration/schema.ts";
import { ContactReference, contactStatus } from "../contacts/schema.ts";
import { Owner } from "../users/schema.ts";

export const Task = createSelectSchema(tasks, {
  id: recordId,
  contact_id: recordId,
  created_at: z.string(),
  updated_at: z.string(),
}).omit({ workspace_id: true }).extend({
  contact: ContactReference.optional(),
  owner: Owner.optional(),
}).meta({ id: "Task" });
export type Task = z.output<typeof Task>;

const fields = createInsertSchema(tasks, {
  contact_id: recordId,
  type: configured.nullish(),
  text: z.string().max(100_000).nullish(),
  due_date: timestamp.nullish(),
  done_date: timestamp.nullish(),
  sales_id: recordId.nullish(),
}).omit({ id: true, workspace_id: true, created_at: true, updated_at: true });

export const TaskInput = z.strictObject({ ...fields.shape, contact_status: contactStatus })
  .meta({ id: "TaskInput" });

export const TaskPatch = z.strictObject(fields.shape).partial().meta({ id: "TaskPatch" });
