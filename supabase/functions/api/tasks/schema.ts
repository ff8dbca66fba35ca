/** Wire shapes of tasks, from the generated schema; only what the database cannot say is refined. */
import * as z from "zod";
import { recordId } from "../../_shared/fields.ts";
import { tasks } from "../../_shared/schema.ts";
import { configured } from "../configuration/schema.ts";
import { ContactReference, contactStatus } from "../contacts/schema.ts";
import { Owner } from "../users/schema.ts";

export const Task = z.object({
  ...tasks.row,
  id: recordId,
  contact_id: recordId,
  contact: ContactReference.optional(),
  owner: Owner.optional(),
}).meta({ id: "Task" });
export type Task = z.output<typeof Task>;

const fields = {
  ...tasks.input,
  type: configured.nullish(),
  text: z.string().max(100_000).nullish(),
};

export const TaskInput = z.strictObject({ ...fields, contact_status: contactStatus })
  .meta({ id: "TaskInput" });

export const TaskPatch = z.strictObject(fields).partial().meta({ id: "TaskPatch" });
