/** A company with records that are deleted with it. */
import { create } from "../../support/records.ts";
import type { TestMember } from "../../support/workspace.ts";

/** A company with two contacts, a deal, a note and a task. */
export async function createFamily({ api }: TestMember) {
  const company_id = await create(api, "/companies", { name: "Analytical" });
  const contact_id = await create(api, "/contacts", { first_name: "Ada", company_id });
  const other_id = await create(api, "/contacts", { first_name: "Grace", company_id });
  const ids = [contact_id, other_id];
  await create(api, "/tasks", { contact_id, text: "Call" });
  await create(api, "/contact_notes", { contact_id, text: "Met" });
  const deal = { name: "Deal", stage: "opportunity", company_id, contact_ids: ids };
  await create(api, "/deals", deal);
  return { company_id, contact_id, ids };
}
