/**
 * CORS allowlist, the outermost layer: it answers preflights, decorates every answer (errors and 404
 * too) for a listed origin, and refuses requests from any other. Source: the Fetch standard, "CORS
 * protocol". Hono's `cors` does the decorating; it alone would still run the handler for a foreign
 * origin, hence the refusal here.
 */
import type { MiddlewareHandler } from "hono";
import { cors as decorate } from "hono/cors";
import { Problem } from "./problem.ts";

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
const REQUEST_HEADERS = [
  "authorization",
  "apikey",
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
];
const EXPOSED_HEADERS = [
  "etag",
  "location",
  "retry-after",
  "ratelimit",
  "ratelimit-policy",
  "content-range",
  "content-disposition",
  "link",
  "idempotency-replayed",
  "preference-applied",
  "warning",
  "www-authenticate",
  "x-request-id",
  "server-timing",
];
const MAX_AGE_SECONDS = 7_200;
const VARY = { Vary: "Origin" };

/** The middleware for these allowed origins (exact, or `https://*.example.com` for one label). */
export function cors(allowedOrigins: string[]): MiddlewareHandler {
  const allows = originMatcher(allowedOrigins);
  const decorated = decorate({
    origin: (origin) => origin,
    allowMethods: METHODS,
    allowHeaders: REQUEST_HEADERS,
    exposeHeaders: EXPOSED_HEADERS,
    maxAge: MAX_AGE_SECONDS,
    credentials: true,
  });
  return async (context, next) => {
    const origin = context.req.header("Origin");
    if (origin !== undefined && allows(origin)) return await decorated(context, next);
    if (context.req.method === "OPTIONS") return context.body(null, 204, VARY);
    if (origin !== undefined) throw foreignOrigin();
    await next();
    // On the response itself: a problem's response lacks the headers that were set before it was made.
    context.res.headers.append("Vary", VARY.Vary);
  };
}

/** Whether an `Origin` header is on the list; `null` never is. */
export function originMatcher(allowedOrigins: string[]): (origin: string) => boolean {
  const exact = new Set(allowedOrigins.filter((origin) => !origin.includes("*")));
  const patterns = allowedOrigins.filter((origin) => origin.includes("*")).map(oneLabelPattern);
  return (origin) => exact.has(origin) || patterns.some((pattern) => pattern.test(origin));
}

function oneLabelPattern(origin: string): RegExp {
  const escaped = origin.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replace("*", "[a-z0-9-]+");
  return new RegExp(`^${escaped}$`);
}

function foreignOrigin(): Problem {
  return new Problem(
    "origin_not_allowed",
    "This origin is not on the list. Ask the operator to add it to ALLOWED_ORIGINS.",
    { headers: VARY },
  );
}
