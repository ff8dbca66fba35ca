/** Requests to every operation that can answer a certain problem. */
import { assertEquals } from "@std/assert";
import { problemsOf } from "../../supabase/functions/_shared/facts.ts";
import type { Operation } from "../../supabase/functions/_shared/operation.ts";
import type { ProblemCode } from "../../supabase/functions/_shared/problem.ts";
import { assertProblem } from "../support/answers.ts";
import type { AppUnderTest } from "../support/app.ts";
import { isForMembers, requestTo } from "../support/operations.ts";
import { operations } from "../support/registry.ts";
import { stack } from "../support/workspace.ts";

/** Sends a request to each operation that can answer a code, and asserts that it does. */
export async function assertEach(
  app: AppUnderTest,
  code: ProblemCode,
  status: number,
  init: (operation: Operation) => RequestInit,
  among: readonly Operation[] = operations,
): Promise<void> {
  const able = among.filter((operation) => problemsOf(operation).has(code));
  assertEquals(able.length > 0, true, code);
  for (const operation of able) {
    const { path } = requestTo(operation);
    const { method } = operation;
    assertProblem(await app.send(path, { method, ...init(operation) }), status, code);
  }
}

/** The example of an operation, sent with a token. */
export function withToken(operation: Operation, token: string): RequestInit {
  const { init } = requestTo(operation, { token, body: operation.example });
  return init;
}

/** A request that its operation accepts from a member, or from a job, up to its transaction. */
export function accepted(operation: Operation, token: string): RequestInit {
  if (isForMembers(operation)) return withToken(operation, token);
  const body = operation.body && JSON.stringify(operation.example ?? {});
  return {
    body,
    headers: { apikey: stack.secretKey, ...(body && { "Content-Type": "application/json" }) },
  };
}
