/** Runs every function, because PL/pgSQL reports a missing table or column only then. */
import { assertEquals } from "@std/assert";
import postgres from "postgres";
import {
  become,
  foundWorkspace,
  rolledBack,
  type Row,
  sql,
  type Transaction,
} from "../support/database.ts";
import { test } from "../support/workspace.ts";
import { insertRecord, insertSampleRows, readRelations, type Relation } from "./sampleRows.ts";
import { type SampleRows, sampleValue, sampleValues } from "./sampleValues.ts";
import { isRow } from "./sweep.ts";

interface Callable {
  name: string;
  argument_names: string[];
  argument_types: string[];
}

/** SQLSTATEs: undefined column, function, object and table, ambiguous name. */
const FAULTS = ["42703", "42883", "42704", "42P01", "42702"];

/** Arguments that must name an object of the database. */
const NAMED_ARGUMENTS: Record<string, string> = {
  table_name: "'contacts'",
  referenced_table: "'tags'",
  holder_table: "'contacts'",
  column_name: "'tags'",
  p_table_name: "'contacts'",
  p_field: "'tags'",
};

test("functions: every one runs and finds every object that it names", async () => {
  const { admin } = await foundWorkspace();
  const failures: string[] = [];
  for (const callable of await readFunctions()) {
    const failure = await rolledBack(async (tx) => {
      // The superuser may execute everything; the claims are those of a member.
      await become(tx, admin);
      await tx`reset role`;
      return await call(tx, callable);
    });
    if (failure) failures.push(`${callable.name}: ${failure}`);
  }
  assertEquals(failures, []);
});

test("functions: every trigger function runs when rows are written, and finds every object", async () => {
  const relations = (await readRelations()).filter(({ kind }) => kind === "table");
  const tenant = await foundWorkspace();
  const { admin } = tenant;
  const rows = await insertSampleRows(relations, tenant, admin);
  const other = await insertSampleRows(relations, tenant, await tenant.join("manager"));
  const { failures, ran } = await rolledBack(async (tx) => {
    await tx`set local track_functions = 'pl'`;
    await become(tx, admin);
    const failures: string[] = [];
    // Some triggers only run for statements of members.
    for (const role of ["none", "authenticated"]) {
      await tx`select set_config('role', ${role}, true)`;
      for (const write of writesOf(relations, rows, other)) {
        const failure = await faultOf(tx, write);
        if (failure) failures.push(failure);
      }
    }
    await tx`reset role`;
    const ran = await tx<{ name: string }[]>`
      select funcid::regprocedure::text as name from pg_stat_xact_user_functions`;
    return { failures, ran: ran.map(({ name }) => name) };
  });
  assertEquals(failures, []);
  const triggers = await sql<{ name: string }[]>`
    select oid::regprocedure::text as name from pg_proc
    where pronamespace = 'private'::regnamespace and prorettype = 'trigger'::regtype`;
  const idle = triggers.map(({ name }) => name).filter((name) => !ran.includes(name));
  assertEquals(idle, [], "Add a write to writesOf() that meets the condition of each of these.");
});

async function readFunctions(): Promise<Callable[]> {
  return await sql<Callable[]>`
    select
      p.oid::regproc::text as name,
      coalesce(p.proargnames[1 : p.pronargs], '{}') as argument_names,
      array(
        select format_type(argument.type, null)
        from unnest(p.proargtypes) with ordinality as argument (type, position)
        order by argument.position
      ) as argument_types
    from pg_proc p
    where p.pronamespace in ('public'::regnamespace, 'private'::regnamespace, 'gateway'::regnamespace)
      and p.prorettype <> 'trigger'::regtype`;
}

/** Calls a function. Returns an error that shows a fault in its body, or null. */
async function call(tx: Transaction, callable: Callable): Promise<string | null> {
  const { name, argument_names, argument_types } = callable;
  const values = argument_types.map((type, index) => sample(argument_names[index] ?? "", type));
  try {
    await tx.savepoint((savepoint) => savepoint.unsafe(`select ${name}(${values.join(", ")})`));
    return null;
  } catch (error) {
    if (!(error instanceof postgres.PostgresError)) throw error;
    return FAULTS.includes(error.code) ? error.message : null;
  }
}

function sample(name: string, type: string): string {
  const samples: Record<string, string> = {
    text: NAMED_ARGUMENTS[name] ?? "'word'",
    bigint: "1",
    "bigint[]": "'{1}'::bigint[]",
    integer: "1",
    boolean: "true",
    uuid: "gen_random_uuid()",
    jsonb: "'{}'::jsonb",
    interval: "interval '1 day'",
  };
  return samples[type] ?? `null::${type}`;
}

type Write = (tx: Transaction) => Promise<unknown>;

/** Inserts into every table, updates each column, deletes, truncates, and signs a user up. */
function writesOf(relations: Relation[], rows: SampleRows, other: SampleRows): Write[] {
  const user_id = rows.sales?.user_id;
  const email = () => `${crypto.randomUUID()}@example.test`;
  return [
    async (tx) => {
      await tx`insert into auth.users (id, email) values (gen_random_uuid(), ${email()})`;
      // Deferred triggers run too.
      await tx`set constraints all immediate`;
    },
    async (tx) => await tx`update auth.users set email = ${email()} where id = ${user_id}`,
    async (tx) => await tx`update auth.users set last_sign_in_at = now() where id = ${user_id}`,
    ...relations.flatMap((relation) => writesTo(relation, rows, other)),
    async (tx) => await tx`insert into public.contacts (created_at) values ('2020-01-01')`,
    async (tx) => await tx`delete from auth.users where id = ${other.sales?.user_id}`,
    async (tx) => {
      for (const avatar of [{ path: "a.png" }, {}, "no object"]) {
        await tx`
          update public.contacts set avatar = ${tx.json(avatar)} where id = ${rows.contacts?.id}`;
      }
    },
    async (tx) =>
      await tx`
        update public.configuration set config = '{"dealStages": [null]}'
        where workspace_id = ${rows.workspaces?.id}`,
    async (tx) => {
      for (const path of ["imports/file", null]) {
        await tx`update public.imports set path = ${path} where id = ${rows.imports?.id}`;
      }
    },
    ...relations.map(({ name }): Write => async (tx) =>
      await tx`truncate ${tx("public." + name)} cascade`
    ),
  ];
}

function writesTo(relation: Relation, rows: SampleRows, other: SampleRows): Write[] {
  const row = rows[relation.name] ?? {};
  const { workspace_id: _, sales_id: __, ...values } = sampleValues(relation, rows);
  return [
    (tx) => insertRecord(tx, relation, values),
    ...relation.columns.map((column): Write => async (tx) => {
      const table = tx("public." + relation.name);
      const value: Row = { [column.name]: sampleValue(column, other) };
      await tx`
        update ${table} set ${tx(column.name)} = (
          select ${tx(column.name)} from jsonb_populate_record(null::${table}, ${tx.json(value)})
        )
        where ${isRow(relation, row)}`;
    }),
    async (tx) =>
      await tx`delete from ${tx("public." + relation.name)} where ${isRow(relation, row)}`,
  ];
}

/** Runs a write and rolls it back. Returns an error that shows a fault in a trigger, or null. */
async function faultOf(tx: Transaction, write: Write): Promise<string | null> {
  const done = new Error("undone");
  try {
    await tx.savepoint(async (savepoint) => {
      await write(savepoint);
      throw done;
    });
  } catch (error) {
    if (error === done) return null;
    if (!(error instanceof postgres.PostgresError)) throw error;
    // A refused value is no fault of the trigger.
    return FAULTS.includes(error.code) ? error.message : null;
  }
  return null;
}
