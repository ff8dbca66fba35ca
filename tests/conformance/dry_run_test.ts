/** `dry_run`: every operation that declares it succeeds with it, and changes nothing. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import type { Operation } from "../../supabase/functions/_shared/operation.ts";
import { bodyOf, call, recordsOf, resourceOf } from "../support/operations.ts";
import { everythingIn } from "../support/records.ts";
import { operationForms } from "../support/registry.ts";
import { type Answer, createWorkspace, test, type Workspace } from "../support/workspace.ts";

for (const operation of operationForms.filter(({ dryRun }) => dryRun)) {
  test(`${operation.id} with dry_run changes nothing`, async () => {
    const workspace = await createWorkspace();
    const send = await prepared(operation, workspace);
    const before = await everythingIn(workspace.id);
    assertSucceeds(await send(true));
    assertEquals(await everythingIn(workspace.id), before);
    assertSucceeds(await send(false));
    assertNotEquals(await everythingIn(workspace.id), before);
  });
}

/** Makes records for the operation. Returns a function that sends its request with or without `dry_run`. */
async function prepared(
  operation: Operation,
  workspace: Workspace,
): Promise<(dryRun: boolean) => Promise<Answer>> {
  const { token } = workspace.admin;
  const make = recordsOf(workspace);
  const resource = resourceOf(operation);
  const id = resource === "users"
    ? (await workspace.addMember("rep")).id
    : resource && await make(resource);
  const body = await bodyOf(operation, make);
  return (dry_run) =>
    operation.dryRun === "query"
      ? call(operation, { token, id, body, query: `?dry_run=${dry_run}` })
      : call(operation, { token, id, body: { ...Object(body), dry_run } });
}

function assertSucceeds({ status, body }: Answer): void {
  assert(status < 300, JSON.stringify(body));
}
