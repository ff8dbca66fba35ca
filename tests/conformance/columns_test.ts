/**
 * Every column of a table is in the answers, the filters and the CSV export of its list, or is named here
 * with the reason why not.
 */
import { assert, assertEquals } from "@std/assert";
import * as schema from "../../supabase/functions/_shared/schema.ts";
import type { Operation } from "../../supabase/functions/_shared/operation.ts";
import { operations } from "../support/registry.ts";

/** Column, or column of one list → why no answer has it. */
const NOT_ANSWERED: Record<string, string> = {
  workspace_id: "All records of an answer belong to the caller's workspace.",
  search: "The words for searches, derived from other columns.",
  transaction_id: "The order of the feed, which its cursor holds.",
  "imports.columns": "The mapping, which GET /imports/{id} shows.",
  "imports.due_at": "When the job may continue the import.",
  "imports.layout": "How the file is written, for the reader of its blocks.",
  "imports.on_conflict": "What the running undo was asked to do.",
  "imports.path": "Where the uploaded file is stored.",
  "users.kind": "The list has users alone. API keys have a list of their own.",
  "imports.user_id": "Whose claims the job sets. The member is in the answer.",
};

/** Column → why no CSV export has it. Formats with JSON have all columns. */
const NOT_IN_CSV: Record<string, string> = {
  "companies.context_links": "A list, which a cell does not hold.",
  "companies.external_ids": "A list, which a cell does not hold.",
  "contacts.external_ids": "A list, which a cell does not hold.",
  "deals.external_ids": "A list, which a cell does not hold.",
  "tasks.external_ids": "A list, which a cell does not hold.",
  "companies.logo": "A picture.",
  "companies.updated_at": "The columns are those of Atomic CRM's export.",
  "contacts.avatar": "A picture.",
  "contacts.email_jsonb": "One column for each type: email_work, email_home, email_other.",
  "contacts.phone_jsonb": "One column for each type: phone_work, phone_home, phone_other.",
  "contacts.created_at": "The columns are those of Atomic CRM's export.",
  "contacts.updated_at": "The columns are those of Atomic CRM's export.",
  "deals.contact_ids": "The names of the contacts are in `contacts`.",
  "deals.company_name": "It is in `company`.",
  "deals.index": "The place on the board.",
  "deals.nb_notes": "Derived.",
  "tasks.updated_at": "The columns are those of Atomic CRM's export.",
};

type List = Extract<Operation, { kind: "list" }>;

/** The tables of lists whose name differs from the resource. */
const TABLES: Record<string, string> = { users: "sales" };

function columnsOf(resource: string): string[] {
  const table = Object.entries(schema).find(([name]) => name === (TABLES[resource] ?? resource))
    ?.[1];
  const columns = typeof table === "object" && "columns" in table ? table.columns : {};
  return Object.keys(columns);
}

const lists = operations.filter((operation): operation is List =>
  operation.kind === "list" && operation.id.endsWith(".list")
);
const missingInCsv: string[] = [];

for (const { id, of: { parameters: { fields, columns, csv } } } of lists) {
  const [resource = ""] = id.split(".");
  Deno.test(`${id} answers and filters every column of its table`, () => {
    const known = columnsOf(resource);
    assert(known.length > 0, `schema.ts has no table for ${resource}`);
    const missing = known.filter((name) => !fields.includes(name));
    const isReasoned = (name: string) =>
      Object.hasOwn(NOT_ANSWERED, name) || Object.hasOwn(NOT_ANSWERED, `${resource}.${name}`);
    assertEquals(missing.filter((name) => !isReasoned(name)), []);
    assertEquals(fields.filter((name) => !Object.hasOwn(columns, name)), []);
  });
  if (!csv) continue;
  missingInCsv.push(
    ...fields.filter((name) => !csv.includes(name)).map((name) => `${resource}.${name}`),
  );
}

Deno.test("CSV exports have every field of their list, or this test says why not", () => {
  assertEquals(missingInCsv.toSorted(), Object.keys(NOT_IN_CSV).toSorted());
});
