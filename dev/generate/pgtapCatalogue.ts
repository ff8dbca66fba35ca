/** pgTAP assertions on the catalogue: privileges, row-level security, policies, triggers, functions. */
import type postgres from "postgres";
import { type Assertion, literal } from "./pgtapAssertion.ts";

const ROLES = ["anon", "authenticated", "portico_gateway", "service_role"];

/** A function of pgtapCatalogue.sql, its arguments, and what it says. */
type Fact = [name: string, parameters: string[], subject: string];

/**
 * Returns an assertion for each fact, with its present value. The connection has the functions of
 * pgtapCatalogue.sql.
 */
export async function catalogueAssertions(sql: postgres.Sql): Promise<Assertion[]> {
  const relations = await names(sql, "pg_temp.relations()");
  const functions = await names(sql, "pg_temp.functions()");
  const facts = [
    ...relations.flatMap(relationFacts),
    ...(await policiesOf(sql)).map(([relation, policy]): Fact => [
      "policy",
      [relation, policy],
      `${relation}: policy ${policy}`,
    ]),
    ...functions.flatMap(functionFacts),
  ];
  const assertions = await Promise.all(facts.map((fact) => assertionOf(sql, fact)));
  return [
    ...assertions,
    ...[["relations", relations] as const, ["functions", functions] as const].map(
      ([what, expected]) => ({
        actual: `(select string_agg(name, ', ') from pg_temp.${what}() as name)`,
        expected: expected.join(", "),
        description: `there are no other ${what}`,
      }),
    ),
  ];
}

function relationFacts(relation: string): Fact[] {
  return [
    ["row_security", [relation], `${relation}: row-level security`],
    ["policies", [relation], `${relation}: policies`],
    ["triggers", [relation], `${relation}: enabled triggers`],
    ...ROLES.map((role): Fact => [
      "privileges",
      [role, relation],
      `${relation}: privileges of ${role}`,
    ]),
  ];
}

function functionFacts(signature: string): Fact[] {
  return [
    ["callers", [signature], `${signature}: roles that may execute it`],
    ["security", [signature], `${signature}: security and settings`],
  ];
}

async function assertionOf(
  sql: postgres.Sql,
  [name, parameters, description]: Fact,
): Promise<Assertion> {
  const call = `pg_temp.${name}(${parameters.map(literal).join(", ")})`;
  const [row] = await sql.unsafe<{ value: string | null }[]>(`select ${call} as value`);
  if (typeof row?.value !== "string") throw new Error(`${call} is null.`);
  return { actual: call, expected: row.value, description };
}

async function names(sql: postgres.Sql, source: string): Promise<string[]> {
  const rows = await sql.unsafe<{ name: string }[]>(`select name from ${source} as name`);
  return rows.map(({ name }) => name);
}

async function policiesOf(sql: postgres.Sql): Promise<[string, string][]> {
  const rows = await sql<{ relation: string; policy: string }[]>`
    select format('%I.%I', schemaname, tablename) as relation, policyname as policy
    from pg_policies
    where format('%I.%I', schemaname, tablename) in (select pg_temp.relations())
    order by 1, 2`;
  return rows.map(({ relation, policy }) => [relation, policy]);
}
