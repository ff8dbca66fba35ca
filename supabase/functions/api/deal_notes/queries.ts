/** SQL of notes on deals: the resource, and the deal of a note. */
import type { Fragment, Sql } from "../../_shared/database/database.ts";
import { listing } from "../../_shared/list/list.ts";
import { resource } from "../../_shared/records/records.ts";
import { deal_notes_summary } from "../../_shared/schema.ts";
import { ATTACHMENT_PROBLEMS } from "../attachments/files.ts";
import { ownerSql } from "../users/queries.ts";
import { DealNote, DealNoteInput, DealNotePatch } from "./schema.ts";

export const dealNotes = resource({
  table: "deal_notes",
  name: "note",
  title: "a note on a deal",
  owner: "sales_id",
  parent: "deal_id",
  parentRequired: true,
  record: DealNote,
  input: DealNoteInput,
  patch: DealNotePatch,
  problems: ["unknown_reference", ...ATTACHMENT_PROBLEMS],
  list: listing({
    relation: deal_notes_summary,
    record: DealNote,
    defaultSort: "-date,-id",
    longText: ["text"],
    include: { deal: dealSql, owner: ownerSql },
  }),
});

/** The deal of the row `record` as one JSON value. */
function dealSql(sql: Sql): Fragment {
  return sql`
    select to_json(deal)
    from (select id, name, stage from deals where deals.id = record.deal_id) as deal`;
}
