/**
 * CORS: answers preflight requests, adds the CORS headers to every answer for an allowed origin
 * (errors included), and refuses requests from other origins. Source: the Fetch standard, "CORS
 * protocol". Hono's `cors` adds the headers, but does not refuse requests.
 */
import type { Context, MiddlewareHandler } from "hono";
import { cors as honoCors } from "hono/cors";
import type { AppEnvironment } from "./http/pipeline.ts";
import { Problem } from "./problem.ts";

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
const REQUEST_HEADERS = [
  "authorization",
  "apikey",
  "x-api-key",
  "x-client-info",
  "content-type",
  "accept",
  "x-region",
  "x-supabase-api-version",
  "prefer",
  "idempotency-key",
  "if-match",
  "if-none-match",
  "x-request-id",
  "accept-profile",
  "content-profile",
  // Trace contexts: W3C "Trace Context" and "Baggage", and Sentry's own.
  "traceparent",
  "tracestate",
  "baggage",
  "sentry-trace",
];
const EXPOSED_HEADERS = [
  "etag",
  "location",
  "retry-after",
  "ratelimit",
  "ratelimit-policy",
  "content-location",
  "content-range",
  "content-disposition",
  "link",
  "portico-change",
  "portico-version",
  "idempotency-replayed",
  "preference-applied",
  "warning",
  "www-authenticate",
  "x-request-id",
  "server-timing",
];
const MAX_AGE_SECONDS = 7_200;
const VARY = { Vary: "Origin" };

/**
 * Returns the middleware for these allowed origins: exact ones, or patterns such as
 * `https://*.example.com`, where `*` is one label or a port. It throws `origin_not_allowed` for
 * other origins, and the line of the log names them. Pages of every origin may read `publicPaths`.
 */
export function cors(
  allowedOrigins: string[],
  publicPaths: string[] = [],
): MiddlewareHandler<AppEnvironment> {
  const allows = originMatcher(allowedOrigins);
  const addHeaders = honoCors({
    origin: (origin) => origin,
    allowMethods: METHODS,
    allowHeaders: REQUEST_HEADERS,
    exposeHeaders: EXPOSED_HEADERS,
    maxAge: MAX_AGE_SECONDS,
    credentials: true,
  });
  return async (context, next) => {
    const origin = context.req.header("Origin");
    if (origin !== undefined && allows(origin)) return await addHeaders(context, next);
    if (publicPaths.includes(context.req.path)) return await addPublicHeaders(context, next);
    if (origin !== undefined) logRefusal(context, origin);
    if (context.req.method === "OPTIONS") return context.body(null, 204, VARY);
    if (origin !== undefined) throw originNotAllowed();
    await next();
    // Set on the response: an error would discard headers that are set on the context.
    context.res.headers.append("Vary", VARY.Vary);
  };
}

const addPublicHeaders = honoCors({ origin: "*", allowMethods: ["GET"] });

/** Returns a function that tells whether an `Origin` header is allowed. `null` is never allowed. */
export function originMatcher(allowedOrigins: string[]): (origin: string) => boolean {
  const exact = new Set(allowedOrigins.filter((origin) => !origin.includes("*")));
  const patterns = allowedOrigins.filter((origin) => origin.includes("*")).map(oneLabelPattern);
  return (origin) => exact.has(origin) || patterns.some((pattern) => pattern.test(origin));
}

function oneLabelPattern(origin: string): RegExp {
  const escaped = origin.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replace("*", "[a-z0-9-]+");
  return new RegExp(`^${escaped}$`);
}

const REFUSAL = "origin_not_allowed";

/** A refused preflight is 204 without headers: only the log says why the browser stops. */
function logRefusal(context: Context<AppEnvironment>, origin: string): void {
  const { log } = context.get("state");
  log.code = REFUSAL;
  log.error = `ALLOWED_ORIGINS does not contain ${origin}`;
}

function originNotAllowed(): Problem {
  return new Problem(
    REFUSAL,
    "This origin is not allowed. Ask the operator to add it to ALLOWED_ORIGINS.",
    { headers: VARY },
  );
}
