/** What every operation that names a record answers about one in the trash, and about a merged one. */
import { assert, assertEquals } from "@std/assert";
import { problemsOf } from "../../supabase/functions/_shared/facts.ts";
import type { Operation } from "../../supabase/functions/_shared/operation.ts";
import { assertProblem } from "../support/answers.ts";
import {
  bodyOf,
  call,
  creatableResources,
  type MakeRecord,
  type RecordId,
  recordsOf,
  resourceOf,
} from "../support/operations.ts";
import { operations } from "../support/registry.ts";
import { createWorkspace, test, type Workspace } from "../support/workspace.ts";

/** Removes a record of a resource. Returns the record that it was merged into. */
type Remove = (
  workspace: Workspace,
  resource: string,
  id: RecordId,
) => Promise<RecordId | undefined>;

const REMOVALS: Record<"deleted" | "merged", Remove> = {
  deleted: async ({ admin }, resource, id) => {
    const { status, body } = await admin.api.delete(`/${resource}/${id}`);
    assertEquals(status, 204, JSON.stringify(body));
    return undefined;
  },
  merged: async (workspace, resource, id) => {
    const winner = await recordsOf(workspace)(resource);
    const merge = { loser_ids: [id] };
    const { status, body } = await workspace.admin.api.post(`/${resource}/${winner}/merge`, merge);
    assertEquals(status, 200, JSON.stringify(body));
    return winner;
  },
};

for (const [code, remove] of Object.entries(REMOVALS)) {
  const able = operations.filter((operation) =>
    problemsOf(operation).has(code as keyof typeof REMOVALS) &&
    creatableResources.includes(resourceOf(operation) ?? "")
  );

  test(`every operation on a record answers 410 ${code} when it was`, async () => {
    assert(able.length > 10);
    const workspace = await createWorkspace();
    for (const operation of able) await answersGone(workspace, operation, code, remove);
  });
}

async function answersGone(
  workspace: Workspace,
  operation: Operation,
  code: string,
  remove: Remove,
): Promise<void> {
  const resource = resourceOf(operation) ?? "";
  const winners = new Map<unknown, unknown>();
  const make = recordsOf(workspace);
  const gone = async () => {
    const id = await make(resource);
    winners.set(id, await remove(workspace, resource, id));
    return id;
  };
  const makeGone: MakeRecord = (name) => name === resource ? gone() : make(name);
  const id = await gone();
  const body = await bodyOf(operation, makeGone, false);
  const answer = await call(operation, { token: workspace.admin.token, id, body });
  assertProblem(answer, 410, code);
  const { merged_into } = answer.body;
  assert([...winners.values()].includes(merged_into), `${operation.id}: ${merged_into}`);
}
