/** SQL of notes on contacts: the resource. */
import { listing } from "../../_shared/list/list.ts";
import { resource } from "../../_shared/records/records.ts";
import { contact_notes_summary } from "../../_shared/schema.ts";
import { ATTACHMENT_PROBLEMS } from "../attachments/files.ts";
import { contactSql } from "../contacts/queries.ts";
import { ownerSql } from "../users/queries.ts";
import { ContactNote, ContactNoteInput, ContactNotePatch } from "./schema.ts";

export const contactNotes = resource({
  table: "contact_notes",
  name: "note",
  title: "a note on a contact",
  owner: "sales_id",
  parent: "contact_id",
  parentRequired: true,
  record: ContactNote,
  input: ContactNoteInput,
  patch: ContactNotePatch,
  problems: ["unknown_reference", "unknown_status", ...ATTACHMENT_PROBLEMS],
  list: listing({
    relation: contact_notes_summary,
    record: ContactNote,
    defaultSort: "-date,-id",
    longText: ["text"],
    include: { contact: contactSql, owner: ownerSql },
  }),
});
