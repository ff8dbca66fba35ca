/** Answers: makes the HTTP answer from an operation's result, and sends it. */
import type { Context } from "hono";
import type { StreamedAnswer } from "../list/list.ts";
import type { Input, Operation } from "../operation.ts";
import { JsonText, Reply } from "../reply.ts";
import { entityTagOf } from "./entityTag.ts";
import type { AppEnvironment } from "./platform.ts";

/** An answer as plain data, so that it can be stored. */
export interface StoredAnswer {
  status: number;
  headers: Record<string, string>;
  body: string;
  /** Whether this is the stored answer of an earlier request. */
  replayed?: boolean;
  /** See `Reply`. It is not stored. */
  records?: number;
}

const STATUSES = [200, 201, 202, 207] as const;

/** Returns the answer as a response of Hono. */
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

/**
 * Makes the answer from an operation's result, with `ETag` and `Location` where they apply.
 * @throws Error when `isChecked` is set and the body does not match the operation's schema.
 */
export function toAnswer(
  result: unknown,
  operation: Operation,
  { query }: Pick<Input<unknown, unknown, unknown>, "query">,
  isChecked: boolean,
): StoredAnswer {
  const reply = result instanceof Reply ? result : new Reply(result);
  const { body, options } = reply;
  if (isChecked) checkAnswer(body, operation, query);
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
    ...(options.records !== undefined && { records: options.records }),
    body: status === 204 ? "" : body instanceof JsonText ? body.text : JSON.stringify(body),
  };
}

/** Adds the header `Portico-Change`: the change that the request recorded, for its undo. */
export function withChange(answer: StoredAnswer, changeId: string | undefined): StoredAnswer {
  if (changeId === undefined) return answer;
  return { ...answer, headers: { ...answer.headers, "Portico-Change": changeId } };
}

function checkAnswer(body: unknown, operation: Operation, query: unknown): void {
  const value: unknown = body instanceof JsonText ? JSON.parse(body.text) : body;
  const schema = operation.kind === "list" && operation.of.isPartial(query)
    ? operation.of.partialPage
    : operation.output;
  const result = schema.safeParse(value);
  if (!result.success) {
    throw new Error(
      `The answer of ${operation.id} does not match its schema: ${result.error.message}`,
    );
  }
}
