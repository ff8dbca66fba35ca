/** What an answer to any request must be: no failure, no internals, and a problem when it refuses. */
import { assert } from "@std/assert";
import { routeOf } from "../../supabase/functions/_shared/facts.ts";
import type { Operation } from "../../supabase/functions/_shared/operation.ts";
import { assertProblem } from "../support/answers.ts";
import type { AppUnderTest } from "../support/app.ts";
import { type Answer, stack } from "../support/workspace.ts";

/** Asserts that an answer is no failure, and that a refusal is a problem without internals. */
export function assertHarmless(label: string, answer: Answer): void {
  const text = `${label}: ${answer.status} ${JSON.stringify(answer.body)?.slice(0, 500)}`;
  assert(answer.status < 500, text);
  if (answer.status < 400 || answer.body === "") return;
  try {
    assertProblem(answer, answer.status, answer.body.code);
  } catch (error) {
    throw new Error(text, { cause: error });
  }
}

/** A request to an operation, with the parts that a test replaces. */
export interface Attack {
  /** Replaces the parameters of the path; text as it is. */
  id?: string;
  path?: string;
  query?: string;
  method?: string;
  headers?: Record<string, string>;
  body?: BodyInit;
}

/** Sends a request to an operation in the process of the test. */
export function attack(
  { send }: AppUnderTest,
  operation: Operation,
  token: string,
  { id = "1", path, query = "", method = operation.method, headers = {}, body }: Attack,
): Promise<Answer> {
  const address = path ?? routeOf(operation).replace(/:\w+/g, id);
  const credential = operation.access === "service" ? stack.secretKey : token;
  const type = body === undefined ? undefined : { "Content-Type": "application/json" };
  return send(address + query, {
    method,
    headers: { Authorization: `Bearer ${credential}`, ...type, ...headers },
    body: /^(get|head)$/i.test(method) ? undefined : body,
  });
}
