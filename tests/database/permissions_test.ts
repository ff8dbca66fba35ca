/** Executes every cell of permissions.ts: relation × verb × caller, on own and on others' rows. */
import { assert, assertEquals, assertGreater } from "@std/assert";
import { type Row, sql } from "../support/database.ts";
import { createWorkspace, stack, test } from "../support/workspace.ts";
import {
  type CallerName,
  CALLERS,
  isAllowed,
  isHidden,
  PERMISSIONS,
  type Verb,
  VERBS,
} from "./permissions.ts";
import type { Relation } from "./sampleRows.ts";
import { sampleValues, SINGLETONS } from "./sampleValues.ts";
import {
  attempt,
  createFixture,
  DENIED,
  type Fixture,
  isRow,
  met,
  NOT_WRITABLE,
  readRow,
  refused,
  rowOf,
  statementOf,
} from "./sweep.ts";

/** SQLSTATE of a trigger that refuses what other members may do. */
const REFUSED_IN_WORDS = "PT409";

const fixturePromise = createFixture();
let cases = 0;

interface Case {
  relation: Relation;
  verb: Verb;
  caller: CallerName;
  /** The owner of the row. */
  owner: CallerName;
}

test("permissions.ts names exactly the tables and views of schema public", async () => {
  const { relations } = await fixturePromise;
  assertEquals(Object.keys(PERMISSIONS).sort(), [...relations.keys()].sort());
});

for (const name of Object.keys(PERMISSIONS)) {
  test(`permissions: ${name} allows each caller what permissions.ts says`, async () => {
    const fixture = await fixturePromise;
    const failures: string[] = [];
    for (const item of casesOf(relationOf(fixture, name))) {
      const failure = await runCase(fixture, item);
      if (failure) {
        failures.push(`${item.caller} ${item.verb} of a row of ${item.owner}: ${failure}`);
      }
    }
    assertEquals(failures, []);
  });
}

test("permissions: no caller may use the tables of private and gateway", async () => {
  const { callers } = await fixturePromise;
  const closed = await sql<{ name: string; column: string }[]>`
    select c.oid::regclass::text as name, a.attname as column
    from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attnum = 1
    where c.relnamespace in ('private'::regnamespace, 'gateway'::regnamespace)
      and c.relkind in ('r', 'v', 'm', 'p')
      -- A view with the rights of the caller shows what the caller may read anyway.
      and not coalesce('security_invoker=on' = any (c.reloptions), false)`;
  assertGreater(closed.length, 0);
  const failures: string[] = [];
  for (const { name, column } of closed) {
    const statements = [
      `select from ${name}`,
      `insert into ${name} default values`,
      `update ${name} set ${column} = default`,
      `delete from ${name}`,
    ];
    for (const caller of CALLERS) {
      for (const statement of statements) {
        cases += 1;
        const { outcome } = await attempt({
          caller: callers[caller],
          statement: (tx) => tx.unsafe(statement),
        }, () => Promise.resolve());
        const failure = refused(outcome, NOT_WRITABLE);
        if (failure) failures.push(`${caller}: ${statement}: ${failure}`);
      }
    }
  }
  assertEquals(failures, []);
});

test("permissions: /rest/v1 shows anon init_state and nothing else", async () => {
  await createWorkspace();
  for (const name of Object.keys(PERMISSIONS)) {
    const { status, rows } = await rest(name);
    if (name === "init_state") assertEquals(rows, [{ is_initialized: 1 }]);
    else assert([401, 403].includes(status), `${name}: ${status}`);
  }
});

test("permissions: /rest/v1 shows a member the rows of their workspace and no others", async () => {
  const [workspace, other] = await Promise.all([createWorkspace(), createWorkspace()]);
  for (const { id } of [workspace, other]) {
    await sql`insert into public.companies (name, workspace_id) values ('Analytical', ${id})`;
  }
  const { token } = workspace.admin;
  for (const name of ["sales", "configuration", "companies"]) {
    const { rows } = await rest(name, token);
    assertEquals(rows.map((row) => row.workspace_id), [workspace.id], name);
  }
  const summary = await rest("companies_summary", token);
  assertEquals(summary.rows.map((row) => row.name), ["Analytical"]);
});

test("permissions: every cell of permissions.ts was executed", () => {
  const cells = Object.keys(PERMISSIONS).length * VERBS.length * CALLERS.length;
  console.log(`${cells} cells of the permission table, ${cases} cases executed`);
  // With a filter on the tests' names not every cell is executed.
  assert(cases === 0 || cases > cells);
  return Promise.resolve();
});

function casesOf(relation: Relation): Case[] {
  return CALLERS.flatMap((caller) =>
    VERBS.flatMap((verb) => {
      const other = caller === "admin" ? "rep" : "admin";
      const owns = ["disabled", "rep", "manager", "admin"].includes(caller);
      const owners: CallerName[] = owns ? [caller, other] : [other];
      return owners.map((owner) => ({ relation, verb, caller, owner }));
    })
  );
}

/** Executes a case. Returns an error message about its outcome, or null. */
async function runCase(fixture: Fixture, { relation, verb, caller, owner }: Case) {
  cases += 1;
  const allowed = isAllowed(relation.name, verb, caller, caller === owner);
  const target = rowOf(fixture, relation, owner);
  const row = verb === "insert" && relation.kind === "table"
    ? insertedValues(fixture, relation, caller, owner)
    : target;
  const before = await readRow(sql, relation, target);
  const { outcome, left } = await attempt({
    caller: fixture.callers[caller],
    prepare: async (tx) => {
      if (verb !== "insert" || !SINGLETONS.includes(relation.name)) return;
      await tx`delete from ${tx("public." + relation.name)} where ${isRow(relation, target)}`;
    },
    statement: (tx) => statementOf(tx, relation, verb, row),
  }, (tx) => readRow(tx, relation, target));
  if (allowed) return met(outcome, 1) ?? (verb === "insert" ? null : done(verb, before, left));
  if (verb !== "insert" && JSON.stringify(before) !== JSON.stringify(left)) {
    return "the row is not as before";
  }
  if (isHidden(relation.name, verb, caller)) return met(outcome, 0);
  if (relation.kind === "view") return refused(outcome, NOT_WRITABLE);
  return refused(outcome, [...DENIED, REFUSED_IN_WORDS]);
}

/** Members omit the workspace, as clients do. Other callers must name it. */
function insertedValues(
  fixture: Fixture,
  relation: Relation,
  caller: CallerName,
  owner: CallerName,
): Row {
  const { workspace_id, ...values } = sampleValues(relation, fixture.rows.get(owner) ?? {});
  return fixture.rows.has(caller) || !workspace_id ? values : { ...values, workspace_id };
}

/** Whether an allowed statement had its effect. */
function done(verb: Verb, before: unknown[], left: unknown[]): string | null {
  const expected = verb === "delete" ? 0 : 1;
  if (before.length !== 1 || left.length !== expected) return `${left.length} rows are there`;
  const same = JSON.stringify(before) === JSON.stringify(left);
  return same === (verb === "select") ? null : "the row is as before";
}

function relationOf({ relations }: Fixture, name: string): Relation {
  const relation = relations.get(name);
  if (!relation) throw new Error(`${name} is not in the catalogue.`);
  return relation;
}

async function rest(name: string, token?: string): Promise<{ status: number; rows: Row[] }> {
  const headers = new Headers({ apikey: stack.publishableKey });
  if (token) headers.set("Authorization", `Bearer ${token}`);
  const response = await fetch(`${stack.apiUrl}/rest/v1/${name}?limit=1000`, { headers });
  const body = await response.json();
  return { status: response.status, rows: Array.isArray(body) ? body : [] };
}
