/**
 * Descriptions of fields for the OpenAPI document. A column has the comment of the database, and a
 * field that means the same everywhere has its description here.
 */
import { comments } from "./comments.ts";

/** Resource → its table, when the names differ. */
const TABLES: Record<string, string> = { users: "sales", me: "sales", activity: "audit_log" };

const USUAL: Record<string, string> = {
  // Records
  id: "Id of the record.",
  record_id: "Id of the record.",
  table_name: "Table of the record.",
  created_at: "When the record was created.",
  updated_at: "When the record last changed.",
  name: "Name of the record.",
  first_name: "First name.",
  last_name: "Last name.",
  title: "Title.",
  description: "Description.",
  email: "E-mail address.",
  number: "Phone number.",
  website: "Web site.",
  company_name: "Name of the company.",
  avatar: "A picture.",
  role: "Role in the workspace.",
  administrator: "Whether the role is admin.",
  disabled: "Whether the user has no access.",
  user_id: "The user's id at the auth server.",
  sales_id: "The owner: a member of the workspace.",
  workspace: "The workspace of the member.",
  permissions: "What the member may do.",
  manage_users: "Whether you may invite, change and offboard users.",
  manage_configuration: "Whether you may change the configuration.",
  color: "Colour, such as `#7dbde8`.",
  stage: "Stage of the deal.",
  // Related records, shown by `include`
  company: "The company. Present with `include=company`.",
  contact: "The contact. Present with `include=contact`.",
  contacts: "The contacts. Present with `include=contacts`.",
  deal: "The deal. Present with `include=deal`.",
  owner: "The owner. Present with `include=owner`.",
  member: "The member. Present with `include=member`.",
  tag_records: "The tags. Present with `include=tag_records`.",
  nb_contacts: "Number of contacts.",
  nb_deals: "Number of deals.",
  nb_notes: "Number of notes.",
  nb_tasks: "Number of tasks.",
  // Pages
  data: "The records.",
  next_cursor: "The `cursor` of the next page. `null` on the last page.",
  total: "Number of matching records. Present with `count=exact`.",
  // Requests
  ids: "Ids of records.",
  dry_run: "`true`: shows what would happen, and changes nothing.",
  delete: "`true`: moves the records to the trash.",
  add_tags: "Ids of tags to add.",
  remove_tags: "Ids of tags to remove.",
  loser_ids: "Ids of the records that are merged into the winner.",
  // Results of requests
  winner: "The record that remains.",
  winner_id: "Id of the record that remains.",
  merged_ids: "Ids of the records that are merged.",
  outcome: "What happened to the record.",
  counts: "Number of records by outcome.",
  requested: "Number of records of the request.",
  succeeded: "Number of changed records.",
  failed: "Number of records that were not changed.",
  reassigned_to: "Id of the new owner. `null` when no record changed its owner.",
  companies: "Companies.",
  contact_notes: "Notes on contacts.",
  deals: "Deals.",
  deal_notes: "Notes on deals.",
  tasks: "Tasks.",
  // Activity, changes and trash
  action: "What happened to the record.",
  before: "The value before.",
  after: "The value after.",
  request_id: "Id of the request, also in the log.",
  change_id: "The change that the entry belongs to.",
  records: "The records.",
  merged_into: "Id of the record that it was merged into.",
  deleted_at: "When the record was deleted.",
  // Duplicates
  record: "The similar record.",
  reasons: "Why both are similar.",
  dismissed_at: "When the pair was dismissed.",
  dismissed_by: "The member who dismissed the pair. `null` for a script with the secret key.",
  note: "Why the records are not the same.",
  // Pictures and attachments
  type: "Type.",
  path: "Path of the file.",
  size: "Size in bytes.",
  file_name: "Name of the file, with its ending.",
  bucket: "Bucket of the file in the storage.",
  // Search
  kind: "Kind of the record.",
  subtitle: "A second line that describes the record.",
  // Configuration
  config: "The settings.",
  value: "What records store.",
  label: "What the frontend shows.",
  lightModeLogo: "Logo of the light mode, as a URL or a data URL.",
  darkModeLogo: "Logo of the dark mode, as a URL or a data URL.",
  currency: "Currency of amounts, as a code of ISO 4217.",
  companySectors: "Sectors of companies.",
  dealCategories: "Categories of deals.",
  dealStages: "Stages of deals, in the order of the board.",
  dealPipelineStatuses: "Stages that the charts of the frontend count as won.",
  closedStages: "Stages in which a deal is won or lost.",
  won: "Stages in which a deal is won.",
  lost: "Stages in which a deal is lost.",
  noteStatuses: "Statuses of contacts and notes.",
  taskTypes: "Types of tasks.",
  // API keys
  key_of: "Who made the API key. Present when the member is a key.",
  maker: "The member who made the key. Present with `include=maker`.",
  scope: "The scope that the key needs.",
  // Gateway
  status: "Status.",
  version: "Version of the API.",
  database: "`ok`, or the code of a problem.",
  auth: "`ok`, or the code of a problem.",
  links: "Addresses of the documents.",
  openapi: "The OpenAPI document, or its version.",
  health: "Address that tells whether the function runs.",
  me: "Address of your profile.",
  // Atomic CRM
  loserId: "Id of the contact that is merged.",
  winnerId: "Id of the contact that remains.",
  success: "Whether it is done.",
};

/** Resource → what it is about. */
const RESOURCES: Record<string, string> = {
  system: "The gateway itself: health, readiness, documents.",
  me: "Your own profile.",
  users: "The members of the workspace: invitations, roles, offboarding.",
  api_keys: "API keys: credentials of programs.",
  companies: "Organisations.",
  contacts: "People.",
  tags: "Tags of contacts.",
  search: "Search in all kinds of records.",
  deals: "Deals and their board.",
  configuration: "The settings of the workspace: stages, categories, types.",
  changes: "What every request has changed, its undo, and the feed.",
  merges: "Merges of companies, contacts and tags.",
  activity: "The log: every change of a record.",
  trash: "Deleted records, for 30 days.",
  jobs: "Work at intervals, for a scheduler.",
  tasks: "Tasks of contacts.",
  contact_notes: "Notes on contacts.",
  deal_notes: "Notes on deals.",
  attachments: "Files of notes.",
  imports: "Imports of files.",
  atomic: "The functions of Atomic CRM under their own names.",
};

/** The sentences of the OpenAPI document about resources and fields. */
export const descriptions = {
  resources: RESOURCES,
  fieldsOf: (resource: string): Record<string, string> => ({
    ...USUAL,
    ...comments[TABLES[resource] ?? resource],
  }),
};
