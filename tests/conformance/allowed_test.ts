/** `allowed` and `restricted` of every operation in the registry: who may call it on which record. */
import { assert, assertEquals } from "@std/assert";
import { allowedOf } from "../../supabase/functions/_shared/facts.ts";
import type { Allowed, Operation } from "../../supabase/functions/_shared/operation.ts";
import { assertProblem } from "../support/answers.ts";
import { bodyOf, call, type RecordId, recordsOf, resourceOf } from "../support/operations.ts";
import { operations } from "../support/registry.ts";
import {
  type Answer,
  createWorkspace,
  headerOf,
  sql,
  test,
  type Workspace,
} from "../support/workspace.ts";
import { callers } from "./callers.ts";

const REFUSALS = [
  "forbidden",
  "admin_required",
  "owner_change_not_allowed",
  "restore_not_allowed",
];

for (const operation of operations.filter(({ access }) => access === "member")) {
  const allowed = allowedOf(operation) ?? "member";
  if (allowed === "admin" || allowed === "manager") testRole(operation, allowed);
  if (allowed === "owner") testOwner(operation);
  if (allowed === "self") testSelf(operation);
  for (const [field, who] of Object.entries(operation.restricted ?? {})) {
    testRestricted(operation, field, who);
  }
}

/** The role decides, before anything is read. */
function testRole(operation: Operation, allowed: "admin" | "manager"): void {
  test(`${operation.id} answers 403 to members whose role is too low`, async () => {
    const { own, rep, manager } = await callers();
    const make = recordsOf(own);
    const resource = resourceOf(operation);
    const id = resource === undefined ? undefined : await make(resource);
    const body = await bodyOf(operation, make);
    const code = allowed === "admin" ? "admin_required" : "forbidden";
    for (const token of allowed === "admin" ? [rep, manager] : [rep]) {
      assertProblem(await call(operation, { token, id, body }), 403, code);
    }
  });
}

/** A rep may call it on their own records, a manager on all records. */
function testOwner(operation: Operation): void {
  test(`${operation.id} refuses a rep who is not the owner, and accepts owner and manager`, async () => {
    const workspace = await createWorkspace();
    const [rep, manager] = await Promise.all([
      workspace.addMember("rep"),
      workspace.addMember("manager"),
    ]);
    const attempt = async (token: string, owner?: number): Promise<Answer> => {
      const { id, body } = await prepared(operation, workspace, owner);
      return await call(operation, { token, id, body });
    };
    assertRefused(await attempt(rep.token));
    for (const answer of [await attempt(rep.token, rep.id), await attempt(manager.token)]) {
      assert(answer.status < 300, JSON.stringify(answer.body));
    }
  });
}

/** The user themself and admins may call it. */
function testSelf(operation: Operation): void {
  test(`${operation.id} refuses members who are neither the user nor an admin`, async () => {
    const workspace = await createWorkspace();
    const manager = await workspace.addMember("manager");
    const [key] = operation.path.includes(":") ? [] : ["sales_id"];
    const body = { ...Object(operation.example), ...(key && { [key]: workspace.admin.id }) };
    const example = operation.body && body;
    const answer = await call(operation, {
      token: manager.token,
      id: workspace.admin.id,
      body: example,
    });
    assertProblem(answer, 403, "admin_required");
  });
}

/** A field that fewer members may send than may call the operation. */
function testRestricted(operation: Operation, field: string, who: Allowed): void {
  test(`${operation.id} refuses ${field} to a rep`, async () => {
    const workspace = await createWorkspace();
    const rep = await workspace.addMember("rep");
    const resource = resourceOf(operation) ?? "users";
    const id = who === "admin" ? rep.id : await recordsOf(workspace)(resource);
    const value = restrictedBody(field, rep.id);
    const target = operation.allowed === "self" ? { sales_id: id } : { ids: [id] };
    const body = operation.path.includes(":") ? value : { ...target, ...value };
    assertRefused(await call(operation, { token: rep.token, id, body }));
  });
}

/** `set.sales_id` → `{ set: { sales_id } }`, with a valid value. */
function restrictedBody(field: string, memberId: number): Record<string, unknown> {
  const values: Record<string, unknown> = {
    administrator: true,
    delete: true,
    disabled: true,
    email: `${crypto.randomUUID()}@example.com`,
    role: "admin",
    sales_id: memberId,
  };
  return field.split(".").reverse().reduce<Record<string, unknown>>(
    (inner, name, index) => ({ [name]: index === 0 ? values[name] : inner }),
    {},
  );
}

function assertRefused(answer: Answer): void {
  assertEquals(answer.status, 403, JSON.stringify(answer.body));
  assert(REFUSALS.includes(answer.body.code), answer.body.code);
}

/** Makes a record and a body for the operation. All records of the workspace belong to `owner`. */
async function prepared(
  operation: Operation,
  workspace: Workspace,
  owner = workspace.admin.id,
): Promise<{ id: RecordId; body: unknown }> {
  const make = recordsOf(workspace);
  const resource = resourceOf(operation) ?? "contacts";
  const isDeleted = resource === "trash" || resource === "changes";
  const table = isDeleted ? "companies" : resource;
  const record = await make(table);
  const body = await bodyOf(operation, make);
  await giveAll(workspace, owner);
  if (!isDeleted && !operation.id.endsWith(".restore")) return { id: record, body };
  const deleted = await workspace.admin.api.delete(`/${table}/${record}`);
  assertEquals(deleted.status, 204);
  if (resource === "changes") return { id: headerOf(deleted, "Portico-Change"), body };
  if (resource !== "trash") return { id: record, body };
  const { body: page } = await workspace.admin.api.get("/trash?limit=1");
  return { id: page.data[0].id, body };
}

/** Makes a member the owner of every record of the workspace. */
async function giveAll(workspace: Workspace, owner: number): Promise<void> {
  const columns = await sql<{ table: string; column: string }[]>`
    select columns.table_name as table, columns.column_name as column
    from information_schema.columns
    join information_schema.tables using (table_schema, table_name)
    where table_schema = 'public' and table_type = 'BASE TABLE'
      and (column_name = 'sales_id' or (table_name, column_name) = ('imports', 'member_id'))`;
  for (const { table, column } of columns) {
    await sql`
      update ${sql(`public.${table}`)} set ${sql(column)} = ${owner}
      where workspace_id = ${workspace.id} and ${sql(column)} is distinct from ${owner}`;
  }
}
