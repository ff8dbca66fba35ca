/**
 * The state of a request, and one structured log line per request. A line never contains a token, a
 * body, a query string or an e-mail address. Hono's middleware sets the request id and the total
 * time.
 */
import type { MiddlewareHandler } from "hono";
import { requestId } from "hono/request-id";
import { setMetric, timing } from "hono/timing";
import type { SpanSettings } from "../settings.ts";
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
    const trace = parentTrace(context.req.raw.headers);
    log({
      ...line(state, context.req.method, context.res.status, performance.now() - start),
      ...trace,
    });
  };
}

/** Returns a log whose lines are also sent as spans, when a collector is set. */
export function withSpans(
  log: Log,
  spans: SpanSettings | undefined,
): { log: Log; flush(): Promise<void> } {
  if (!spans) return { log, flush: () => Promise.resolve() };
  const report = (error: unknown) =>
    log({ time: new Date().toISOString(), error: `Spans were not sent: ${error}` });
  // Loaded only here, because few projects have a collector.
  const loading = import("./spans.ts")
    .then(({ createSpanExporter }) => createSpanExporter(spans, report));
  return {
    log(line) {
      log(line);
      loading.then((exporter) => exporter.add(line));
    },
    flush: async () => (await loading).flush(),
  };
}

const TRACEPARENT =
  /^[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-|$)/;
const SENTRY_TRACE = /^(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})(?:-([01]))?$/;

/** A trace, the span in it that the request belongs to, and `01` when the client records it. */
interface ParentTrace {
  trace_id?: string;
  parent_span_id?: string;
  trace_flags?: string;
}

/**
 * Returns the trace that the request belongs to, so that a collector can join its line with the
 * spans of the client (W3C "Trace Context", 3.2; Sentry's `sentry-trace`).
 */
function parentTrace(headers: Headers): ParentTrace {
  const match = TRACEPARENT.exec(headers.get("traceparent") ?? "") ??
    SENTRY_TRACE.exec(headers.get("sentry-trace") ?? "");
  if (!match) return {};
  const [, trace_id, parent_span_id, flags] = match;
  return { trace_id, parent_span_id, trace_flags: flags?.padStart(2, "0") };
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
