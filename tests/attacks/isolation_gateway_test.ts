/**
 * The gateway shows and changes nothing of another workspace: every operation of the registry, every
 * list with its filters, includes and exports, and every reference in a body. A foreign id gets the
 * same answer as one that never existed.
 */
import { assertEquals, assertGreater } from "@std/assert";
import { parameterNames } from "../../supabase/functions/_shared/facts.ts";
import type { Operation } from "../../supabase/functions/_shared/operation.ts";
import { pathId } from "../conformance/states.ts";
import {
  addressOf,
  bodyOf,
  exampleOf,
  idKeys,
  includesOf,
  recordsOf,
  resourceOf,
} from "../support/operations.ts";
import { everythingIn } from "../support/records.ts";
import { operationForms } from "../support/registry.ts";
import { test, type Workspace } from "../support/workspace.ts";
import { bodySchema, type Schema } from "../support/wrongValues.ts";
import { createIntruders, type Intruder } from "./intruders.ts";
import { Leaks, type TextAnswer, textOf } from "./leaks.ts";
import { createVictim, type Victim } from "./victim.ts";

/** Operators whose answer is the same for every id that the workspace does not have. */
const EQUALITIES = ["eq", "neq", "in", "cs", "cd", "ov"];
const members = operationForms.filter(({ access }) => access === "member");

/** Sends a request to an operation as one caller. */
function send(
  operation: Operation,
  caller: Intruder,
  { id, query = "", body }: { id?: string | number; query?: string; body?: unknown } = {},
): Promise<TextAnswer> {
  return textOf(fetch(addressOf(operation, id) + query, {
    method: operation.method,
    headers: {
      ...caller.headers,
      ...(body !== undefined && { "Content-Type": "application/json" }),
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  }));
}

test("no operation tells a caller anything about another workspace", async () => {
  const victim = await createVictim();
  const { callers } = await createIntruders(victim.workspace);
  const before = await everythingIn(victim.workspace.id);
  const leaks = new Leaks(victim);
  for (const caller of callers) {
    await Promise.all(members.map((operation) => callForeign(leaks, victim, operation, caller)));
  }
  leaks.assertNone();
  assertGreater(leaks.inspected, 500);
  assertEquals(await everythingIn(victim.workspace.id), before);
});

/** Calls an operation with the foreign id in its path, and in every id of its example. */
async function callForeign(
  leaks: Leaks,
  victim: Victim,
  operation: Operation,
  caller: Intruder,
): Promise<void> {
  const label = `${caller.name}: ${operation.id}`;
  const table = tableOf(resourceOf(operation) ?? "contacts");
  const query = operation.queryExample ? `?${new URLSearchParams(operation.queryExample)}` : "";
  if (!operation.path.includes(":") && idKeys(operation).length === 0) {
    // Answers about the own workspace, and refusals of all others.
    const body = caller.kind === "member" ? undefined : operation.example;
    if (caller.kind !== "member" || operation.method === "GET") {
      leaks.inspect(label, await send(operation, caller, { query, body }));
    }
    return;
  }
  await leaks.compare(
    caller,
    operation.id,
    victim.idOf(table),
    victim.absentIdOf(table),
    (id) => send(operation, caller, { id, query, body: withIds(operation, id) }),
  );
}

/** The example of a body, with one id wherever it names a record. */
function withIds(operation: Operation, id: string): unknown {
  if (operation.example === undefined) return undefined;
  const body = exampleOf(operation);
  for (const key of idKeys(operation)) body[key] = Array.isArray(body[key]) ? [+id] : +id;
  return body;
}

function tableOf(resource: string): string {
  if (resource === "users") return "sales";
  // Ids of the trash are numbers that no other table has either.
  return resource === "trash" ? "contacts" : resource;
}

test("no list shows a record of another workspace by a filter, an include, a search or an export", async () => {
  const victim = await createVictim();
  const { callers } = await createIntruders(victim.workspace);
  const leaks = new Leaks(victim);
  for (const caller of callers.filter(({ kind }) => kind === "member")) {
    await Promise.all(members.map((operation) => listForeign(leaks, victim, operation, caller)));
  }
  leaks.assertNone();
  assertGreater(leaks.inspected, 300);
});

async function listForeign(
  leaks: Leaks,
  victim: Victim,
  operation: Operation,
  caller: Intruder,
): Promise<void> {
  const id = operation.path.includes(":") ? victim.absentIdOf("contacts") : undefined;
  const label = `${caller.name}: ${operation.id}`;
  for (const query of queriesOf(operation, victim)) {
    const answer = await send(operation, caller, { id, query: `?${query}` });
    leaks.inspect(`${label}?${query}`, answer, query);
  }
  if (operation.kind !== "list") return;
  for (const { name, kind, operators } of Object.values(operation.of.parameters.columns)) {
    const table = referredTable(name, operation);
    for (const operator of operators) {
      if (table && ["number", "ids"].includes(kind) && EQUALITIES.includes(operator)) {
        await leaks.compare(
          caller,
          `${operation.id}?${name}@${operator}`,
          victim.idOf(table),
          victim.absentIdOf(table),
          (value) =>
            send(operation, caller, { id, query: `?${name}@${operator}=${value}&count=exact` }),
        );
      }
      if (kind === "text" && ["eq", "like"].includes(operator)) {
        const query = `?${name}@${operator}=${victim.marker}*&count=exact`;
        leaks.inspect(`${label}${query}`, await send(operation, caller, { id, query }), query);
      }
    }
  }
}

/** Every include, every form of an export, the search words of the workspace. */
function queriesOf(operation: Operation, { marker, workspace }: Victim): string[] {
  const known = parameterNames(operation);
  const includes = includesOf(operation);
  return [
    ...(includes.length > 0 ? [`include=${includes}`] : []),
    ...(known.includes("q") ? [`q=${marker}`, `q=${marker.slice(0, 8)}`] : []),
    ...(known.includes("format") ? ["format=csv", "format=ndjson"] : []),
    ...(known.includes("count") ? ["count=exact", "count=estimated"] : []),
    ...(known.includes("path")
      ? [`path=${workspace.id}/${crypto.randomUUID()}/${marker}.pdf`]
      : []),
  ];
}

/** `company_id` → companies, `contact_ids` → contacts, `id` → the table of the list's resource. */
function referredTable(column: string, operation: Operation): string | undefined {
  // A merge is no row of its own.
  if (column === "id" && operation.id === "merges.list") return undefined;
  if (column === "id") return tableOf(resourceOf(operation) ?? "contacts");
  if (column === "tags") return "tags";
  const stem = /^(\w+?)_ids?$/.exec(column)?.[1];
  if (stem === "sales") return "sales";
  return { company: "companies", contact: "contacts", deal: "deals" }[stem ?? ""];
}

test("no body reaches a record of another workspace through any of its fields", async () => {
  const victim = await createVictim();
  const { admin, own } = await createIntruders(victim.workspace);
  const before = await everythingIn(victim.workspace.id);
  const leaks = new Leaks(victim);
  for (const operation of members.filter(({ body }) => body)) {
    await nameForeign(leaks, victim, operation, admin, own);
  }
  leaks.assertNone();
  assertGreater(leaks.inspected, 40);
  assertEquals(await everythingIn(victim.workspace.id), before);
});

/** Sends the valid example with a foreign id in each field that takes a number, in turn. */
async function nameForeign(
  leaks: Leaks,
  victim: Victim,
  operation: Operation,
  caller: Intruder,
  own: Workspace,
): Promise<void> {
  const make = recordsOf(own);
  const id = operation.path.includes(":") ? await pathId(operation, make) : undefined;
  const example = Object(await bodyOf(operation, make));
  for (const [path, schema] of idFields(bodySchema(operation))) {
    const table = referredTable(path.at(-1) ?? "", operation) ?? "contacts";
    await leaks.compare(
      caller,
      `${operation.id} ${path.join(".")}`,
      victim.idOf(table),
      victim.absentIdOf(table),
      (value) =>
        send(operation, caller, { id, body: withValue(example, path, shaped(schema, +value)) }),
    );
  }
}

/** Paths of the fields that take an id or several. */
function idFields(schema: Schema, path: string[] = []): [string[], Schema][] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]): [string[], Schema][] => {
    const inner = field.items
      ? idFields(field.items, [...path, name, "0"])
      : idFields(field, [...path, name]);
    const isId = /(^|_)ids?$|^tags$|Id$/.test(name);
    return isId ? [[[...path, name], field], ...inner] : inner;
  });
}

function shaped(schema: Schema, id: number): unknown {
  const branches = schema.anyOf ?? [schema];
  return branches.some(({ type }) => type === "array") ? [id] : id;
}

function withValue(
  body: Record<string, unknown> | unknown[],
  [name = "", ...rest]: string[],
  value: unknown,
): unknown {
  if (Array.isArray(body)) return [withValue(Object(body[0]), rest, value)];
  const inner = Array.isArray(body[name]) ? body[name] : Object(body[name]);
  return {
    ...body,
    [name]: rest.length === 0 ? value : withValue(inner, rest, value),
  };
}
