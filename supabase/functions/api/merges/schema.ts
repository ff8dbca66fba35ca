/** The schema of a merge in the list of merges. */
import * as z from "zod";
import { recordId } from "../../_shared/fields.ts";
import { merges } from "../../_shared/schema.ts";
import { MemberReference } from "../users/schema.ts";

export const MergeRecord = z.object({
  ...merges.row,
  id: recordId,
  change_id: z.uuid().describe("The change, which `POST /changes/{id}/undo` takes back."),
  table_name: z.string(),
  winner_id: recordId,
  loser_ids: z.array(recordId),
  member_id: recordId.nullable().describe("The member. `null` for a script with the secret key."),
  created_at: z.string(),
  undone_by: z.uuid().nullable().describe("The change that undid the merge."),
  member: MemberReference.optional(),
}).meta({ id: "Merge" });
