/** Every function runs: PL/pgSQL finds out about a missing table or column no sooner. */
import { assertEquals } from "@std/assert";
import postgres from "postgres";
import { become, foundWorkspace, rolledBack, sql, type Transaction } from "../support/database.ts";
import { test } from "../support/workspace.ts";
import { insertSampleRows, readRelations, type SampleRows } from "./sampleRows.ts";

interface Callable {
  name: string;
  argument_names: string[];
  argument_types: string[];
}

/** Undefined column, function, object and table, and an ambiguous name. */
const FAULTS = ["42703", "42883", "42704", "42P01", "42702"];

/** Arguments that name a thing of the database, and so cannot be just any text. */
const NAMED_ARGUMENTS: Record<string, string> = {
  table_name: "'contacts'",
  referenced_table: "'tags'",
  holder_table: "'contacts'",
  column_name: "'tags'",
};

test("functions: each runs without missing anything that it names", async () => {
  const { admin } = await foundWorkspace();
  const failures: string[] = [];
  for (const callable of await readFunctions()) {
    const failure = await rolledBack(async (tx) => {
      // As the superuser, who may execute everything, with the claims of a member.
      await become(tx, admin);
      await tx`reset role`;
      return await call(tx, callable);
    });
    if (failure) failures.push(`${callable.name}: ${failure}`);
  }
  assertEquals(failures, []);
});

test("functions: each trigger function runs on inserts, updates and deletes", async () => {
  const relations = await readRelations();
  const { admin, join, ...tenant } = await foundWorkspace();
  const manager = await join("manager");
  const rows = await insertSampleRows(relations, { admin, join, ...tenant }, admin);
  const ran = await rolledBack(async (tx) => {
    await tx`set local track_functions = 'pl'`;
    await tx`select set_config('request.jwt.claims', ${JSON.stringify(admin.claims)}, true)`;
    await touchEverything(tx, rows, manager.id);
    return await tx<{ name: string }[]>`
      select funcid::regprocedure::text as name from pg_stat_xact_user_functions`;
  });
  const triggers = await sql<{ name: string }[]>`
    select oid::regprocedure::text as name from pg_proc
    where pronamespace = 'private'::regnamespace and prorettype = 'trigger'::regtype`;
  const names = ran.map(({ name }) => name);
  assertEquals(triggers.map(({ name }) => name).filter((name) => !names.includes(name)), []);
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

/** Calls a function; returns an error that tells of a fault in its body, or null. */
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

/** Meets the condition of every trigger. */
async function touchEverything(tx: Transaction, rows: SampleRows, otherMember: number) {
  await tx`insert into public.contacts (last_name, email_jsonb) values ('New', '["A@example.test"]')`;
  for (const table of ["contacts", "companies", "deals", "contact_notes", "deal_notes", "tasks"]) {
    await tx`
      update ${tx("public." + table)} set sales_id = ${otherMember} where id = ${rows[table]?.id}`;
  }
  await tx`insert into public.favicons_excluded_domains (domain) values ('Example.test')`;
  await tx`update public.sales set administrator = true where id = ${otherMember}`;
  await tx`insert into public.companies (name) values ('New')`;
  await tx`insert into public.deals (name, stage) values ('New', 'won')`;
  await tx`insert into public.contact_notes (contact_id) values (${rows.contacts?.id})`;
  await tx`
    insert into auth.users (id, email) values (gen_random_uuid(), gen_random_uuid() || '@a.test')`;
  await tx`
    update auth.users set email = gen_random_uuid() || '@a.test' where id = ${rows.sales?.user_id}`;
  await tx`delete from public.tags where id = ${rows.tags?.id}`;
  await tx`delete from public.companies where id = ${rows.companies?.id}`;
  await tx`update public.sales set disabled = true where id = ${rows.sales?.id}`;
}
