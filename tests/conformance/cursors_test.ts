/** What every list answers to a cursor that it did not make, and to a page without records. */
import { assert } from "@std/assert";
import { problemsOf } from "../../supabase/functions/_shared/facts.ts";
import { assertProblem } from "../support/answers.ts";
import { call, recordsOf } from "../support/operations.ts";
import { operations } from "../support/registry.ts";
import { createWorkspace, test } from "../support/workspace.ts";
import { pathId } from "./states.ts";

test("every list answers 400 to a cursor that it did not make", async () => {
  const workspace = await createWorkspace();
  const { token } = workspace.admin;
  const able = operations.filter((operation) => problemsOf(operation).has("invalid_cursor"));
  assert(able.length > 10);
  for (const operation of able) {
    const id = await pathId(operation, recordsOf(workspace));
    const answer = await call(operation, { token, id, query: "?cursor=nonsense" });
    assertProblem(answer, 400, "invalid_cursor");
  }
});

test("every list answers 400 to a page of no records", async () => {
  const workspace = await createWorkspace();
  const { token } = workspace.admin;
  for (const operation of operations.filter(({ kind }) => kind === "list")) {
    const id = await pathId(operation, recordsOf(workspace));
    const answer = await call(operation, { token, id, query: "?limit=0" });
    assertProblem(answer, 400, "invalid_parameter");
  }
});
