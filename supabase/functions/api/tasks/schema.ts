/** Wire shapes of tasks, from the generated schema; only what the database cannot say is refined. */
import * as z from "zod";
import { recordId } from "../../_shared/fields.ts";
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

export const Task = z.object({
  ...tasks.row,
  id: recordId,
  contact_id: recordId,
  contact: taskIncludes.contact.optional(),
  owner: taskIncludes.owner.optional(),
}).meta({ id: "Task" });
export type Task = z.output<typeof Task>;

/** Checked against the configuration by the database. */
export const choice = z.string().trim().min(1, "Use a value of the configuration.").max(500);

/** What a new task or note also does to its contact. */
export const contactStatus = choice.optional()
  .describe("Sets the contact's status in the same transaction.");

const fields = {
  ...tasks.input,
  type: choice.nullish(),
  text: z.string().max(100_000).nullish(),
};

export const TaskInput = z.strictObject({ ...fields, contact_status: contactStatus })
  .meta({ id: "TaskInput" });

export const TaskPatch = z.strictObject(fields).partial().meta({ id: "TaskPatch" });
