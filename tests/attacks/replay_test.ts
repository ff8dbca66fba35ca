/** A kept answer is for whoever may still ask for it: not for disabled, demoted or other members. */
import { assertEquals } from "@std/assert";
import { allowedOf } from "../../supabase/functions/_shared/facts.ts";
import type { Operation } from "../../supabase/functions/_shared/operation.ts";
import { firstSuccess } from "../conformance/states.ts";
import { assertProblem } from "../support/answers.ts";
import { call, isForMembers } from "../support/operations.ts";
import { operationForms } from "../support/registry.ts";
import { createWorkspace, sql, test } from "../support/workspace.ts";

const posts = operationForms.filter((operation) =>
  operation.method === "POST" && isForMembers(operation)
);
const REPLAYED = "Idempotency-Replayed";

for (const operation of posts) {
  test(`${operation.id} replays its answer to nobody who has lost the right to it`, async () => {
    const { workspace, replay } = await carriedOut(operation);
    const { id } = workspace.admin;
    const other = await replay((await workspace.addMember("admin")).token);
    assertEquals(other.headers.get(REPLAYED), null);
    await sql`update public.sales set role = 'rep' where id = ${id}`;
    const demoted = await replay(workspace.admin.token);
    const allowed = allowedOf(operation);
    if (allowed === "admin") assertProblem(demoted, 403, "admin_required");
    if (allowed === "manager") assertProblem(demoted, 403, "forbidden");
    await sql`update public.sales set disabled = true where id = ${id}`;
    assertProblem(await replay(workspace.admin.token), 403, "member_disabled");
  });
}

async function carriedOut(operation: Operation) {
  const workspace = await createWorkspace();
  const headers = { "Idempotency-Key": crypto.randomUUID() };
  const { id, body } = await firstSuccess(operation, workspace, { headers, dryRun: false });
  const replay = (token: string) => call(operation, { token, id, body, headers });
  return { workspace, replay };
}
