/** The schemas of tasks: the generated ones, refined where the database cannot check. */
import * as z from "zod";
import { externalIds, longText, recordId } from "../../_shared/fields.ts";
import { tasks } from "../../_shared/schema.ts";
import { configured } from "../configuration/schema.ts";
import { ContactReference, contactStatus } from "../contacts/schema.ts";
import { MemberReference } from "../users/schema.ts";

export const Task = z.object({
  ...tasks.row,
  id: recordId,
  contact_id: recordId,
  contact: ContactReference.optional(),
  owner: MemberReference.optional(),
}).meta({ id: "Task" });
export type Task = z.output<typeof Task>;

const fields = {
  ...tasks.input,
  type: configured.nullish(),
  text: longText,
  external_ids: externalIds,
};

export const TaskInput = z.strictObject({ ...fields, contact_status: contactStatus })
  .meta({ id: "TaskInput" });

export const TaskPatch = z.strictObject(fields).partial().meta({ id: "TaskPatch" });
