/** The problems that only the CRM has. `_shared/problem.ts` declares those of every API. */
import { declareProblems, Problem } from "../_shared/problem.ts";

const CRM_PROBLEMS = declareProblems(
  {
    member_change_not_allowed: [403, "Only an administrator may change this"],
    member_identity_fixed: [403, "A member's identity is fixed"],
    member_is_key: [409, "The member is an API key"],
    last_admin: [409, "The user is the last active administrator"],
    member_exists: [409, "The address belongs to a member"],
    address_unavailable: [409, "The address cannot be used"],
    email_confirmation_required: [409, "The owner of the address must confirm it"],
    reassign_required: [409, "The member still owns records"],
    member_active: [409, "The member has already joined"],
    member_pending: [409, "The member has not joined yet"],
    user_disabled: [409, "The user is disabled"],
    already_undone: [409, "The change has been undone"],
    undo_expired: [409, "The change is too old"],
    undo_conflict: [409, "Later changes stand in the way"],
    tag_exists: [409, "A tag has this name"],
    duplicate: [409, "A similar record exists"],
    import_not_ready: [409, "The import is not ready"],
    import_running: [409, "The import is running"],
    stage_in_use: [409, "The stage has deals"],
    deal_archived: [409, "The deal is archived"],
    neighbour_moved: [409, "The neighbouring deal is not in the column"],
    unknown_tag: [422, "A tag does not exist"],
    unknown_contact: [422, "A contact does not exist"],
    unknown_stage: [422, "The stage is not configured"],
    unknown_category: [422, "The category is not configured"],
    closing_date_required: [422, "A closed deal needs a closing date"],
    closing_date_not_allowed: [422, "An open deal has no closing date"],
    unknown_type: [422, "The type is not configured"],
    unknown_status: [422, "The status is not configured"],
    unknown_contact_status: [422, "The contact's status is not configured"],
    attachment_type_not_allowed: [422, "The file type is not allowed"],
    attachment_not_uploaded: [422, "The file has not been uploaded"],
    attachment_type_mismatch: [422, "The file does not match its type"],
    invalid_file: [422, "The file cannot be imported"],
    invalid_picture: [422, "The picture is not valid"],
    self_merge: [422, "A record cannot be merged into itself"],
    records_rejected: [422, "Records were rejected"],
  } as const,
  {
    records_rejected: {
      rejected: {
        type: "array",
        items: component("RecordOutcome"),
        description: "The rejected records.",
      },
    },
    member_exists: {
      member: {
        type: "object",
        properties: {
          id: { type: "integer" },
          status: { type: "string", enum: ["active", "invited", "disabled"] },
        },
        required: ["id", "status"],
        description: "The member with this address.",
      },
    },
    reassign_required: { owned: counts("Table → number of records that the member owns.") },
    undo_conflict: {
      conflicts: { type: "array", items: component("UndoConflict"), description: "The first 100." },
      number_of_conflicts: { type: "integer", description: "Number of all conflicts." },
    },
    tag_exists: { id: { type: "integer", description: "The tag with this name." } },
    duplicate: {
      duplicates: {
        type: "array",
        items: { anyOf: [component("ContactDuplicate"), component("CompanyDuplicate")] },
        description: "Similar records, the most similar first.",
      },
    },
    stage_in_use: { stages: counts("Stage → number of its deals.") },
    attachment_type_not_allowed: {
      "allowed?": { type: "array", items: { type: "string" }, description: "The allowed types." },
    },
  },
);

function counts(description: string) {
  return { type: "object", additionalProperties: { type: "integer" }, description };
}

function component(name: string) {
  return { $ref: `#/components/schemas/${name}` };
}

declare module "../_shared/problem.ts" {
  interface ProblemTables {
    crm: typeof CRM_PROBLEMS;
  }
}

/** Returns the problem `self_merge`: the winner's id is among the losers' ids. */
export function selfMerge(): Problem {
  const detail = "Leave the winner's own id out of loser_ids.";
  return new Problem("self_merge", detail, { errors: { loser_ids: detail } });
}
