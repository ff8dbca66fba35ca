/** How many records a list has, with `count=exact` or `count=estimated`. */
import type { Fragment, Sql } from "../database/database.ts";
import { Problem } from "../problem.ts";

/** How many rows satisfy the conditions: counted, or as the planner estimates. */
export async function countRows(
  sql: Sql,
  kind: "exact" | "estimated",
  relation: string,
  where: Fragment,
): Promise<number> {
  if (kind === "exact") {
    const [row] = await sql<{ total: number }[]>`
      select count(*)::float8 as total from ${sql(relation)} as record where ${where}`;
    return row?.total ?? 0;
  }
  const [row] = await sql<{ "QUERY PLAN": { Plan: { "Plan Rows": number } }[] }[]>`
    explain (format json) select 1 from ${sql(relation)} as record where ${where}`;
  const estimated = row?.["QUERY PLAN"][0]?.Plan["Plan Rows"];
  if (estimated === undefined) throw new Problem("internal", "The count cannot be estimated.");
  return estimated;
}

/** An estimate gives way to what the page itself shows: there are so many, or at least one more. */
export function totalOf(
  kind: "exact" | "estimated" | undefined,
  counted: number | undefined,
  seen: number,
  isLast: boolean,
): number | undefined {
  if (counted === undefined || kind !== "estimated") return counted;
  return isLast ? seen : Math.max(counted, seen + 1);
}
