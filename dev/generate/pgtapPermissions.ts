/**
 * pgTAP assertions on the permission table: they execute each of its cells, on own and on others'
 * rows, and inserts into another workspace.
 */
import {
  type CallerName,
  CALLERS,
  isAllowed,
  isHidden,
  type Verb,
  VERBS,
} from "../../tests/database/permissions.ts";
import {
  type Column,
  type SampleRows,
  sampleValues,
  SINGLETONS,
  viewRow,
} from "../../tests/database/sampleValues.ts";
import { type Assertion, literal } from "./pgtapAssertion.ts";
import type { Relation } from "./relations.ts";

/** Callers who own rows: the members of the workspace. */
const MEMBERS: CallerName[] = ["disabled", "rep", "manager", "admin"];

/** A table or view of schema `public`. */
interface Target {
  name: string;
  isView: boolean;
  columns: Column[];
  key: string[];
}

/** Returns the statements that make the rows, and the assertions about them. */
export function permissionAssertions(
  relations: Relation[],
): { fixture: string; assertions: Assertion[] } {
  const targets = relations.filter(({ name }) => name.startsWith("public.")).map(targetOf);
  const tables = targets.filter(({ isView }) => !isView);
  const rows: SampleRows = Object.fromEntries(
    tables.map(({ name }) => [name, { id: `{${name}}` }]),
  );
  const samples = parentsFirst(tables).map((table) =>
    `  perform pg_temp.add_rows(${literal(table.name)}, ${
      literal(JSON.stringify(sampleValues(table, rows, "{unique}")))
    });`
  );
  return {
    fixture: fixtureText(samples),
    assertions: [
      ...targets.flatMap((target) => casesOf(target)),
      ...tables.flatMap((table) => foreignInserts(table)),
    ],
  };
}

function fixtureText(samples: string[]): string {
  return `do $$
begin
  perform pg_temp.add_member('admin');
  perform pg_temp.add_member('foreign');
  perform pg_temp.add_member('disabled', 'admin', true);
  perform pg_temp.add_member('rep', 'rep');
  perform pg_temp.add_member('manager', 'manager');
  insert into callers
  values ('anon', 'anon', null), ('no_member', 'authenticated', gen_random_uuid());
${samples.join("\n")}
end
$$;
`;
}

function targetOf({ name, is_view, columns, parents, constraints }: Relation): Target {
  const primary = constraints.find(({ kind }) => kind === "p")?.definition ?? "";
  return {
    name: name.replace("public.", ""),
    isView: is_view,
    columns: columns.map((column) => ({
      name: column.name,
      type: column.type,
      required: !column.nullable && column.default === "",
      parent: parentOf(column.name, parents),
    })),
    key: /\((.*)\)/.exec(primary)?.[1]?.split(", ") ?? [],
  };
}

function parentOf(column: string, parents: Relation["parents"]): string | null {
  const found = parents.find((reference) => reference.column === column)?.parent ?? "";
  return /^public\.(\w+)$/.exec(found)?.[1] ?? null;
}

/** The tables in an order in which each follows the tables that it refers to. */
function parentsFirst(tables: Target[]): Target[] {
  const ordered = new Set<Target>();
  const visit = (table: Target) => {
    for (const { parent } of table.columns) {
      const parentTable = tables.find(({ name }) => name === parent);
      if (parentTable && parentTable !== table && !ordered.has(parentTable)) visit(parentTable);
    }
    ordered.add(table);
  };
  tables.forEach(visit);
  return [...ordered];
}

function casesOf(target: Target): Assertion[] {
  return CALLERS.flatMap((caller) =>
    VERBS.flatMap((verb) => {
      const other: CallerName = caller === "admin" ? "rep" : "admin";
      const owners = MEMBERS.includes(caller) ? [caller, other] : [other];
      return owners.map((owner) => caseOf(target, verb, caller, owner));
    })
  );
}

function caseOf(target: Target, verb: Verb, caller: CallerName, owner: CallerName): Assertion {
  const { name } = target;
  const row = target.isView ? viewSource(name) : { table: name, condition: keyCondition(target) };
  const emptied = verb === "insert" && SINGLETONS.includes(name);
  const parameters = [
    ...[caller, owner, row.table, statementOf(target, verb, caller, row.condition)],
    ...(emptied ? [`delete from public.${name} where ${row.condition}`] : []),
  ];
  return {
    actual: `pg_temp.outcome(${parameters.map(literal).join(", ")})`,
    expected: expectedOutcome(name, verb, caller, owner),
    description: `${caller}: ${verb} ${name} of ${owner}`,
  };
}

function expectedOutcome(
  name: string,
  verb: Verb,
  caller: CallerName,
  owner: CallerName,
): string {
  if (isAllowed(name, verb, caller, caller === owner)) return "1 rows";
  return isHidden(name, verb, caller) ? "0 rows" : "refused";
}

/** Members cannot insert a row into another workspace, with that workspace's own records. */
function foreignInserts(table: Target): Assertion[] {
  if (!table.columns.some(({ name }) => name === "workspace_id")) return [];
  return (["rep", "manager", "admin"] as const).map((caller) => ({
    actual: `pg_temp.outcome(${
      [caller, "foreign", table.name, insertOf(table, true)].map(literal).join(", ")
    })`,
    expected: "refused",
    description: `${caller}: insert ${table.name} into another workspace`,
  }));
}

/** The table whose row a view shows, and the condition for that row. */
function viewSource(view: string): { table: string; condition: string } {
  const sources: string[] = [];
  const rows = new Proxy<SampleRows>({}, {
    get(_, table) {
      sources.push(String(table));
      return { id: "{id}" };
    },
  });
  const conditions = Object.entries(viewRow(view, rows)).map(([column, value]) =>
    `${column} = '${value}'`
  );
  return { table: sources[0] ?? "workspaces", condition: conditions.join(" and ") || "true" };
}

function keyCondition({ key }: Target): string {
  return key.map((column) => `${column} = '{${column}}'`).join(" and ");
}

function statementOf(target: Target, verb: Verb, caller: CallerName, condition: string): string {
  const relation = `public.${target.name}`;
  if (verb === "select") return `select from ${relation} where ${condition}`;
  if (verb === "delete") return `delete from ${relation} where ${condition}`;
  if (verb === "update") return `update ${relation} set ${changeOf(target)} where ${condition}`;
  return insertOf(target, !MEMBERS.includes(caller));
}

/** Members omit the workspace, as clients do. Other callers must name it. */
function insertOf(target: Target, withWorkspace: boolean): string {
  const columns = Object.keys(sampleValues(target, {}, ""))
    .filter((column) => withWorkspace || column !== "workspace_id").join(", ");
  const relation = `public.${target.name}`;
  if (target.isView || columns === "") return `insert into ${relation} default values`;
  return `insert into ${relation} (${columns}) ` +
    `select ${columns} from jsonb_populate_record(null::${relation}, $1)`;
}

/** A change of a column that is neither owner, workspace nor key. */
function changeOf({ isView, columns, key }: Target): string {
  const free = columns.filter(({ name, parent }) => !isView && !parent && !key.includes(name));
  const text = free.find(({ type }) => type === "text");
  if (text) return `${text.name} = 'changed'`;
  const json = free.find(({ type }) => type === "jsonb");
  if (json) return `${json.name} = '{"changed": true}'`;
  const first = columns[0]?.name ?? "";
  return `${first} = ${first}`;
}
