/**
 * The app: the chain in its order, and the operations mounted on it.
 * log → CORS allowlist → (per operation) authenticate → limits → validate → transaction → answer.
 */
import { type Context, Hono } from "hono";
import { createAuthenticate } from "../_shared/authentication.ts";
import { releaseBody } from "../_shared/http/body.ts";
import { cors } from "../_shared/cors.ts";
import { createDatabase } from "../_shared/database/database.ts";
import type { Operation } from "../_shared/operation.ts";
import { mount, type Platform } from "../_shared/http/pipeline.ts";
import { Problem, problemResponse, toProblem } from "../_shared/problem.ts";
import { createRateLimiter } from "../_shared/http/rateLimit.ts";
import { type AppEnvironment, type Log, requestLog } from "../_shared/http/log.ts";
import { allowedMethods } from "../_shared/http/routes.ts";
import { createRequireSecretKey } from "../_shared/identity/secretKey.ts";
import type { Settings } from "../_shared/settings.ts";
import { createStorage } from "../_shared/storage.ts";
import { createAuthAdmin } from "../_shared/supabaseAdmin.ts";
import { operations as registry } from "./resources.ts";

export interface AppOptions {
  log?: Log;
  /** Instead of the registry's, for measuring the chain alone. */
  operations?: readonly Operation[];
  /** Check every answer against its operation's schema; for tests. */
  checkAnswers?: boolean;
}

export interface App {
  fetch(request: Request): Response | Promise<Response>;
  /** Gives the database connections back. */
  close(): Promise<void>;
}

/** Builds the app; it connects to nothing before the first request that needs it. */
export function createApp(settings: Settings, options: AppOptions = {}): App {
  const log = options.log ?? ((line) => console.log(JSON.stringify(line)));
  const operations = options.operations ?? registry;
  const platform = createPlatform(settings, operations, log, options.checkAnswers ?? false);
  const app = new Hono<AppEnvironment>();
  app.use(requestLog(log));
  app.use(releaseBody);
  app.use(cors(settings.allowedOrigins));
  for (const operation of operations) mount(app, operation, platform);
  app.notFound((context) =>
    refuse(context, noRoute(operations, context.req.method, context.req.path))
  );
  app.onError((error, context) => refuse(context, toProblem(error)));
  return { fetch: (request) => app.fetch(request), close: () => platform.database.close() };
}

function createPlatform(
  settings: Settings,
  operations: readonly Operation[],
  log: Log,
  checkAnswers: boolean,
): Platform {
  const database = createDatabase(settings);
  return {
    settings,
    operations,
    authenticate: createAuthenticate(settings),
    requireSecretKey: createRequireSecretKey(settings),
    database,
    auth: createAuthAdmin(settings),
    storage: createStorage(settings),
    rateLimiter: createRateLimiter(database, settings.rateLimit),
    reportFailure: (request_id, error) =>
      log({ time: new Date().toISOString(), request_id, error: String(error) }),
    checkAnswers,
  };
}

function refuse(context: Context<AppEnvironment>, problem: Problem): Response {
  const { log, requestId } = context.get("state");
  log.code = problem.code;
  if (problem.status >= 500) log.error = describeCause(problem);
  return problemResponse(problem, requestId);
}

function noRoute(operations: readonly Operation[], method: string, path: string): Problem {
  const allowed = allowedMethods(operations, path);
  if (allowed.length === 0) {
    return new Problem("route_not_found", "See GET /openapi.json for the routes that exist.");
  }
  return new Problem(
    "method_not_allowed",
    `${method} is not offered here. Use ${allowed.join(", ")}.`,
    {
      headers: { Allow: allowed.join(", ") },
      members: { allowed },
    },
  );
}

/** Values of rows may stand in a message of Postgres, never in its SQLSTATE and position. */
function describeCause(problem: Problem): string {
  const { cause } = problem;
  if (!(cause instanceof Error)) return problem.code;
  const sqlstate = "code" in cause ? ` ${cause.code}` : "";
  const where = cause.stack?.split("\n").slice(1, 4).map((line) => line.trim()).join(" ") ?? "";
  return `${cause.name}${sqlstate}: ${sqlstate ? "" : cause.message} ${where}`;
}
