/** API keys and every operation of the registry: who is let in by which scope. */
import { assert, assertEquals } from "@std/assert";
import { newKey } from "../../supabase/functions/_shared/authentication.ts";
import { problemsOf, scopeOf, scopesOf } from "../../supabase/functions/_shared/facts.ts";
import type { Operation } from "../../supabase/functions/_shared/operation.ts";
import type { ProblemCode } from "../../supabase/functions/_shared/problem.ts";
import { SCOPES } from "../../supabase/functions/api/scopes.ts";
import { makeKey, type TestKey } from "../api/api_keys/key.ts";
import { assertProblem } from "../support/answers.ts";
import { withApp } from "../support/app.ts";
import { upload } from "../support/files.ts";
import { bodyOf, call, recordsOf } from "../support/operations.ts";
import { operations } from "../support/registry.ts";
import { createWorkspace, sql, test, type Workspace } from "../support/workspace.ts";
import { assertEach, withToken } from "./everyOperation.ts";
import { pathId, states } from "./states.ts";

/** What keys never do: members, invitations, roles, keys, and what belongs to a user's session. */
const NEVER = /^(users\.(?!list$|get$)|api_keys\.|me\.update$)/;
const REFUSALS = ["user_required", "scope_missing"];

const members = operations.filter(({ access }) => access === "member");
const open = members.filter((operation) => scopeOf(operation) !== undefined);

let made: Promise<{ workspace: Workspace; full: TestKey }> | undefined;

/** A workspace with a key that may do all that a key may do. */
function fullKey() {
  return made ??= (async () => {
    const workspace = await createWorkspace();
    return { workspace, full: await makeKey(workspace, { role: "admin" }) };
  })();
}

Deno.test("the scopes are those of the operations, and keys never manage members or keys", () => {
  assertEquals([...SCOPES], scopesOf(operations));
  for (const operation of members) {
    const isOpen = operation.surface !== "atomic" && !NEVER.test(operation.id);
    assertEquals(scopeOf(operation) !== undefined, isOpen, operation.id);
    assertEquals(problemsOf(operation).has("scope_missing"), isOpen, operation.id);
  }
});

for (const operation of members) {
  const scope = scopeOf(operation);
  if (scope === undefined) {
    test(`${operation.id} is refused to every key`, async () => {
      const { workspace, full } = await fullKey();
      assertProblem(await sent(operation, workspace, full), 403, "user_required");
    });
    continue;
  }
  test(`${operation.id} names the scope ${scope} to a key that lacks it`, async () => {
    const { workspace } = await fullKey();
    const scopes = SCOPES.filter((other) => other !== scope);
    const answer = await sent(
      operation,
      workspace,
      await makeKey(workspace, { role: "admin", scopes }),
    );
    assertProblem(answer, 403, "scope_missing");
    assertEquals(answer.body.scope, scope);
  });

  test(`${operation.id} succeeds for a key with the scope ${scope} alone`, async () => {
    const workspace = await createWorkspace();
    const key = await makeKey(workspace, { role: "admin", scopes: [scope] });
    const refusals: unknown[] = [];
    for (const make of states(workspace)) {
      const id = await pathId(operation, make);
      const body = await bodyOf(operation, make);
      const { status, body: answered } = await call(operation, {
        token: key.secret,
        query: operation.queryExample?.path && `?path=${await upload(workspace.admin)}`,
        id,
        body,
      });
      if (status < 300) return;
      assert(!REFUSALS.includes(answered.code), answered.code);
      refusals.push(answered);
    }
    throw new Error(`${operation.id} never succeeds: ${JSON.stringify(refusals)}`);
  });
}

Deno.test("every operation for members is open to keys or not, and most are", () => {
  assert(open.length > members.length / 2);
});

/** Sends the example as a key. */
async function sent(operation: Operation, workspace: Workspace, key: TestKey) {
  const body = await bodyOf(operation, recordsOf(workspace));
  return await call(operation, { token: key.secret, body });
}

/** Code → a secret that has it. */
async function wrongSecrets(): Promise<[ProblemCode, string][]> {
  const { workspace } = await fullKey();
  const [expired, revoked] = [await makeKey(workspace), await makeKey(workspace)];
  await sql`update gateway.api_key_secrets set expires_at = now() where member_id = ${expired.id}`;
  await workspace.admin.api.delete(`/api_keys/${revoked.id}`);
  return [
    ["api_key_malformed", "ptc_0"],
    ["api_key_unknown", (await newKey()).secret],
    ["api_key_expired", expired.secret],
    ["api_key_revoked", revoked.secret],
  ];
}

test("every operation for members refuses keys by their defect", async () => {
  await withApp({ rateLimit: 0 }, async (app) => {
    for (const [code, secret] of await wrongSecrets()) {
      await assertEach(app, code, 401, (operation) => withToken(operation, secret));
    }
  });
});
