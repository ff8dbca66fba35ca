/** Columns that the database sets: no member chooses their values, in any table. */
import { assertEquals } from "@std/assert";
import { asCaller, foundWorkspace, insertRow, refusalOf, sql } from "../support/database.ts";
import { test } from "../support/workspace.ts";
import { offenders } from "./offenders.ts";
import { isAllowed, PERMISSIONS } from "./permissions.ts";
import type { Relation } from "./sampleRows.ts";
import { sampleValues } from "./sampleValues.ts";
import { attempt, createFixture, type Fixture, isRow, rowOf, statementOf } from "./sweep.ts";

/** Columns that a member may not name in INSERT. The gateway chooses the id of an invitation. */
const DATABASE_COLUMNS = ["id", "workspace_id", "search"];
const EXCEPTIONS = ["configuration.id", "invitations.id", "invitations.workspace_id"];

const TIMES = { created_at: "1970-01-01T00:00:00Z", updated_at: "294276-12-31T23:59:59Z" };

const fixturePromise = createFixture();

test("database columns: members may not name id, workspace_id and search in INSERT", async () => {
  assertEquals(
    await offenders`
      select format('%s.%s', c.relname, a.attname) as name from pg_class c
      join pg_attribute a on a.attrelid = c.oid and a.attname = any (${DATABASE_COLUMNS}::text[])
      where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
        and has_column_privilege('authenticated', c.oid, a.attname, 'insert')
        and format('%s.%s', c.relname, a.attname) <> all (${EXCEPTIONS}::text[])`,
    [],
  );
});

test("database columns: members may name every other column of a table in INSERT", async () => {
  assertEquals(
    await offenders`
      select format('%s.%s', c.relname, a.attname) as name from pg_class c
      join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
        and c.relname <> all (array['configuration', 'invitations'])
        and has_any_column_privilege('authenticated', c.oid, 'insert')
        and a.attname <> all (${DATABASE_COLUMNS}::text[])
        and not has_column_privilege('authenticated', c.oid, a.attname, 'insert')`,
    [],
  );
});

test("database columns: the database sets the times of every row that a member inserts", async () => {
  const failures = await sweep("insert", async (fixture, relation) => {
    const { workspace_id: _, ...values } = sampleValues(
      relation,
      fixture.rows.get("admin") ?? {},
    );
    const { outcome, left } = await attempt({
      caller: fixture.callers.admin,
      statement: (tx) => statementOf(tx, relation, "insert", { ...values, ...TIMES }),
    }, (tx) =>
      tx`
        select from ${tx("public." + relation.name)}
        where created_at < now() - interval '1 hour' or updated_at > now() + interval '1 hour'`);
    if ("code" in outcome) return outcome.code === "42501" ? null : `refused with ${outcome.code}`;
    return left.length === 0 ? null : "the row has the times of the member";
  });
  assertEquals(failures, []);
});

test("database columns: an update changes none of them", async () => {
  const failures = await sweep("update", async (fixture, relation) => {
    const row = rowOf(fixture, relation, "admin");
    const table = "public." + relation.name;
    const columns = relation.columns.map(({ name }) => name)
      .filter((name) => ["created_at", "updated_at", "search"].includes(name));
    const read = sql`select ${sql(columns)} from ${sql(table)} where ${isRow(relation, row)}`;
    const { outcome, left } = await attempt({
      caller: fixture.callers.admin,
      statement: (tx) =>
        tx`
          update ${tx(table)}
          set (${tx(columns)}) = (
            select ${tx(columns)}
            from jsonb_populate_record(
              null::${tx(table)}, ${tx.json({ ...TIMES, search: "'forged'" })}
            )
          )
          where ${isRow(relation, row)}`,
    }, (tx) => tx`${read}`);
    if ("code" in outcome) return outcome.code === "42501" ? null : `refused with ${outcome.code}`;
    return JSON.stringify([...left]) === JSON.stringify([...await read]) ? null : "changed";
  });
  assertEquals(failures, []);
});

/** Checks every table that an admin may write in this way. Returns the failures by table. */
async function sweep(
  verb: "insert" | "update",
  check: (fixture: Fixture, relation: Relation) => Promise<string | null>,
): Promise<string[]> {
  const fixture = await fixturePromise;
  const failures: string[] = [];
  for (const name of Object.keys(PERMISSIONS)) {
    const relation = fixture.relations.get(name);
    if (relation?.kind !== "table" || !isAllowed(name, verb, "admin", true)) continue;
    const failure = await check(fixture, relation);
    if (failure) failures.push(`${name}: ${failure}`);
  }
  return failures;
}

test("database columns: an id that is free again cannot be taken by another workspace", async () => {
  const [tenant, other] = await Promise.all([foundWorkspace(), foundWorkspace()]);
  const { workspace_id } = tenant;
  const last = await insertRow("companies", { name: "Analytical", workspace_id });
  await sql`delete from public.companies where id = ${last.id}`;
  const taking = asCaller(
    other.admin,
    (tx) => tx`insert into public.companies (id, name) values (${last.id}, 'Taken')`,
  );
  assertEquals(await refusalOf(taking), { code: "42501", detail: undefined });
});
