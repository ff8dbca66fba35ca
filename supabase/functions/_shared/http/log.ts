/**
 * Request id and log: an `X-Request-Id` in is kept when it is sane, and goes out with every answer; one
 * structured line per request. Never a token, a body, a query string or an e-mail address.
 */
import type { MiddlewareHandler } from "hono";

/** What a request carries through the chain. */
export interface RequestState {
  requestId: string;
  timing: { databaseMs: number };
  log: {
    /** Operation id, or undefined for a route that does not exist. */
    operation?: string;
    caller?: string;
    workspace?: string;
    /** The problem's code, and what caused an unexpected one. */
    code?: string;
    error?: string;
  };
}

export interface AppEnvironment {
  Bindings: object;
  Variables: { state: RequestState };
}

/** Writes one line; the default is standard output, which the platform collects. */
export type Log = (line: Record<string, unknown>) => void;

const REQUEST_ID = /^[A-Za-z0-9._:-]{8,128}$/;

/** The middleware; `log` gets one record per request. */
export function requestLog(log: Log): MiddlewareHandler<AppEnvironment> {
  return async (context, next) => {
    const start = performance.now();
    const given = context.req.header("X-Request-Id");
    const requestId = given && REQUEST_ID.test(given) ? given : crypto.randomUUID();
    const state: RequestState = { requestId, timing: { databaseMs: 0 }, log: {} };
    context.set("state", state);
    await next();
    const duration = performance.now() - start;
    const databaseMs = state.timing.databaseMs;
    context.header("X-Request-Id", requestId);
    context.header(
      "Server-Timing",
      `db;dur=${databaseMs.toFixed(1)}, total;dur=${duration.toFixed(1)}`,
    );
    log({
      time: new Date().toISOString(),
      request_id: requestId,
      method: context.req.method,
      route: state.log.operation ?? "unknown",
      status: context.res.status,
      duration_ms: Number(duration.toFixed(1)),
      database_ms: Number(databaseMs.toFixed(1)),
      caller: state.log.caller,
      workspace: state.log.workspace,
      code: state.log.code,
      error: state.log.error,
    });
  };
}
