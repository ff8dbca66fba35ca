/** Isolation of workspaces, for every table and every active member. */
import { assertEquals } from "@std/assert";
import type { Row } from "../support/database.ts";
import { test } from "../support/workspace.ts";
import { type CallerName, isAllowed } from "./permissions.ts";
import type { Relation } from "./sampleRows.ts";
import { sampleValues } from "./sampleValues.ts";
import {
  attempt,
  createFixture,
  DENIED,
  type Fixture,
  isRow,
  met,
  refused,
  rowOf,
  statementOf,
} from "./sweep.ts";

const fixturePromise = createFixture();

test("tenancy: no member moves a row into another workspace", async () => {
  const fixture = await fixturePromise;
  await sweepMembers(fixture, async (relation, caller) => {
    const row = rowOf(fixture, relation, caller);
    const allowed = isAllowed(relation.name, "update", caller, true);
    const { outcome, left } = await attempt({
      caller: fixture.callers[caller],
      statement: (tx) =>
        tx`
          update ${tx("public." + relation.name)}
          set workspace_id = ${fixture.foreign_workspace_id}
          where ${isRow(relation, row)}`,
    }, (tx) => tx`select from ${tx("public." + relation.name)} where ${isRow(relation, row)}`);
    if (left.length !== 1) return "the row is gone";
    return allowed || "code" in outcome
      ? refused(outcome, ["42501", "PT409", "PT422"])
      : met(outcome, 0);
  });
});

test("tenancy: no member inserts a row into another workspace", async () => {
  const fixture = await fixturePromise;
  await sweepMembers(fixture, async (relation, caller) => {
    const values = sampleValues(relation, fixture.foreignRows);
    const { outcome } = await attempt({
      caller: fixture.callers[caller],
      statement: (tx) => statementOf(tx, relation, "insert", values),
    }, () => Promise.resolve());
    return refused(outcome, DENIED);
  });
});

test("tenancy: no row has a parent or an owner in another workspace", async () => {
  const fixture = await fixturePromise;
  const { callers, foreignRows } = fixture;
  await sweepMembers(fixture, async (relation, caller) => {
    if (!isAllowed(relation.name, "insert", caller, true)) return null;
    for (const { name, parent } of relation.columns) {
      if (!parent || parent === "workspaces" || name === "id") continue;
      const { workspace_id: _, ...values } = sampleValues(
        relation,
        fixture.rows.get(caller) ?? {},
      );
      values[name] = foreignRows[parent]?.id;
      const { outcome } = await attempt({
        caller: callers[caller],
        statement: (tx) => statementOf(tx, relation, "insert", values),
      }, () => Promise.resolve());
      const failure = refused(outcome, ["23503"]);
      if (failure) return `${name}: ${failure}`;
    }
    return null;
  });
});

test("tenancy: the database gives ids, and a record keeps its id", async () => {
  const fixture = await fixturePromise;
  const taken = { code: "42501", detail: undefined };
  await sweepMembers(fixture, async (relation, caller) => {
    if (!relation.columns.some(({ name, type }) => name === "id" && type === "bigint")) return null;
    if (!isAllowed(relation.name, "insert", caller, true)) return null;
    const row = rowOf(fixture, relation, caller);
    const { workspace_id: _, ...values } = sampleValues(relation, fixture.rows.get(caller) ?? {});
    const next: Row = { ...values, id: row.id + 1_000_000 };
    const inserted = await attempt({
      caller: fixture.callers[caller],
      statement: (tx) => statementOf(tx, relation, "insert", next),
    }, () => Promise.resolve());
    assertEquals(inserted.outcome, taken, relation.name);
    const moved = await attempt({
      caller: fixture.callers[caller],
      statement: (tx) =>
        tx`
          update ${tx("public." + relation.name)} set id = ${next.id} where ${
          isRow(relation, row)
        }`,
    }, () => Promise.resolve());
    return refused(moved.outcome, ["PT422"]);
  });
});

/** Runs a check for every table with workspace_id and every active member. */
async function sweepMembers(
  { relations }: Fixture,
  check: (relation: Relation, caller: CallerName) => Promise<string | null>,
): Promise<void> {
  const failures: string[] = [];
  for (const relation of relations.values()) {
    if (!relation.columns.some(({ name }) => name === "workspace_id")) continue;
    if (relation.kind === "view") continue;
    for (const caller of ["rep", "manager", "admin"] as const) {
      const failure = await check(relation, caller);
      if (failure) failures.push(`${caller} ${relation.name}: ${failure}`);
    }
  }
  assertEquals(failures, []);
}
