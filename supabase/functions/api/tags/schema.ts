/** Wire shapes of tags, from the generated schema; only what the database cannot say is refined. */
import * as z from "zod";
import { recordId } from "../../_shared/fields.ts";
import { tags, tags_summary } from "../../_shared/schema.ts";

export const Tag = z.object({
  ...tags_summary.row,
  id: recordId,
  name: z.string(),
  color: z.string().describe("Colours that were stored without a check come out as they are."),
  nb_contacts: z.int(),
  created_at: z.string(),
  updated_at: z.string(),
}).meta({ id: "Tag" });
export type Tag = z.output<typeof Tag>;

export const TagInput = z.strictObject({
  ...tags.input,
  name: z.string().trim().min(1, "Use a name.").max(500),
  color: z.string().trim()
    .regex(/^#([0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})$/i, "Use a colour such as #eddcd2."),
}).meta({ id: "TagInput" });

export const TagPatch = TagInput.partial().meta({ id: "TagPatch" });
