/**
 * The pipeline of every operation: authenticate → rate limit → If-Match → body → parameters →
 * validate → idempotency → transaction → run → answer. Files outside this folder import this file
 * only.
 */
import type { Hono, MiddlewareHandler } from "hono";
import { requestsOf, routeOf } from "../facts.ts";
import type { Input, Operation } from "../operation.ts";
import { send } from "./answer.ts";
import { limitBody, optionalJson, requireJson } from "./body.ts";
import { parseIfMatch, refuseIfMatch } from "./entityTag.ts";
import { fingerprintOf, type IdempotentRequest, parseIdempotencyKey } from "./idempotency.ts";
import { knownParameters } from "./parameters.ts";
import type { AppEnvironment, Platform } from "./platform.ts";
import { run } from "./run.ts";
import { validated } from "./validation.ts";

export { releaseBody } from "./body.ts";
export { type Log, requestLog, withSpans } from "./log.ts";
export type { AppEnvironment, Platform } from "./platform.ts";
export { createRateLimiter } from "./rateLimit.ts";
export { rememberSuccess } from "./remember.ts";
export { operationAt, refuse, refuseRoute } from "./refusal.ts";

type Step = MiddlewareHandler<AppEnvironment>;
type RequestContext = Parameters<Step>[0];

/** Adds an operation's route and pipeline to the app. */
export function mount(app: Hono<AppEnvironment>, operation: Operation, platform: Platform): void {
  app.on(operation.method, [routeOf(operation)], ...steps(operation, platform), async (context) => {
    const input = inputOf(context);
    const idempotent = await idempotentRequest(context, operation);
    const named = operation.recordsIn?.(input.body);
    await countRecords(context, platform, named);
    const answer = await run(operation, platform, context.get("state"), input, idempotent);
    if (named === undefined && "records" in answer) {
      await countRecords(context, platform, answer.records, true);
    }
    return send(context, answer);
  });
}

/**
 * Counts the records of a request in the caller's rate limit. The request itself is counted already.
 * @throws Problem `rate_limited`, unless the work `isDone`.
 */
async function countRecords(
  context: RequestContext,
  { rateLimiter }: Platform,
  records = 0,
  isDone = false,
): Promise<void> {
  const { caller } = context.get("state");
  const further = requestsOf(records) - 1;
  if (!caller || further <= 0) return;
  const limits = isDone
    ? await rateLimiter.spend(caller.userId, further)
    : await rateLimiter.take(caller.userId, further);
  for (const [name, value] of Object.entries(limits)) context.header(name, value);
}

function steps(operation: Operation, platform: Platform): Step[] {
  const { access, ifMatch, params, query, body, maximumBytes } = operation;
  return [
    withOperation(operation),
    ...(access === "service" ? [requireSecretKey(platform)] : []),
    ...(access === "member" ? [authenticate(platform)] : []),
    ...(ifMatch ? [] : [refuseIfMatch]),
    limitBody({ maximumBytes, milliseconds: platform.settings.bodyTimeLimit }),
    ...(body ? [body.safeParse(undefined).success ? optionalJson : requireJson] : []),
    knownParameters(operation),
    ...(params ? [validated("param", params, "invalid_parameter")] : []),
    ...(query ? [validated("query", query, "invalid_parameter")] : []),
    ...(body ? [validated("json", body, "validation_failed")] : []),
  ];
}

function withOperation(operation: Operation): Step {
  return async (context, next) => {
    context.get("state").operation = operation;
    await next();
  };
}

function authenticate(platform: Platform): Step {
  return async (context, next) => {
    const caller = await platform.authenticate(context.req.raw.headers);
    context.get("state").caller = caller;
    const limits = await platform.rateLimiter.take(caller.userId);
    for (const [name, value] of Object.entries(limits)) context.header(name, value);
    await next();
  };
}

function requireSecretKey(platform: Platform): Step {
  return async (context, next) => {
    await platform.requireSecretKey(context.req.raw.headers);
    await next();
  };
}

/** Returns the validated parts of the request. Parts without a schema are undefined. */
function inputOf(context: RequestContext): Input<unknown, unknown, unknown> {
  const valid = (target: "param" | "query" | "json"): unknown => context.req.valid(target as never);
  return {
    params: valid("param"),
    query: valid("query"),
    body: valid("json"),
    ifMatch: parseIfMatch(context.req.header("If-Match")),
    accept: context.req.header("Accept"),
  };
}

async function idempotentRequest(
  context: RequestContext,
  operation: Operation,
): Promise<IdempotentRequest | undefined> {
  const { caller } = context.get("state");
  if (operation.method !== "POST" || !caller) return undefined;
  const idempotency_key = parseIdempotencyKey(context.req.header("Idempotency-Key"));
  if (idempotency_key === undefined) return undefined;
  const { pathname, search } = new URL(context.req.url);
  const body = operation.body ? await context.req.text() : "";
  const fingerprint = await fingerprintOf(pathname, search, body);
  return { idempotency_key, operation: operation.id, fingerprint, userId: caller.userId };
}
