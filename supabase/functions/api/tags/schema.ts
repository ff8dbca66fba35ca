/** The schemas of tags: the generated ones, refined where the database cannot check. */
import * as z from "zod";
import { recordId, requiredName } from "../../_shared/fields.ts";
import { tags, tags_summary } from "../../_shared/schema.ts";

export const Tag = z.object({
  ...tags_summary.row,
  id: recordId,
  name: z.string(),
  color: z.string().describe("Any text: Atomic CRM's clients store colours without validation."),
  nb_contacts: z.int(),
  created_at: z.string(),
  updated_at: z.string(),
}).meta({ id: "Tag" });
export type Tag = z.output<typeof Tag>;

export const TagInput = z.strictObject({
  ...tags.input,
  name: requiredName,
  color: z.string().trim()
    .regex(/^#([0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})$/i, "Use a colour such as #eddcd2."),
}).meta({ id: "TagInput" });

export const TagPatch = TagInput.partial().meta({ id: "TagPatch" });
