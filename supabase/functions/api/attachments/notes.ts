/** Notes of every kind: creating, changing and deleting a note with attachments. */
import type * as z from "zod";
import type { Operation, WriteContext } from "../../_shared/operation.ts";
import {
  createRecord,
  getRecord,
  remove,
  type Resource,
  update,
  updateRecord,
} from "../../_shared/records/records.ts";
import { withAttachments } from "./files.ts";
import type { Attachment, AttachmentInput, noteFields } from "./schema.ts";

interface Note {
  id: number;
  updated_at: string;
  attachments: Attachment[];
}

type NotePatch = z.ZodObject<
  { [Name in keyof typeof noteFields]: z.ZodOptional<(typeof noteFields)[Name]> }
>;
type Notes<Row extends Note> = Resource<Row, z.ZodType, NotePatch>;

/**
 * Creates a note.
 * @throws Problem one of `ATTACHMENT_PROBLEMS`; `validation_failed`.
 */
export async function createNote<Row extends Note>(
  context: WriteContext,
  notes: Notes<Row>,
  values: { attachments?: AttachmentInput[] | null },
): Promise<Row> {
  return await createRecord(context.sql, notes, await withAttachments(context, values));
}

/** `PATCH /<table>/:id` for notes. */
export function updateNote<Row extends Note>(notes: Notes<Row>): Operation {
  return update(notes, {
    description: "`attachments` replaces the whole list.",
    example: { text: "Called twice about the offer" },
    run: async (context, { params, body, ifMatch }) => {
      const stored = () => getRecord(context.sql, notes, params.id);
      const values = await withAttachments(context, body, stored);
      return await updateRecord(context.sql, notes, params.id, values, ifMatch);
    },
  });
}

/** `DELETE /<table>/:id` for notes. */
export function removeNote<Row extends Note>(notes: Notes<Row>): Operation {
  return remove(notes, {
    description: "Its files are removed after the note has left the trash, unless another note " +
      "refers to them.",
  });
}
