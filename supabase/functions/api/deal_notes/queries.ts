/** SQL of notes on deals: the list, and the relations that come with a note. */
import { listing } from "../../_shared/list/list.ts";
import type { Resource } from "../../_shared/records/records.ts";
import { deal_notes_summary } from "../../_shared/schema.ts";
import { ownerSql } from "../users/queries.ts";

import { DealNote } from "./schema.ts";

export const dealNotesListing = listing({
  relation: deal_notes_summary,
  name: "deal_notes_summary",
  record: DealNote,
  defaultSort: "-date,-id",
  include: {
    deal: (sql) =>
      sql`
        select to_json(deal)
        from (select id, name, stage from deals where deals.id = record.deal_id) as deal`,
    owner: ownerSql,
  },
});

export const dealNoteResource: Resource<DealNote> = {
  table: "deal_notes",
  name: "note",
  listing: dealNotesListing,
};
