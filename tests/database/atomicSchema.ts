/** Tables, keys, sequences and views that Atomic CRM's frontend and tools expect. */

/** Table → its columns as `name type`, with `not null` and the default if Atomic has them. */
export const ATOMIC_TABLES: Record<string, string[]> = {
  companies: [
    "id bigint not null identity",
    "created_at timestamp with time zone not null default now()",
    "name text not null",
    "sector text",
    "size smallint",
    "linkedin_url text",
    "website citext",
    "phone_number text",
    "address text",
    "zipcode text",
    "city text",
    "state_abbr text",
    "sales_id bigint",
    "context_links json",
    "country text",
    "description text",
    "revenue text",
    "tax_identifier text",
    "logo jsonb",
  ],
  contacts: [
    "id bigint not null identity",
    "first_name text",
    "last_name text",
    "gender text",
    "title text",
    "background text",
    "avatar jsonb",
    "first_seen timestamp with time zone",
    "last_seen timestamp with time zone",
    "has_newsletter boolean",
    "status text",
    "tags bigint[]",
    "company_id bigint",
    "sales_id bigint",
    "linkedin_url text",
    "email_jsonb jsonb",
    "phone_jsonb jsonb",
  ],
  contact_notes: [
    "id bigint not null identity",
    "contact_id bigint not null",
    "text text",
    "date timestamp with time zone default now()",
    "sales_id bigint",
    "status text",
    "attachments jsonb[]",
  ],
  deals: [
    "id bigint not null identity",
    "name text not null",
    "company_id bigint",
    "contact_ids bigint[]",
    "category text",
    "stage text not null",
    "description text",
    "amount bigint",
    "created_at timestamp with time zone not null default now()",
    "updated_at timestamp with time zone not null default now()",
    "archived_at timestamp with time zone",
    "expected_closing_date date",
    "sales_id bigint",
    "index smallint",
  ],
  deal_notes: [
    "id bigint not null identity",
    "deal_id bigint not null",
    "type text",
    "text text",
    "date timestamp with time zone default now()",
    "sales_id bigint",
    "attachments jsonb[]",
  ],
  sales: [
    "id bigint not null identity",
    "first_name text not null default 'Pending'::text",
    "last_name text not null default 'Pending'::text",
    "email citext not null",
    "administrator boolean not null",
    "user_id uuid not null",
    "avatar jsonb",
    "disabled boolean not null default false",
  ],
  tags: ["id bigint not null identity", "name text not null", "color text not null"],
  tasks: [
    "id bigint not null identity",
    "contact_id bigint not null",
    "type text",
    "text text",
    "due_date timestamp with time zone",
    "done_date timestamp with time zone",
    "sales_id bigint",
  ],
  configuration: [
    "id integer not null default 1",
    "config jsonb not null default '{}'::jsonb",
  ],
  favicons_excluded_domains: ["id bigint not null identity", "domain text not null"],
};

/** View → its first columns, in order. */
export const ATOMIC_VIEWS: Record<string, string> = {
  companies_summary:
    "id created_at name sector size linkedin_url website phone_number address zipcode city " +
    "state_abbr sales_id context_links country description revenue tax_identifier logo nb_deals " +
    "nb_contacts",
  contacts_summary: "id first_name last_name gender title background avatar first_seen last_seen " +
    "has_newsletter status tags company_id sales_id linkedin_url email_jsonb phone_jsonb " +
    "email_fts phone_fts company_name nb_tasks",
  activity_log: "id type date company_id sales_id company contact deal contact_note deal_note",
  init_state: "is_initialized",
};

/** Table → the sequence of its id and the name of its primary key. */
export const ATOMIC_KEYS: Record<string, [sequence: string, primaryKey: string]> = {
  companies: ["companies_id_seq", "companies_pkey"],
  contacts: ["contacts_id_seq", "contacts_pkey"],
  contact_notes: ["contactNotes_id_seq", "contactNotes_pkey"],
  deals: ["deals_id_seq", "deals_pkey"],
  deal_notes: ["dealNotes_id_seq", "dealNotes_pkey"],
  sales: ["sales_id_seq", "sales_pkey"],
  tags: ["tags_id_seq", "tags_pkey"],
  tasks: ["tasks_id_seq", "tasks_pkey"],
  favicons_excluded_domains: [
    "favicons_excluded_domains_id_seq",
    "favicons_excluded_domains_pkey",
  ],
};

/** `table.column → table`, which the frontend uses to embed records → the action on deleting the parent. */
export const ATOMIC_FOREIGN_KEYS: Record<string, "cascade" | "no action"> = {
  "companies.sales_id → sales": "no action",
  "contacts.company_id → companies": "cascade",
  "contacts.sales_id → sales": "no action",
  "contact_notes.contact_id → contacts": "cascade",
  "deals.company_id → companies": "cascade",
  "deals.sales_id → sales": "no action",
  "deal_notes.deal_id → deals": "cascade",
  "deal_notes.sales_id → sales": "no action",
  "tasks.contact_id → contacts": "cascade",
};
