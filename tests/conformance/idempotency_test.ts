/** `Idempotency-Key` on every POST: replayed, refused for another request, refused while in flight. */
import { assertEquals } from "@std/assert";
import type { Operation } from "../../supabase/functions/_shared/operation.ts";
import { operationForms } from "../support/registry.ts";
import { assertProblem } from "../support/answers.ts";
import { bodyOf, call, creatableResources, isForMembers } from "../support/operations.ts";
import { createWorkspace, sql, test, type Workspace } from "../support/workspace.ts";
import { callers } from "./callers.ts";
import { firstSuccess, pathId, type Success } from "./states.ts";

const posts = operationForms.filter((operation) =>
  operation.method === "POST" && isForMembers(operation)
);
const REPLAYED = "Idempotency-Replayed";

for (const operation of posts) {
  test(`${operation.id} replays its answer for the same Idempotency-Key`, async () => {
    const { workspace, headers, first } = await carriedOut(operation);
    const rows = await countRecords(workspace);
    const { id, body, answer } = first;
    const second = await call(operation, { token: workspace.admin.token, id, body, headers });
    assertEquals(answer.headers.get(REPLAYED), null);
    assertEquals(second.headers.get(REPLAYED), "true");
    const { shownOnce } = operation;
    const shown = shownOnce ? { ...answer.body, [shownOnce]: null } : answer.body;
    assertEquals([second.status, second.body], [answer.status, shown]);
    for (const name of ["ETag", "Location", "Content-Type"]) {
      assertEquals(second.headers.get(name), answer.headers.get(name), name);
    }
    // After a 202 the operation goes on, and adds records by itself.
    if (answer.status !== 202) assertEquals(await countRecords(workspace), rows);
  });

  test(`${operation.id} answers 422 to another request with the same Idempotency-Key`, async () => {
    const { workspace, headers, first } = await carriedOut(operation);
    const other = await otherRequest(operation, first);
    const answer = await call(operation, { token: workspace.admin.token, ...other, headers });
    assertProblem(answer, 422, "idempotency_key_reused");
  });

  test(`${operation.id} answers 409 while a request with the same key is in flight`, async () => {
    const { own } = await callers();
    const key = crypto.randomUUID();
    // The lock that a transaction holds while it works under the key.
    await sql.begin(async (tx) => {
      await tx`select pg_advisory_xact_lock(
        hashtextextended(${own.admin.user_id}::text || ' ' || ${key}::text, 0))`;
      const answer = await call(operation, {
        token: own.admin.token,
        body: operation.example,
        headers: { "Idempotency-Key": key },
      });
      assertProblem(answer, 409, "request_in_flight");
      assertEquals(answer.headers.get("Retry-After"), "1");
    });
  });

  test(`${operation.id} answers 400 to a malformed Idempotency-Key`, async () => {
    const { admin: token } = await callers();
    for (const key of ['""', "with space", "x".repeat(256)]) {
      const headers = { "Idempotency-Key": key };
      const answer = await call(operation, { token, body: operation.example, headers });
      assertProblem(answer, 400, "invalid_idempotency_key");
    }
  });
}

/** Sends requests under one key until one succeeds. A refused request frees the key. */
async function carriedOut(operation: Operation) {
  const workspace = await createWorkspace();
  const headers = { "Idempotency-Key": crypto.randomUUID() };
  const first = await firstSuccess(operation, workspace, { headers, dryRun: false });
  return { workspace, headers, first };
}

/** A request with another record in the path, or other values in the body. */
async function otherRequest(operation: Operation, { make }: Success) {
  const id = await pathId(operation, make);
  const body = await bodyOf(operation, make, false);
  if (operation.path.includes(":")) return { id, body };
  const text = JSON.stringify(body);
  return { id, body: text.replace(/":"([A-Z][^"@]*)"/, '":"Another $1"') };
}

async function countRecords(workspace: Workspace): Promise<number[]> {
  return await Promise.all(
    creatableResources.map(async (resource) => {
      const { body } = await workspace.admin.api.get(`/${resource}?count=exact&limit=1`);
      return body.total;
    }),
  );
}
