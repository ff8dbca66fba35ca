/**
 * The permissions of the database: every table and view of schema `public`, and every function that
 * callers may execute. `permissions_test.ts` executes each cell and compares the tables with the
 * catalogue, `privileges_test.ts` compares the functions, and docs/reference/permissions.md shows both.
 */

/** The callers. `foreign` is an admin of another workspace, `disabled` a disabled admin of this one. */
export const CALLERS = [
  "anon",
  "no_member",
  "disabled",
  "foreign",
  "rep",
  "manager",
  "admin",
] as const;
export type CallerName = typeof CALLERS[number];

export const VERBS = ["select", "insert", "update", "delete"] as const;
export type Verb = typeof VERBS[number];

/** Rows of the workspace: all of them, or those that the caller owns (`sales_id`). */
export type Scope = "all" | "own";

/** Caller → the allowed rows. A caller who is not named has no permission. */
export type Allowed = Partial<Record<CallerName, Scope>>;

export type Permissions = Record<Verb, Allowed>;

const none: Allowed = {};
const admins: Allowed = { admin: "all" };
const managers: Allowed = { manager: "all", ...admins };
const members: Allowed = { rep: "all", ...managers };
const owners: Allowed = { rep: "own", ...managers };
const everyone: Allowed = {
  anon: "all",
  no_member: "all",
  disabled: "all",
  foreign: "all",
  ...members,
};

/** All members read and write these. The owner, managers and admins delete them. */
const record: Permissions = {
  select: members,
  insert: members,
  update: members,
  delete: owners,
};

const view: Permissions = { select: members, insert: none, update: none, delete: none };

/** Every table and view of schema `public`. */
export const PERMISSIONS: Record<string, Permissions> = {
  workspaces: { select: members, insert: none, update: admins, delete: none },
  sales: {
    select: members,
    insert: none,
    update: { rep: "own", manager: "own", admin: "all" },
    delete: none,
  },
  invitations: { select: admins, insert: admins, update: admins, delete: admins },
  api_keys: { select: admins, insert: admins, update: admins, delete: admins },
  api_keys_summary: { ...view, select: admins },
  configuration: { select: members, insert: admins, update: admins, delete: none },
  companies: record,
  contacts: record,
  contact_notes: record,
  deals: record,
  deal_notes: record,
  tasks: record,
  tags: { ...record, delete: managers },
  favicons_excluded_domains: { ...record, delete: members },
  contact_dismissals: { ...record, delete: members },
  company_dismissals: { ...record, delete: members },
  audit_log: view,
  imports: view,
  changes: view,
  activity: view,
  merges: view,
  contacts_summary: view,
  companies_summary: view,
  tags_summary: view,
  contact_notes_summary: view,
  deal_notes_summary: view,
  deals_summary: view,
  activity_log: view,
  members: view,
  init_state: { ...view, select: everyone },
};

/** Functions of public, private and gateway that a role may execute. It may execute no others. */
export const EXECUTABLE: Record<"anon" | "authenticated" | "portico_gateway", readonly string[]> = {
  anon: ["private.is_initialized()"],
  authenticated: [
    "private.tables_of_change(uuid)",
    "private.id_array_fields(text)",
    "private.change_effects(uuid,jsonb)",
    "private.lock_change(uuid)",
    "private.restore_conflicts(uuid)",
    "private.changed_later(text,bigint,text,bigint)",
    "private.uncompared_fields(text)",
    "private.account_fields(text)",
    "private.field_conflicts(uuid,text)",
    "private.child_conflicts(uuid,text,jsonb)",
    "private.reference_conflicts(uuid,text,jsonb)",
    "private.undo_conflicts(uuid)",
    "private.restore_change(uuid,jsonb)",
    "private.leaving_ids(uuid,text)",
    "private.former_ids(text,text,jsonb,jsonb,jsonb,jsonb)",
    "private.require_all(bigint,bigint)",
    "private.former_values(uuid,text,jsonb)",
    "private.revert_fields(uuid,text,jsonb)",
    "private.merged_before(uuid)",
    "private.delete_created(uuid,text,jsonb)",
    "private.replace_on_board(uuid,jsonb)",
    "private.mark_undone(uuid)",
    "private.undo_change(uuid,text)",
    "private.arrange_deals(text[],bigint,text,bigint,numeric)",
    "private.attachment_list(jsonb[])",
    "private.attachment_paths(jsonb[])",
    "private.attachments_fit(jsonb[])",
    "private.board_totals()",
    "private.accepts_keys()",
    "private.add_api_key_secret(bigint,text,text,timestamp with time zone)",
    "private.api_key_secrets(bigint)",
    "private.key_maker(bigint)",
    "private.manages_members()",
    "private.can_manage()",
    "private.change_import(uuid,jsonb)",
    "private.claim_attachments(text[])",
    "private.clear_import_rejections(uuid)",
    "private.claim_tag_name(text)",
    "private.configuration_fault(jsonb)",
    "private.contact_spelling(text,text,jsonb)",
    "private.contact_ids_containing(text,jsonb)",
    "private.count_tagged_contacts(bigint)",
    "private.create_import(uuid,jsonb)",
    "private.delete_import(uuid)",
    "private.effective_configuration(jsonb)",
    "private.empty_trash(integer)",
    "private.email_addresses(jsonb)",
    "private.end_sessions(uuid)",
    "private.matching_ids(text,text,integer)",
    "private.holder_ids(text,bigint[],boolean,integer)",
    "private.board_deal_ids(text,integer)",
    "private.find_merge(text,bigint,bigint[])",
    "private.contact_duplicates(bigint)",
    "private.company_duplicates(bigint)",
    "private.find_duplicate_search(text)",
    "private.lock_duplicate_keys(text,bigint)",
    "private.store_duplicate_search(text,text,real,text[],boolean)",
    "private.stored_pairs(uuid,real,bigint,bigint,integer)",
    "private.external_ids_fit(jsonb)",
    "private.find_companies_by_name(text[])",
    "private.find_contacts_by_email(text[])",
    "private.find_external_ids(text,text[],text[])",
    "private.import_bytes(uuid,integer,integer)",
    "private.is_admin()",
    "private.is_announced_upload(text)",
    "private.is_initialized()",
    "private.is_restoring()",
    "private.list_trash(text,text,bigint,bigint,integer)",
    "private.lock_board(uuid)",
    "private.lock_import(uuid,boolean)",
    "private.may_manage(bigint)",
    "private.member_id()",
    "private.member_role()",
    "private.pending_user_ids()",
    "private.picture_fault(jsonb)",
    "private.picture_path(jsonb)",
    "private.queue_upload(text)",
    "private.touch_contact(bigint,timestamp with time zone,text)",
    "private.purge_trash_item(bigint)",
    "private.move_references(text,bigint,bigint[])",
    "private.reject_import_rows(uuid,jsonb)",
    "private.rejected_import_rows(uuid,integer,integer)",
    "private.restore(text,bigint,bigint)",
    "private.search_ids(text,text)",
    "private.search_query(text)",
    "private.search_records(text,text[],integer)",
    "private.search_vector(text,text,text,text)",
    "private.set_import_file(uuid,bytea)",
    "private.append_import_file(uuid,bytea)",
    "private.searchable(text)",
    "private.trash_item(bigint)",
    "private.trashed(text,bigint)",
    "private.was_purged(bigint)",
    "private.workspace_id()",
  ],
  portico_gateway: [
    "gateway.claim_picture_fetches(integer,boolean,boolean)",
    "gateway.finish_picture_fetch(text,bigint,timestamp with time zone,jsonb,boolean)",
    "gateway.queue_picture(uuid,text)",
    "gateway.add_log_partition()",
    "gateway.drop_log_partition(interval)",
    "gateway.delete_attachment_removals(text[])",
    "gateway.due_imports(integer)",
    "gateway.fail_import(uuid,text)",
    "gateway.lock_attachment_removals(integer)",
    "gateway.lease_requests(text,integer,integer,integer)",
    "gateway.membership(uuid)",
    "gateway.api_key_member(text)",
    "gateway.use_api_key(text)",
    "gateway.purge_idempotency_keys(integer)",
    "gateway.purge_trash(interval,integer)",
    "gateway.acquire_idempotency_key(uuid,text,text,text,boolean)",
  ],
};

/** Whether a caller may use the verb on a row that they own, or that another member owns. */
export function isAllowed(
  relation: string,
  verb: Verb,
  caller: CallerName,
  owned: boolean,
): boolean {
  const scope = PERMISSIONS[relation]?.[verb][caller];
  return scope === "all" || (scope === "own" && owned);
}

/** Whether the caller's database role has the privilege. Row-level security then decides by row. */
export function isGranted(relation: string, verb: Verb, caller: CallerName): boolean {
  const allowed = Object.keys(PERMISSIONS[relation]?.[verb] ?? {});
  return caller === "anon" ? allowed.includes("anon") : allowed.some((name) => name !== "anon");
}

/** Tables that no client of Atomic CRM writes. Policies hide the rows that a member may not change. */
const SILENT_UPDATES = ["sales", "workspaces"];

/**
 * Whether a statement that is not allowed meets no row. It is refused when the caller's role lacks the
 * privilege, when it inserts, and when it changes a row that the caller sees: a trigger then says why.
 */
export function isHidden(relation: string, verb: Verb, caller: CallerName): boolean {
  if (verb === "insert" || !isGranted(relation, verb, caller)) return false;
  const sees = verb !== "select" && isAllowed(relation, "select", caller, false);
  return !sees || SILENT_UPDATES.includes(relation);
}

/** The permission table as Markdown: one line for each table or view and verb. */
export function permissionsMarkdown(): string {
  const heads = ["Table or view", "Verb", ...CALLERS.map((caller) => CALLER_TITLES[caller])];
  const rows = Object.entries(PERMISSIONS).flatMap(([relation, permissions]) =>
    VERBS.map((verb) => [
      `\`${relation}\``,
      verb,
      ...CALLERS.map((caller) => permissions[verb][caller] ?? "–"),
    ])
  );
  return [
    "The rows of a workspace that a statement may read or change, through the API or directly: all, " +
    "those that the caller owns (`sales_id`; in `sales` the caller's own row), or none (–).\n",
    ...[heads, heads.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`),
    "",
  ].join("\n");
}

const CALLER_TITLES: Record<CallerName, string> = {
  anon: "Not signed in",
  no_member: "No member",
  disabled: "Disabled member",
  foreign: "Other workspace",
  rep: "Rep",
  manager: "Manager",
  admin: "Admin",
};
