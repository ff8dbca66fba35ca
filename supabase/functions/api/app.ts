/**
 * The app: the chain in its order, and the operations mounted on it.
 * request id, log → CORS allowlist → (per operation) authenticate → limits → validate → transaction →
 * answer.
 *
 * A resource loads when the first request for it arrives, and has a chain of its own.
 */
import { Hono } from "hono";
import { createAuthenticate, createRequireSecretKey } from "../_shared/authentication.ts";
import { cors } from "../_shared/cors.ts";
import { createDatabase } from "../_shared/database/database.ts";
import {
  type AppEnvironment,
  createRateLimiter,
  type Log,
  mount,
  type Platform,
  refuse,
  refuseRoute,
  releaseBody,
  requestLog,
} from "../_shared/http/pipeline.ts";
import type { Operation } from "../_shared/operation.ts";
import type { Settings } from "../_shared/settings.ts";
import { createStorage } from "../_shared/storage.ts";
import { createAuthAdmin } from "../_shared/supabaseAdmin.ts";
import "./problems.ts";
import {
  allOperations,
  loadOperations,
  type Resources,
  resources as registry,
} from "./resources.ts";

export interface AppOptions {
  /** Gets one record per request; standard output without it. */
  log?: Log;
  /** Instead of the registry's, for measuring the chain alone. */
  resources?: Resources;
  /** Check every answer and problem against its operation's declaration; for tests. */
  checkAnswers?: boolean;
}

export interface App {
  fetch(request: Request): Promise<Response>;
  /** Closes the database connections. */
  close(): Promise<void>;
}

/** Builds the app; it connects to nothing before the first request that needs it. */
export function createApp(settings: Settings, options: AppOptions = {}): App {
  const { log = writeLine, resources = registry, checkAnswers = false } = options;
  const platform = createPlatform(settings, resources, log, checkAnswers);
  const chains = new Map<string, Promise<Hono<AppEnvironment>>>();
  const chainOf = (prefix: string) => {
    const known = chains.get(prefix);
    if (known) return known;
    const loading = loadOperations(resources, prefix)
      .then((operations) => chain(operations, platform, log));
    chains.set(prefix, loading);
    loading.catch(() => chains.delete(prefix));
    return loading;
  };
  return {
    fetch: async (request) => (await chainOf(prefixOf(request.url, resources))).fetch(request),
    close: () => platform.database.close(),
  };
}

function chain(
  operations: readonly Operation[],
  platform: Platform,
  log: Log,
): Hono<AppEnvironment> {
  const app = new Hono<AppEnvironment>();
  app.use(...requestLog(log));
  app.use(releaseBody);
  app.use(cors(platform.settings.allowedOrigins));
  for (const operation of operations) mount(app, operation, platform);
  app.notFound((context) => {
    const { method, path } = context.req;
    return refuse(refuseRoute(operations, method, path), context, platform.checkAnswers);
  });
  app.onError((error, context) => refuse(error, context, platform.checkAnswers));
  return app;
}

function createPlatform(
  settings: Settings,
  resources: Resources,
  log: Log,
  checkAnswers: boolean,
): Platform {
  const database = createDatabase(settings);
  return {
    settings,
    operations: () => allOperations(resources),
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

/** The prefix of the registry that an address begins with; "" for an address that nobody serves. */
function prefixOf(url: string, resources: Resources): string {
  const [, prefix = ""] = /^[a-z]+:\/\/[^/]+((?:\/api)?\/[^/?#]*)/i.exec(url) ?? [];
  return Object.hasOwn(resources, prefix) ? prefix : "";
}

function writeLine(line: Record<string, unknown>): void {
  console.log(JSON.stringify(line));
}
