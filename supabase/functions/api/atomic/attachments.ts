/** `delete_note_attachments` with the request and the answer that Atomic CRM's webhooks expect. */
import * as z from "zod";
import { type Operation, write } from "../../_shared/operation.ts";

/**
 * Atomic CRM's triggers call this after a note has changed, with the note before and after, and its function
 * removes the files at once. The payload proves nothing, so that nobody removes a file by it: triggers of the
 * database queue the files of a changed note, and the job `remove_attachments` removes the unused ones.
 */
const deleteNoteAttachments = write({
  id: "atomic.delete_note_attachments",
  surface: "atomic",
  method: "POST",
  path: "/delete_note_attachments",
  summary: "Accept a webhook about a changed note, for Atomic CRM's triggers",
  description: "Changes nothing: the database itself queues files that no note refers to.",
  access: "member",
  body: z.object({
    type: z.string().max(100).optional().describe("INSERT, UPDATE or DELETE."),
  }).meta({ id: "NoteWebhook" }),
  example: { type: "DELETE" },
  output: z.object({ status: z.literal("skipped") }),
  run: () => Promise.resolve({ status: "skipped" as const }),
});

export const attachmentOperations: readonly Operation[] = [deleteNoteAttachments];
