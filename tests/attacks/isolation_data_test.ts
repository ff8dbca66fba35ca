/**
 * The Data API shows and changes nothing of another workspace: every table and view of the catalogue,
 * every verb, every kind of caller, and the same answer to a foreign id as to one that never existed.
 */
import { assertEquals, assertGreater } from "@std/assert";
import { readRelations, type Relation } from "../database/sampleRows.ts";
import { type SampleRows, sampleValues } from "../database/sampleValues.ts";
import { sql } from "../support/database.ts";
import { everythingIn } from "../support/records.ts";
import { stack, test } from "../support/workspace.ts";
import { createIntruders, type Intruder } from "./intruders.ts";
import { Leaks, type TextAnswer, textOf } from "./leaks.ts";
import { createVictim, type Victim, withRows } from "./victim.ts";

/** A request to `/rest/v1`, as one caller. */
type Send = (method: string, path: string, body?: unknown, prefer?: string) => Promise<TextAnswer>;

/** One table or view, and one caller. */
interface Probe {
  leaks: Leaks;
  victim: Victim;
  relation: Relation;
  caller: Intruder;
  send: Send;
}

function sendAs({ headers }: Intruder): Send {
  return (method, path, body, prefer = "return=representation,count=exact") =>
    textOf(fetch(`${stack.apiUrl}/rest/v1/${path}`, {
      method,
      headers: { ...headers, "Content-Type": "application/json", Prefer: prefer },
      body: body === undefined ? undefined : JSON.stringify(body),
    }));
}

test("the Data API tells no caller anything about another workspace", async () => {
  const victim = await createVictim();
  const { callers, own, admin } = await createIntruders(victim.workspace);
  const ownRows = await withRows(own, victim.relations);
  const before = await everythingIn(victim.workspace.id);
  const leaks = new Leaks(victim);
  for (const caller of callers) {
    await Promise.all(victim.relations.map(async (relation) => {
      const probe = { leaks, victim, relation, caller, send: sendAs(caller) };
      await readEverything(probe);
      await changeForeignRow(probe);
      await insertRows(probe);
      if (caller === admin) await pointAtForeignRows(probe, ownRows);
    }));
  }
  leaks.assertNone();
  assertGreater(leaks.inspected, 1_500);
  assertEquals(await everythingIn(victim.workspace.id), before);
});

/** The list, embedded relations, and filters by the row's own id and by its parents' ids. */
async function readEverything({ leaks, victim, relation, caller, send }: Probe): Promise<void> {
  const { name } = relation;
  const label = `${caller.name}: GET ${name}`;
  leaks.inspect(label, await send("GET", `${name}?select=*`));
  leaks.inspect(label, await send("HEAD", `${name}?select=*`));
  for (const neighbour of neighboursOf(relation, victim.relations)) {
    const path = `${name}?select=*,${neighbour}(*)`;
    leaks.inspect(`${label} with ${neighbour}`, await send("GET", path));
  }
  for (const [column, table] of referencesOf(relation, victim)) {
    const others = caller.kind === "member" ? [`${column}=in.(?)`, `or=(${column}.eq.?)`] : [];
    for (const filter of [`${column}=eq.?`, ...others]) {
      await leaks.compare(
        caller,
        `GET ${name}?${filter}`,
        victim.idOf(table),
        victim.absentIdOf(table),
        (id) => send("GET", `${name}?${filter.replace("?", id)}`),
      );
    }
  }
  leaks.inspect(
    `${label} of the workspace`,
    await send("GET", `${name}?workspace_id=eq.${victim.workspace.id}`),
    victim.workspace.id,
  );
}

/** Columns that hold the id of a row: the own id of a table, and foreign keys. */
function referencesOf(
  { name, kind, columns }: Relation,
  { rows }: Victim,
): [column: string, table: string][] {
  return columns.flatMap((column): [string, string][] => {
    if (column.name === "workspace_id") return [];
    const table = column.name === "id" && kind === "table" ? name : column.parent ?? "";
    return table !== "configuration" && rows[table] ? [[column.name, table]] : [];
  });
}

/** The tables that a table refers to, and those that refer to it. */
function neighboursOf({ name, columns }: Relation, relations: Relation[]): string[] {
  const parents = columns.flatMap(({ parent }) => parent ?? []);
  const children = relations.filter((other) => other.columns.some(({ parent }) => parent === name))
    .map((other) => other.name);
  return [...new Set([...parents, ...children])];
}

/** Updates and deletions of the foreign row, by its id. */
async function changeForeignRow({ leaks, victim, relation, caller, send }: Probe): Promise<void> {
  const [reference] = referencesOf(relation, victim);
  if (!reference) return;
  const [column, table] = reference;
  const change = changeOf(relation);
  const requests: [string, unknown][] = [["PATCH", change], ["DELETE", undefined]];
  for (const [method, body] of requests) {
    await leaks.compare(
      caller,
      `${method} ${relation.name}`,
      victim.idOf(table),
      victim.absentIdOf(table),
      (id) => send(method, `${relation.name}?${column}=eq.${id}`, body),
    );
  }
}

function changeOf({ columns }: Relation): Record<string, unknown> {
  const text = columns.find(({ name, type, parent }) =>
    type === "text" && !parent && !["id", "role"].includes(name)
  );
  return { [text?.name ?? columns[0]?.name ?? "id"]: "changed" };
}

/** Inserts and upserts: with foreign parents, into the foreign workspace, and over the foreign row. */
async function insertRows({ leaks, victim, relation, caller, send }: Probe): Promise<void> {
  const { name, columns } = relation;
  const { workspace_id: _, ...values } = sampleValues(relation, victim.rows, "sample");
  const upsert = "resolution=merge-duplicates,return=representation";
  if (columns.some((column) => column.name === "workspace_id")) {
    await leaks.compare(
      caller,
      `POST ${name} into the workspace`,
      victim.workspace.id,
      crypto.randomUUID(),
      (workspace_id) => send("POST", name, { ...values, workspace_id }),
    );
  }
  for (const [column, table] of referencesOf(relation, victim)) {
    // Nobody can guess a uuid, so it is no secret that one is taken.
    if (!/^\d+$/.test(victim.idOf(table))) continue;
    for (const prefer of caller.kind === "member" ? ["return=representation", upsert] : [upsert]) {
      await leaks.compare(
        caller,
        `POST ${name} with ${column} (${prefer})`,
        victim.idOf(table),
        victim.absentIdOf(table),
        (id) => send("POST", name, { ...values, ...withId(relation, victim, column, id) }, prefer),
      );
    }
  }
}

/** All references of a row as ids that never existed, and one of them as the given id. */
function withId(relation: Relation, victim: Victim, column: string, id: string) {
  const absent = referencesOf(relation, victim).filter(([name]) => name !== "id")
    .map(([name, table]) => [name, victim.absentIdOf(table)]);
  return { ...Object.fromEntries(absent), [column]: id };
}

/** Changes of an own row, so that it refers to a foreign one. */
async function pointAtForeignRows(
  { leaks, victim, relation, caller, send }: Probe,
  ownRows: SampleRows,
): Promise<void> {
  const id = ownRows[relation.name]?.id;
  if (relation.kind === "view" || id === undefined) return;
  for (const [column, table] of referencesOf(relation, victim)) {
    if (!/^\d+$/.test(victim.idOf(table))) continue;
    await leaks.compare(
      caller,
      `PATCH own ${relation.name} with ${column}`,
      victim.idOf(table),
      victim.absentIdOf(table),
      (value) => send("PATCH", `${relation.name}?id=eq.${id}`, { [column]: value }),
    );
  }
  await leaks.compare(
    caller,
    `PATCH own ${relation.name} into the workspace`,
    victim.workspace.id,
    crypto.randomUUID(),
    (workspace_id) => send("PATCH", `${relation.name}?id=eq.${id}`, { workspace_id }),
  );
}

test("the Data API offers functions of exposed schemas alone, and they show no foreign rows", async () => {
  const victim = await createVictim();
  const { callers } = await createIntruders(victim.workspace);
  const leaks = new Leaks(victim);
  const functions = await sql<{ name: string; parameters: Parameter[]; exposed: boolean }[]>`
    select
      p.proname as name,
      p.pronamespace = 'public'::regnamespace as exposed,
      coalesce((
        select jsonb_agg(jsonb_build_object('name', p.proargnames[i], 'type', t::regtype))
        from unnest(p.proargtypes::oid[]) with ordinality as argument (t, i)
      ), '[]') as parameters
    from pg_proc p
    where p.pronamespace in ('public'::regnamespace, 'private'::regnamespace)
      and p.prorettype <> 'trigger'::regtype
      and has_function_privilege('authenticated', p.oid, 'execute')
    order by 1`;
  // A schema is exposed as a whole, and a request for an unknown function is slow.
  const hidden = functions.filter(({ exposed }) => !exposed).slice(0, 5);
  assertEquals(hidden.length, 5);
  for (
    const { name, parameters, exposed } of [
      ...functions.filter(({ exposed }) => exposed),
      ...hidden,
    ]
  ) {
    for (const caller of exposed ? callers : callers.slice(-1)) {
      const body = JSON.stringify(argumentsOf(parameters, victim));
      const answer = await textOf(fetch(`${stack.apiUrl}/rest/v1/rpc/${name}`, {
        method: "POST",
        headers: { ...caller.headers, "Content-Type": "application/json" },
        body,
      }));
      leaks.inspect(`${caller.name}: rpc/${name}`, answer, body);
      if (!exposed) leaks.refused(`${caller.name}: rpc/${name}`, answer);
    }
  }
  leaks.assertNone();
});

interface Parameter {
  name: string;
  type: string;
}

/** The victim's own values as arguments. */
function argumentsOf(parameters: Parameter[], victim: Victim): Record<string, unknown> {
  const values: Record<string, unknown> = {
    text: victim.marker,
    uuid: victim.workspace.id,
    bigint: victim.idOf("contacts"),
    "bigint[]": [victim.idOf("contacts")],
    "text[]": [victim.marker],
    integer: 1,
    boolean: true,
    jsonb: {},
  };
  return Object.fromEntries(parameters.map(({ name, type }) => [name, values[type] ?? null]));
}

test("the marked workspace has its marker in every table", async () => {
  const victim = await createVictim();
  const tables = (await readRelations()).filter(({ kind }) => kind === "table");
  const rows = await everythingIn(victim.workspace.id);
  const unmarked = tables.map(({ name }) => name).filter((name) =>
    name !== "workspaces" &&
    !rows.some((row) =>
      row.startsWith(`public.${name} `) && (row.includes(victim.marker) || name === "sales")
    )
  );
  assertEquals(unmarked, []);
});
