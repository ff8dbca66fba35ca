/**
 * The pipeline that every operation runs through, written once:
 * authenticate → rate limit → body → parameters → validate → idempotency → transaction → run → answer.
 */
import type { Context, Handler, Hono, MiddlewareHandler } from "hono";
import { send, toAnswer } from "./answer.ts";
import type { Authenticate, Caller } from "../authentication.ts";
import { limitBody, optionalJson, requireJson } from "./body.ts";
import type { Database, Member, RequestScope, Sql } from "../database/database.ts";
import { parseIfMatch } from "./entityTag.ts";
import { exportList, exportQuery, type StreamedAnswer } from "../list/export.ts";
import {
  fingerprintOf,
  idempotentEnvelope,
  type IdempotentRequest,
  idempotentSaga,
  parseIdempotencyKey,
  type StoredAnswer,
} from "./idempotency.ts";
import type { Input, Operation } from "../operation.ts";
import { knownParameters } from "./parameters.ts";
import { Problem } from "../problem.ts";
import type { RateLimiter } from "./rateLimit.ts";
import type { AppEnvironment, RequestState } from "./log.ts";
import { routeOf } from "./routes.ts";
import type { RequireSecretKey } from "../identity/secretKey.ts";
import type { Settings } from "../settings.ts";
import type { Storage } from "../storage.ts";
import type { AuthAdmin } from "../supabaseAdmin.ts";
import { validated } from "./validation.ts";

/** What the pipeline runs on. */
export interface Platform {
  settings: Settings;
  operations: readonly Operation[];
  authenticate: Authenticate;
  requireSecretKey: RequireSecretKey;
  database: Database;
  auth: AuthAdmin;
  storage: Storage;
  rateLimiter: RateLimiter;
  /** Told of work that failed after the answer had been decided. */
  reportFailure(requestId: string, error: unknown): void;
  /** Set by tests: every answer must fit its operation's schema. */
  checkAnswers: boolean;
}

type Step = MiddlewareHandler<AppEnvironment>;
type RequestContext = Context<AppEnvironment>;

/** Mounts an operation on its route. */
export function mount(app: Hono<AppEnvironment>, operation: Operation, platform: Platform): void {
  const callers = new WeakMap<RequestState, Caller>();
  app.on(
    operation.method,
    [routeOf(operation)],
    ...steps(operation, platform, callers),
    answer(operation, platform, callers),
  );
}

/** By the state of the request: the request itself is replaced when its body is limited. */
type Callers = WeakMap<RequestState, Caller>;

function steps(operation: Operation, platform: Platform, callers: Callers): Step[] {
  const { access, params, query, body } = operation;
  return [
    named(operation),
    ...(access === "service" ? [holdsSecretKey(platform)] : []),
    ...(access === "member" || access === "admin" ? [authenticated(platform, callers)] : []),
    limitBody,
    ...(body ? [body.safeParse(undefined).success ? optionalJson : requireJson] : []),
    knownParameters(operation),
    ...(params ? [validated("param", params, "invalid_parameter")] : []),
    ...(query ? [validated("query", query, "invalid_parameter")] : []),
    ...(body ? [validated("json", body, "validation_failed")] : []),
  ];
}

function named(operation: Operation): Step {
  return async (context, next) => {
    context.get("state").log.operation = operation.id;
    await next();
  };
}

function authenticated(platform: Platform, callers: Callers): Step {
  return async (context, next) => {
    const caller = await platform.authenticate(context.req.header("Authorization"));
    callers.set(context.get("state"), caller);
    context.get("state").log.caller = caller.userId;
    const limits = await platform.rateLimiter.take(caller.userId);
    for (const [name, value] of Object.entries(limits)) context.header(name, value);
    await next();
  };
}

function holdsSecretKey(platform: Platform): Step {
  return async (context, next) => {
    await platform.requireSecretKey(context.req.raw.headers);
    await next();
  };
}

function answer(
  operation: Operation,
  platform: Platform,
  callers: Callers,
): Handler<AppEnvironment> {
  return async (context) => {
    const state = context.get("state");
    const input = inputOf(context);
    const caller = callers.get(state);
    const stored =
      await (caller
        ? runAsCaller(context, operation, platform, { ...state, caller }, input)
        : runWithoutCaller(operation, platform, state, input));
    return send(context, stored);
  };
}

/** Absent parts are undefined: an operation without a schema for them never looks. */
function inputOf(context: RequestContext): Input<unknown, unknown, unknown> {
  const valid = (target: "param" | "query" | "json"): unknown => context.req.valid(target as never);
  return {
    params: valid("param"),
    query: valid("query"),
    body: valid("json"),
    ifMatch: parseIfMatch(context.req.header("If-Match")),
  };
}

async function runWithoutCaller(
  operation: Operation,
  platform: Platform,
  state: RequestState,
  input: Input<unknown, unknown, unknown>,
): Promise<StoredAnswer> {
  const { settings, operations, database, auth, storage } = platform;
  if (operation.kind === "job") {
    const { requestId } = state;
    const transaction = <Value>(work: (sql: Sql) => Promise<Value>) => database.own(state, work);
    const result = await operation.run({ requestId, settings, storage, transaction }, input);
    return toAnswer(result, operation, platform.checkAnswers);
  }
  if (operation.kind !== "plain") throw new Error(`${operation.id} needs a caller`);
  const check = { database: () => database.ping(), auth: () => auth.ping() };
  const result = await operation.run(
    { settings, operations, requestId: state.requestId, check },
    input,
  );
  return toAnswer(result, operation, platform.checkAnswers);
}

type CallerState = RequestState & { caller: Caller };

async function runAsCaller(
  context: RequestContext,
  operation: Operation,
  platform: Platform,
  state: CallerState,
  input: Input<unknown, unknown, unknown>,
): Promise<StoredAnswer | StreamedAnswer> {
  const { caller, requestId, timing } = state;
  const { database, settings, auth, storage } = platform;
  const scope: RequestScope = {
    caller,
    requestId,
    timing,
    authorise: (member) => authorise(operation, member, state),
  };
  const shared = { caller, requestId, settings, signal: () => context.req.raw.signal };
  const idempotent = await idempotentRequest(context, operation, caller);
  const dryRun = isDryRun(input);
  const answered = (result: unknown) => toAnswer(result, operation, platform.checkAnswers);
  switch (operation.kind) {
    case "plain":
    case "job":
      return await runWithoutCaller(operation, platform, state, input);
    case "read": {
      const read = <Value>(work: (sql: Sql) => Promise<Value>) => database.read(scope, work);
      const exported = exportQuery(input.query);
      if (exported && operation.listing) {
        const report = (error: unknown) => platform.reportFailure(requestId, error);
        return await exportList(operation.listing, exported, operation.path, read, report);
      }
      return answered(await read((sql) => operation.run({ ...shared, sql }, input)));
    }
    case "write": {
      const after: (() => Promise<void>)[] = [];
      const result = await database.write(scope, async (sql, member) => {
        after.length = 0;
        const queue = (work: () => Promise<void>) => void after.push(work);
        const writing = { ...shared, storage, sql, member, after: queue };
        return answered(await operation.run(writing, input));
      }, { dryRun, envelope: idempotent && idempotentEnvelope(idempotent) });
      if (!dryRun) afterCommit(after, platform, requestId);
      return result;
    }
    case "saga": {
      const work = async () => {
        const transaction = <Value>(
          run: Parameters<typeof database.write<Value>>[1],
          options?: { dryRun?: boolean },
        ) => database.write<Value>(scope, run, options);
        return answered(await operation.run({ ...shared, auth, storage, transaction }, input));
      };
      return idempotent ? await idempotentSaga(database, scope, idempotent, work) : await work();
    }
  }
}

function authorise(operation: Operation, member: Member, state: RequestState): void {
  state.log.workspace = member.workspace_id;
  if (operation.access === "admin" && member.role !== "admin") {
    throw new Problem("admin_required", "Ask an administrator of your workspace to do this.");
  }
}

function isDryRun(input: Input<unknown, unknown, unknown>): boolean {
  return [input.body, input.query].some((part) =>
    typeof part === "object" && part !== null && "dry_run" in part && part.dry_run === true
  );
}

async function idempotentRequest(
  context: RequestContext,
  operation: Operation,
  caller: Caller,
): Promise<IdempotentRequest | undefined> {
  if (operation.method !== "POST") return undefined;
  const idempotency_key = parseIdempotencyKey(context.req.header("Idempotency-Key"));
  if (idempotency_key === undefined) return undefined;
  const { pathname, search } = new URL(context.req.url);
  const body = operation.body ? await context.req.text() : "";
  const fingerprint = await fingerprintOf(pathname, search, body);
  return { idempotency_key, operation: operation.id, fingerprint, userId: caller.userId };
}

/** Follows the commit without holding up the answer; the platform keeps the isolate for it. */
function afterCommit(works: (() => Promise<void>)[], platform: Platform, requestId: string): void {
  if (works.length === 0) return;
  const all = Promise.all(
    works.map((work) => work().catch((error) => platform.reportFailure(requestId, error))),
  );
  const runtime: unknown = Reflect.get(globalThis, "EdgeRuntime");
  if (typeof runtime === "object" && runtime !== null && "waitUntil" in runtime) {
    (runtime.waitUntil as (promise: Promise<unknown>) => void)(all);
  }
}
