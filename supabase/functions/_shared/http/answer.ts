/** Answers: what an operation has returned, with its status, headers and JSON, and how it is sent. */
import type { Context } from "hono";
import { entityTagOf } from "./entityTag.ts";
import type { StreamedAnswer } from "../list/export.ts";
import type { StoredAnswer } from "./idempotency.ts";
import { JsonText, type Operation, Reply } from "../operation.ts";
import type { AppEnvironment } from "./log.ts";

const STATUSES = [200, 201, 202, 207] as const;

/** Sends an answer. */
export function send(
  context: Context<AppEnvironment>,
  answer: StoredAnswer | StreamedAnswer,
): Response {
  context.header("Content-Type", "application/json");
  for (const [name, value] of Object.entries(answer.headers)) context.header(name, value);
  if ("replayed" in answer && answer.replayed) context.header("Idempotency-Replayed", "true");
  if (answer.status === 204) return context.body(null, 204);
  context.status(STATUSES.find((status) => status === answer.status) ?? 200);
  return context.body(answer.body);
}

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
