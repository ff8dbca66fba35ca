/**
 * Requests to any operation, made from its declaration: its path, its example, and records that the
 * resource's create operation makes.
 */
import * as z from "zod";
import type { Operation } from "../../supabase/functions/_shared/operation.ts";
import { parameterNames, routeOf } from "../../supabase/functions/_shared/facts.ts";
import { operations } from "./registry.ts";
import { type Answer, answerOf, freshEmail, headerOf, stack, type Workspace } from "./workspace.ts";

/** The id of a record: a number, or a uuid for a change. */
export type RecordId = number | string;

/** Makes a record of a resource and returns its id. */
export type MakeRecord = (resource: string) => Promise<RecordId>;

const functionsUrl = new URL("..", stack.functionUrl + "/").href.replace(/\/$/, "");
const creators = new Map(
  operations
    .filter(({ method, path, surface }) =>
      method === "POST" && surface !== "atomic" && /^\/\w+$/.test(path)
    )
    .map((operation) => [operation.path.slice(1), operation]),
);

/** The resources whose records an operation creates. */
export const creatableResources = [...creators.keys()];

/** The resource that an operation is about, when its records can be created. */
export function resourceOf(operation: Operation): string | undefined {
  const [, segment = ""] = operation.path.split("/");
  if (["trash", "changes", "merges"].includes(segment)) return segment;
  return [segment, ...segment.split("_")].find((name) => creators.has(name));
}

/** Whether members call it, with an access token. */
export function isForMembers({ access }: Operation): boolean {
  return access === "member";
}

/** Whether an operation names a record: in its path, or in its body. */
export function namesRecord(operation: Operation): boolean {
  return operation.path.includes(":") || idKeys(operation).length > 0;
}

/** The ids that the example of an operation's body holds. */
export function idKeys(operation: Operation): string[] {
  return Object.keys(exampleOf(operation)).filter((key) => resourceOfKey(key, operation));
}

/** Resources whose ids are uuids, and one that does not exist. */
const UUID_RESOURCES = ["changes", "imports"];
const NO_UUID = "00000000-0000-4000-8000-000000000000";

/** The operation's address, with `id` for every parameter in it. */
export function addressOf(operation: Operation, id?: RecordId): string {
  return functionsUrl + pathOf(operation, id);
}

function pathOf(
  operation: Operation,
  id: RecordId = UUID_RESOURCES.includes(resourceOf(operation) ?? "") ? NO_UUID : 1,
): string {
  return routeOf(operation).replace(/:\w+/g, String(id));
}

/**
 * The example as a body, with new addresses and the ids of records that are made for it. When `dryRun`
 * is false, `dry_run` of the example becomes false.
 */
export async function bodyOf(
  operation: Operation,
  make: MakeRecord,
  dryRun = true,
): Promise<unknown> {
  if (operation.example === undefined) return undefined;
  return await filled(exampleOf(operation), operation, make, dryRun);
}

async function filled(
  example: Record<string, unknown>,
  operation: Operation,
  make: MakeRecord,
  dryRun: boolean,
): Promise<Record<string, unknown>> {
  const body: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(example)) {
    const resource = resourceOfKey(key, operation);
    if (key === "dry_run") body[key] = value && dryRun;
    else if (key === "records" && Array.isArray(value)) {
      body[key] = await Promise.all(
        value.map((record) => filled(record, operation, make, dryRun)),
      );
    } else if (!resource) body[key] = key === "name" ? freshName(value) : withFreshAddresses(value);
    else if (!Array.isArray(value)) body[key] = await make(resource);
    else body[key] = await Promise.all(value.map(() => make(resource)));
  }
  return body;
}

/** The example unchanged. It is valid, but its ids do not exist. */
export function exampleOf(operation: Operation): Record<string, unknown> {
  return z.record(z.string(), z.unknown()).parse(operation.example ?? {});
}

/** The required query parameters of an operation. */
function exampleQuery({ queryExample }: Operation): string {
  return queryExample ? `?${new URLSearchParams(queryExample)}` : "";
}

/** The parts of a request to an operation. A body of type string is sent unchanged. */
export interface CallOptions {
  token?: string;
  id?: number | string;
  query?: string;
  body?: unknown;
  headers?: HeadersInit;
}

/** A request to an operation: its path below the functions' address, and its other parts. */
export function requestTo(
  operation: Operation,
  options: CallOptions = {},
): { path: string; init: RequestInit } {
  const { token, id, query = exampleQuery(operation), body } = options;
  const headers = new Headers(options.headers);
  if (token !== undefined) headers.set("Authorization", `Bearer ${token}`);
  if (body !== undefined && !headers.has("Content-Type")) {
    headers.set("Content-Type", "application/json");
  }
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const init = { method: operation.method, headers, body: text };
  return { path: `${pathOf(operation, id)}${query}`, init };
}

/** Sends a request to an operation of the stack's function. */
export async function call(operation: Operation, options: CallOptions = {}): Promise<Answer> {
  const { path, init } = requestTo(operation, options);
  return await answerOf(await fetch(functionsUrl + path, init));
}

/** Returns a function that makes records by create operations, as the workspace's admin. */
export function recordsOf(workspace: Workspace): MakeRecord {
  const make: MakeRecord = async (resource) => {
    if (resource === "trash") return await trashed(workspace, await make("companies"));
    if (resource === "changes") return await changed(workspace, await make("companies"));
    if (resource === "merges") {
      return await merged(workspace, await make("tags"), await make("tags"));
    }
    const operation = creators.get(resource);
    if (!operation) throw new Error(`${resource} cannot be created.`);
    const body = await bodyOf(operation, make);
    const answer = await call(operation, { token: workspace.admin.token, body });
    if (answer.status !== 201) {
      throw new Error(`${operation.id}: ${answer.status} ${JSON.stringify(answer.body)}`);
    }
    return answer.body.id;
  };
  return make;
}

/** Merges two tags. Returns the id of the merge. */
async function merged({ admin }: Workspace, winner: RecordId, loser: RecordId): Promise<number> {
  await admin.api.post(`/tags/${winner}/merge`, { loser_ids: [loser] });
  const { body } = await admin.api.get("/merges?limit=1");
  return body.data[0].id;
}

/** Deletes a company. Returns the id of its row in the trash. */
async function trashed({ admin }: Workspace, id: RecordId): Promise<number> {
  await admin.api.delete(`/companies/${id}`);
  const { body } = await admin.api.get("/trash?table_name=companies&limit=1");
  return body.data[0].id;
}

/** Changes a company. Returns the id of the change. */
async function changed({ admin }: Workspace, id: RecordId): Promise<string> {
  const name = crypto.randomUUID();
  return headerOf(await admin.api.patch(`/companies/${id}`, { name }), "Portico-Change");
}

/** The names that `include` accepts. */
export function includesOf(operation: Operation): string[] {
  if (operation.kind === "list") return operation.of.parameters.includes;
  if (!parameterNames(operation).includes("include") || !operation.query) return [];
  const { properties } = z.toJSONSchema(operation.query, { unrepresentable: "any" });
  const include = properties?.include;
  const items = typeof include === "object" ? include.items : undefined;
  return z.object({ enum: z.array(z.string()) }).parse(items).enum;
}

/** `company_id` → companies, `ids` and `loser_ids` → the operation's own resource; else undefined. */
function resourceOfKey(key: string, operation: Operation): string | undefined {
  if (key === "ids") return resourceOf(operation);
  // Ids in other systems.
  if (key === "external_ids") return undefined;
  const stem = /^(.+?)(?:_ids?|Ids?)$/.exec(key)?.[1];
  if (stem === undefined) return undefined;
  if (stem === "sales") return "users";
  const named = [`${stem}s`, stem.replace(/y$/, "ies")].find((name) => creators.has(name));
  return named ?? resourceOf(operation);
}

/** A unique name, because two tags cannot have the same name. */
function freshName(value: unknown): unknown {
  return typeof value === "string" ? `${value} ${crypto.randomUUID().slice(0, 8)}` : value;
}

/** A unique address, because two users cannot have the same address. */
function withFreshAddresses(value: unknown): unknown {
  return typeof value === "string" && /^\S+@\S+$/.test(value) ? freshEmail() : value;
}
