/** SQL of notes on contacts: the list, and the relations that come with a note. */
import { listing } from "../../_shared/list/list.ts";
import type { Resource } from "../../_shared/records/records.ts";
import { contact_notes_summary } from "../../_shared/schema.ts";
import { ownerSql } from "../users/queries.ts";
import { contactSql } from "../tasks/queries.ts";
import { ContactNote } from "./schema.ts";

export const contactNotesListing = listing({
  relation: contact_notes_summary,
  name: "contact_notes_summary",
  record: ContactNote,
  defaultSort: "-date,-id",
  include: { contact: contactSql, owner: ownerSql },
});

export const contactNoteResource: Resource<ContactNote> = {
  table: "contact_notes",
  name: "note",
  listing: contactNotesListing,
};
