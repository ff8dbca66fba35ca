/**
 * The app: it mounts the operations below the middleware, in this order:
 * request id and log → CORS allowlist → per operation: authentication, limits, validation, transaction,
 * answer.
 *
 * The app loads a resource when the first request for it arrives, and builds a Hono app for it.
 */
import { Hono } from "hono";
import { createAuthenticate, createRequireSecretKey } from "../_shared/authentication.ts";
import { cors } from "../_shared/cors.ts";
import { routeOf } from "../_shared/facts.ts";
import { createDatabase } from "../_shared/database/database.ts";
import {
  type AppEnvironment,
  createRateLimiter,
  type Log,
  mount,
  operationAt,
  type Platform,
  refuse,
  refuseRoute,
  releaseBody,
  rememberSuccess,
  requestLog,
  withSpans,
} from "../_shared/http/pipeline.ts";
import type { Network } from "../_shared/internet/internet.ts";
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
import { VERSION } from "./version.ts";

export interface AppOptions {
  /** Receives one record per request. Default: a line of JSON on standard output. */
  log?: Log;
  /** The resources to serve. Default: the registry. A benchmark passes its own. */
  resources?: Resources;
  /** Whether to check each answer and problem against its operation's declaration. Tests do. */
  checkAnswers?: boolean;
  /** The network for requests to the public internet. Default: that of the function. Tests pass another. */
  network?: Network;
}

export interface App {
  fetch(request: Request): Promise<Response>;
  /** Closes the database connections. */
  close(): Promise<void>;
}

/** Builds the app. It opens no connection before the first request that needs one. */
export function createApp(settings: Settings, options: AppOptions = {}): App {
  const { resources = registry, checkAnswers = false, network } = options;
  const { log, flush } = withSpans(options.log ?? writeLine, settings.spans);
  const platform = createPlatform(settings, { log, resources, checkAnswers, network });
  const loaded = new Map<string, Promise<Hono<AppEnvironment>>>();
  const load = (prefix: string) => {
    const earlier = loaded.get(prefix);
    if (earlier) return earlier;
    const loading = loadOperations(resources, prefix)
      .then((operations) => createHono(operations, platform, log));
    loaded.set(prefix, loading);
    // The next request tries again.
    loading.catch(() => loaded.delete(prefix));
    return loading;
  };
  return {
    fetch: async (request) => (await load(prefixOf(request.url, resources))).fetch(request),
    async close() {
      await Promise.all([platform.database.close(), flush()]);
    },
  };
}

function createHono(
  operations: readonly Operation[],
  platform: Platform,
  log: Log,
): Hono<AppEnvironment> {
  const app = new Hono<AppEnvironment>();
  app.use(...requestLog(log));
  app.use(async (context, next) => {
    await next();
    context.res.headers.set("Portico-Version", VERSION);
  });
  app.use(releaseBody);
  app.use(cors(
    platform.settings.allowedOrigins,
    operations.filter(({ anyOrigin }) => anyOrigin).map(routeOf),
  ));
  for (const operation of operations) mount(app, operation, platform);
  app.notFound((context) => {
    const { method, path } = context.req;
    return refuse(refuseRoute(operations, method, path), context, platform.checkAnswers);
  });
  app.onError((error, context) => {
    const { method, path } = context.req;
    context.get("state").operation ??= operationAt(operations, method, path);
    return refuse(error, context, platform.checkAnswers);
  });
  return app;
}

function createPlatform(
  settings: Settings,
  { log, resources, checkAnswers, network }:
    & Required<Omit<AppOptions, "network">>
    & Pick<AppOptions, "network">,
): Platform {
  const database = createDatabase(settings);
  const auth = createAuthAdmin(settings);
  return {
    settings,
    operations: () => allOperations(resources),
    authenticate: createAuthenticate(settings, database.findKey),
    requireSecretKey: createRequireSecretKey(settings),
    database,
    auth,
    storage: createStorage(settings),
    network,
    rateLimiter: createRateLimiter(database, settings.rateLimit),
    check: {
      database: rememberSuccess(() => database.ping()),
      auth: rememberSuccess(() => auth.ping()),
    },
    reportFailure: (request_id, error) =>
      log({ time: new Date().toISOString(), request_id, error: String(error) }),
    checkAnswers,
  };
}

/** Returns the prefix in the registry that the URL's path begins with, or "" when there is none. */
function prefixOf(url: string, resources: Resources): string {
  const [, prefix = ""] = /^[a-z]+:\/\/[^/]+((?:\/api)?\/[^/?#]*)/i.exec(url) ?? [];
  return Object.hasOwn(resources, prefix) ? prefix : "";
}

function writeLine(line: Record<string, unknown>): void {
  console.log(JSON.stringify(line));
}
