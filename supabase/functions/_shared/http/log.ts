/**
 * The request's state and log: one structured line per request, never with a token, a body, a query
 * string or an e-mail address. The request id and the total time come from Hono's middlewares before it.
 */
import type { MiddlewareHandler } from "hono";
import { requestId } from "hono/request-id";
import { setMetric, timing } from "hono/timing";
import type { AppEnvironment, RequestState } from "./platform.ts";

/** Writes one line; the default is standard output, which the platform collects. */
export type Log = (line: Record<string, unknown>) => void;

/**
 * The middlewares that log: `X-Request-Id` in and out, `Server-Timing`, and one line to `log` per
 * request.
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
    // A problem's response lacks the headers that were set before it was made. Setting them here
    // directly spares Hono a copy of the response.
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
