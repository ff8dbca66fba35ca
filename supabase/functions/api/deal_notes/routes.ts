/** Notes on deals over HTTP. */
import { list, type Operation } from "../../_shared/operation.ts";
import {
  create,
  createRecord,
  get,
  getRecord,
  remove,
  restore,
  update,
  updateRecord,
} from "../../_shared/records/records.ts";
import { withAttachments } from "../attachments/files.ts";
import { dealNotes } from "./queries.ts";

export const operations: readonly Operation[] = [
  list({
    id: "deal_notes.list",
    path: "/deal_notes",
    summary: "List notes on deals",
    description: "`deal_id=1` lists those of one deal, the newest first.",
    of: dealNotes.list,
  }),
  get(dealNotes),
  create(dealNotes, {
    description: "Without `date` it is of now. Files are uploaded before: POST /attachments.",
    example: { deal_id: 1, text: "Called about the offer" },
    run: async (context, { body }) =>
      await createRecord(context.sql, dealNotes, await withAttachments(context, body)),
  }),
  update(dealNotes, {
    description: "`attachments` replaces the whole list.",
    example: { text: "Called twice about the offer" },
    run: async (context, { params, body, ifMatch }) => {
      const stored = () => getRecord(context.sql, dealNotes, params.id);
      const values = await withAttachments(context, body, stored);
      return await updateRecord(context.sql, dealNotes, params.id, values, ifMatch);
    },
  }),
  remove(dealNotes, {
    description: "Its files are removed when it has left the trash and no note refers to them.",
  }),
  restore(dealNotes),
];
