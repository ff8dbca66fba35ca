/** The records that the records of a bulk refer to: each must exist in the caller's workspace. */
import { arraySql, pipelined, type Sql } from "../../_shared/database/database.ts";
import type { ProblemCode } from "../../_shared/problem.ts";
import type { Draft } from "../imports/convert.ts";
import type { Matching, Target } from "../imports/targets.ts";
import { refuse } from "../imports/write.ts";

interface Reference {
  table: "companies" | "contacts" | "tags" | "sales";
  code: ProblemCode;
}

/** Column with an id or several → what it refers to. */
const REFERENCES: Record<string, Reference> = {
  company_id: { table: "companies", code: "unknown_reference" },
  contact_id: { table: "contacts", code: "unknown_reference" },
  contact_ids: { table: "contacts", code: "unknown_contact" },
  tags: { table: "tags", code: "unknown_tag" },
  sales_id: { table: "sales", code: "unknown_reference" },
};

/**
 * Rejects the drafts that refer to something that does not exist, in one round trip. Returns the ids
 * of the disabled members among the owners.
 */
export async function checkReferences(sql: Sql, drafts: Draft[]): Promise<Set<number>> {
  const columns = Object.entries(REFERENCES);
  const found = await pipelined(
    columns.map(([column, { table }]) =>
      readIds(sql, table, drafts.flatMap(({ values }) => idsIn(values[column])))
    ),
  );
  for (const [position, [column, { code }]] of columns.entries()) {
    const known = found[position] ?? new Map();
    for (const draft of drafts) {
      const missing = idsIn(draft.values[column]).filter((id) => !known.has(id));
      if (missing.length === 0) continue;
      const reason = `There is no record ${missing.join(", ")}, or you may not see it.`;
      refuse([draft], column, reason, code);
    }
  }
  const owners = found[columns.findIndex(([column]) => column === "sales_id")] ?? new Map();
  return new Set([...owners].filter(([, disabled]) => disabled).map(([id]) => id));
}

/**
 * Rejects the rows that would give a record to a disabled member, or that change an owner whom the
 * caller may not change. Returns these rows with their targets. `merge` keeps the owner that a record
 * has, whatever the row says.
 */
export function refuseOwners(
  targets: Target[],
  policy: Matching["policy"],
  disabled: Set<number>,
): Map<Draft, Target> {
  const refused = new Map<Draft, Target>();
  for (const target of targets) {
    const { stored } = target;
    if (policy === "merge" && typeof stored?.sales_id === "number") continue;
    for (const row of target.rows) {
      const owner = row.values.sales_id;
      if (owner === undefined || owner === stored?.sales_id) continue;
      if (stored && !stored.manages) {
        refuse([row], "sales_id", NOT_THE_OWNER, "owner_change_not_allowed");
      } else if (disabled.has(Number(owner))) {
        refuse([row], "sales_id", DISABLED_OWNER, "unknown_reference");
      } else continue;
      refused.set(row, target);
    }
  }
  return refused;
}

const NOT_THE_OWNER = "Only the owner, a manager or an admin may change the owner of this record.";
const DISABLED_OWNER = "A disabled user cannot own records. Use the id of another user.";

function idsIn(value: unknown): number[] {
  return [value].flat().filter((id) => typeof id === "number");
}

/** Returns the ids that exist → whether they belong to a disabled member. */
async function readIds(
  sql: Sql,
  table: Reference["table"],
  ids: number[],
): Promise<Map<number, boolean>> {
  if (ids.length === 0) return new Map();
  const rows = await sql<{ id: number; disabled: boolean }[]>`
    select id::float8 as id, ${table === "sales" ? sql`disabled` : sql`false`} as disabled
    from ${sql(table)}
    where id = any (${arraySql(sql, [...new Set(ids)], "bigint")})`;
  return new Map(rows.map(({ id, disabled }) => [id, disabled]));
}
