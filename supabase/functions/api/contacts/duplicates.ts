/** Duplicates of contacts: their reasons and their short records. */
import type { DuplicateKind } from "../duplicates/kinds.ts";
import { contacts } from "./queries.ts";
import { Contact } from "./schema.ts";

export const contactDuplicates: DuplicateKind = {
  of: contacts,
  record: Contact,
  pairs: "contact_duplicates",
  dismissals: { table: "contact_dismissals", column: "contact_ids" },
  reasons: ["same_email", "same_phone", "similar_name_same_company", "similar_name_same_domain"],
  shown: {
    view: "contacts_summary",
    record: Contact.pick({
      id: true,
      first_name: true,
      last_name: true,
      title: true,
      company_id: true,
      company_name: true,
      email_jsonb: true,
      phone_jsonb: true,
      sales_id: true,
    }).meta({ id: "DuplicateContact" }),
  },
};
