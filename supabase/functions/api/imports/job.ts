/** The job that continues imports whose process has ended, with the rights of their members. */
import * as z from "zod";
import { job, type JobContext } from "../../_shared/operation.ts";
import { Problem } from "../../_shared/problem.ts";
import { type Budget, budgetOf, continueImport } from "./continue.ts";

const AT_ONCE = 10;
const TIME_MS = 20_000;

const ContinuedImports = z.object({
  continued: z.int().describe("Number of imports that the job continued."),
  complete: z.boolean().describe("Whether it looked at every import. `false`: run the job again."),
}).meta({ id: "ContinuedImports" });

export const continueImports = job({
  id: "jobs.continue_imports",
  path: "/jobs/continue_imports",
  summary: "Continue imports that were interrupted",
  description:
    "Each import continues with the rights of the member who started it. The import of a disabled " +
    "member, or of an expired API key, ends.",
  output: ContinuedImports,
  problems: ["storage_unavailable"],
  run: continueAll,
});

async function continueAll(context: JobContext): Promise<z.output<typeof ContinuedImports>> {
  const due = await context.transaction((sql) =>
    sql<{ id: string; user_id: string }[]>`
      select id, user_id from gateway.due_imports(${AT_ONCE}::integer)`
  );
  const budget = budgetOf(TIME_MS);
  const result = { continued: 0, complete: due.length < AT_ONCE };
  const failures: unknown[] = [];
  for (const { id, user_id } of due) {
    if (budget.chunks === 0 || performance.now() >= budget.deadline) {
      return { ...result, complete: false };
    }
    try {
      if (!await continueOne(context, id, user_id, budget)) result.complete = false;
      result.continued++;
    } catch (error) {
      failures.push(error);
    }
  }
  // One import that cannot go on at the moment keeps no other from it.
  if (failures.length > 0) throw failures[0];
  return result;
}

async function continueOne(
  { asMember, storage, transaction }: JobContext,
  id: string,
  userId: string,
  budget: Budget,
): Promise<boolean> {
  try {
    return await continueImport({ step: asMember(userId), storage }, id, budget);
  } catch (error) {
    if (!(error instanceof Problem) || ![401, 403].includes(error.status)) throw error;
    await transaction((sql) => sql`select gateway.fail_import(${id}::uuid, ${error.detail})`);
    return true;
  }
}
