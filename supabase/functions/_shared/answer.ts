/** Answers: what an operation has returned, with its status, headers and JSON. */
import { entityTagOf } from "./entityTag.ts";
import type { StoredAnswer } from "./idempotency.ts";
import { JsonText, type Operation, Reply } from "./operation.ts";

/** The answer in a form that can be stored; tests have it checked against the operation's schema. */
export function toAnswer(result: unknown, operation: Operation, isChecked: boolean): StoredAnswer {
  const reply = result instanceof Reply ? result : new Reply(result);
  const { body, options } = reply;
  if (isChecked) checkAnswer(body, operation);
  const status = options.status ?? operation.status ?? 200;
  const tag = entityTagOf(body);
  const location = status === 201 ? operation.location?.(body) : undefined;
  return {
    status,
    headers: {
      ...(tag && { ETag: tag }),
      ...(location && { Location: location }),
      ...options.headers,
    },
    body: status === 204 ? "" : body instanceof JsonText ? body.text : JSON.stringify(body),
  };
}

function checkAnswer(body: unknown, operation: Operation): void {
  const value: unknown = body instanceof JsonText ? JSON.parse(body.text) : body;
  const result = operation.output.safeParse(value);
  if (!result.success) {
    throw new Error(
      `${operation.id} answered what its schema does not say: ${result.error.message}`,
    );
  }
}
