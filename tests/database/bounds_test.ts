/**
 * Bounds of stored values. `like` compares a value with a pattern for as long as the product of their
 * lengths, and Postgres ignores its time limit meanwhile. So no member may store a long text.
 */
import { assertEquals, assertGreater, assertStringIncludes } from "@std/assert";
import {
  asCaller,
  type Caller,
  foundWorkspace,
  refusalOf,
  sql,
  type Transaction,
} from "../support/database.ts";
import { test } from "../support/workspace.ts";
import { isAllowed, PERMISSIONS } from "./permissions.ts";
import type { Column } from "./sampleValues.ts";
import { attempt, createFixture, isRow, rowOf } from "./sweep.ts";

/** Columns that the database sets. */
const DATABASE_COLUMNS = ["id", "workspace_id", "search", "created_at", "updated_at"];

/** A configuration is one row of a workspace, and only admins write it. */
const LONGEST: Record<string, number> = { configuration: 300_001 };
const LONG = 25_001;

/** A value beyond the bound of its type; undefined for types without a bound. */
function excess(table: string, { type }: Column): unknown {
  const text = "x".repeat(LONGEST[table] ?? LONG);
  const values: Record<string, unknown> = {
    text,
    "extensions.citext": text,
    citext: text,
    json: { text },
    jsonb: { text },
    "jsonb[]": [{ text }],
    "bigint[]": Array.from({ length: 1_001 }, () => 1),
    date: "infinity",
    "timestamp with time zone": "294276-01-01T00:00:00Z",
  };
  return values[type];
}

test("bounds: no member stores a long text, a large array or a time beyond the calendar", async () => {
  const fixture = await createFixture();
  const failures: string[] = [];
  let tried = 0;
  for (const table of Object.keys(PERMISSIONS)) {
    const relation = fixture.relations.get(table);
    if (relation?.kind !== "table" || !isAllowed(table, "update", "admin", true)) continue;
    const row = rowOf(fixture, relation, "admin");
    for (const column of relation.columns) {
      const value = excess(table, column);
      if (value === undefined || DATABASE_COLUMNS.includes(column.name)) continue;
      tried++;
      const target = (tx: Transaction) => tx("public." + table);
      const { outcome } = await attempt({
        caller: fixture.callers.admin,
        statement: (tx) =>
          tx`
            update ${target(tx)}
            set ${tx(column.name)} = (
              select ${tx(column.name)} from jsonb_populate_record(
                null::${target(tx)}, ${
            tx.json(JSON.parse(JSON.stringify({ [column.name]: value })))
          }
              )
            )
            where ${isRow(relation, row)}`,
      }, () => Promise.resolve());
      const code = "code" in outcome ? outcome.code : "stored";
      // The admin's own role is guarded before it is checked.
      if (!["23514", "PT422", "PT409"].includes(code)) {
        failures.push(`${table}.${column.name}: ${code}`);
      }
    }
  }
  assertEquals(failures, []);
  assertGreater(tried, 50);
});

test("bounds: a time of infinity is refused", async () => {
  const { admin } = await foundWorkspace();
  for (const value of ["infinity", "-infinity", "10000-01-01", "0001-12-31 BC"]) {
    const change = asCaller(
      admin,
      (tx) => tx`insert into public.contacts (first_seen) values (${value}::text::timestamptz)`,
    );
    assertEquals((await refusalOf(change)).code, "23514", value);
  }
});

test("configuration: a logo of more than 22,000 characters is refused", async () => {
  const { admin } = await foundWorkspace();
  const store = (config: unknown) => storeConfiguration(admin, config);
  for (const name of ["lightModeLogo", "darkModeLogo"]) {
    assertEquals((await store({ [name]: "x".repeat(22_000) })).length, 1, name);
    assertEquals((await refusalOf(store({ [name]: "x".repeat(22_001) }))).code, "23514", name);
  }
});

test("configuration: items of another shape are refused in words", async () => {
  const { admin } = await foundWorkspace();
  const store = (config: unknown) => storeConfiguration(admin, config);
  const item = { value: "new", label: "New" };
  const refused: unknown[] = [
    { dealStages: [null] },
    { dealStages: [] },
    { dealStages: ["new"] },
    { dealStages: [item, { label: "New" }] },
    { dealCategories: [{ value: 1, label: "One" }] },
    { noteStatuses: [{ value: "", label: "Empty" }] },
    { taskTypes: [[item]] },
    { companySectors: [{ value: "x", label: null }] },
    { dealPipelineStatuses: [null] },
    { dealPipelineStatuses: "won" },
    { closedStages: { won: [{}], lost: [] } },
  ];
  for (const config of refused) {
    assertEquals(await refusalOf(store(config)), { code: "PT422", detail: "invalid_value" });
  }
  await refusalOf(store([]));
  const kept = { dealStages: [{ ...item, extra: true }], closedStages: { won: [], lost: ["new"] } };
  assertEquals((await store(kept)).length, 1);
  const [row] = await sql`
    select private.effective_configuration(config)::text as text
    from public.configuration where workspace_id = ${admin.workspace_id}`;
  assertStringIncludes(row?.text, "extra");
});

async function storeConfiguration(admin: Caller, config: unknown) {
  return await asCaller(
    admin,
    (tx) =>
      tx`update public.configuration set config = ${
        JSON.stringify(config)
      }::text::jsonb returning id`,
  );
}
