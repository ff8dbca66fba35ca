/**
 * The state of a request, and one structured log line per request. A line never contains a token, a
 * body, a query string or an e-mail address. Hono's middleware sets the request id and the total
 * time.
 */
import type { MiddlewareHandler } from "hono";
import { requestId } from "hono/request-id";
import { setMetric, timing } from "hono/timing";
import type { AppEnvironment, RequestState } from "./platform.ts";

/** Writes one line of the log. */
export type Log = (line: Record<string, unknown>) => void;

/**
 * Returns the middleware that reads and sends `X-Request-Id`, sends `Server-Timing`, and writes one
 * line per request to `log`.
 */
export function requestLog(log: Log): MiddlewareHandler<AppEnvironment>[] {
  return [requestId({ limitLength: 128 }), timing({ totalDescription: "" }), withState(log)];
}

function withState(log: Log): MiddlewareHandler<AppEnvironment> {
  return async (context, next) => {
    const start = performance.now();
    const requestId = context.get("requestId");
    const state: RequestState = { requestId, timing: { databaseMs: 0 }, log: {} };
    context.set("state", state);
    await next();
    // A problem replaces the response, and with it the headers that were set before. Setting the
    // header on the response also avoids a copy of it by Hono.
    context.res.headers.set("X-Request-Id", requestId);
    setMetric(context, "db", Number(state.timing.databaseMs.toFixed(1)));
    log(line(state, context.req.method, context.res.status, performance.now() - start));
  };
}

function line(
  { requestId, operation, caller, timing, log }: RequestState,
  method: string,
  status: number,
  durationMs: number,
): Record<string, unknown> {
  return {
    time: new Date().toISOString(),
    request_id: requestId,
    method,
    route: operation?.id ?? "unknown",
    status,
    duration_ms: Number(durationMs.toFixed(1)),
    database_ms: Number(timing.databaseMs.toFixed(1)),
    caller: caller?.userId,
    workspace: log.workspace,
    code: log.code,
    error: log.error,
  };
}
