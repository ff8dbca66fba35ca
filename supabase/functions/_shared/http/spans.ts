/**
 * Sends a span of each request to a collector, as OTLP over HTTP in JSON.
 * https://opentelemetry.io/docs/specs/otlp/#otlphttp
 */
import type { SpanSettings } from "../settings.ts";
import { keepAlive } from "./background.ts";

/** Milliseconds that spans wait for others before they are sent together. */
const DELAY_MS = 1_000;
const TIMEOUT_MS = 10_000;
/** Spans that wait at most. Later ones are dropped, so that a slow collector takes no memory. */
const MAXIMUM_WAITING = 2_000;

type Line = Record<string, unknown>;

/** Receives the lines of the request log. */
export interface SpanExporter {
  /** Adds the span of a request. Lines without a route are no requests. */
  add(line: Line): void;
  /** Sends what waits. */
  flush(): Promise<void>;
}

/** Creates an exporter. `report` gets the reason when spans could not be sent; they are dropped then. */
export function createSpanExporter(
  settings: SpanSettings,
  report: (error: unknown) => void,
): SpanExporter {
  let waiting: Line[] = [];
  let sending: Promise<void> | undefined;
  const flush = async () => {
    const lines = waiting;
    waiting = [];
    sending = undefined;
    if (lines.length > 0) await send(settings, lines.map(spanOf)).catch(report);
  };
  return {
    add(line) {
      if (!isRecorded(line) || waiting.length >= MAXIMUM_WAITING) return;
      waiting.push(line);
      if (sending) return;
      sending = new Promise((resolve) => setTimeout(resolve, DELAY_MS)).then(flush);
      keepAlive(sending);
    },
    flush,
  };
}

/** A request is recorded unless the client does not record its trace (W3C "Trace Context", 3.2.2.5). */
function isRecorded({ route, trace_flags }: Line): boolean {
  return route !== undefined && (trace_flags === undefined || isSampled(trace_flags));
}

function isSampled(flags: unknown): boolean {
  return (parseInt(String(flags), 16) & 1) === 1;
}

async function send({ url, headers, serviceName }: SpanSettings, spans: Line[]): Promise<void> {
  const resource = { attributes: [attribute("service.name", serviceName)] };
  const scopeSpans = [{ scope: { name: "portico" }, spans }];
  const response = await fetch(url, {
    method: "POST",
    headers: { ...headers, "Content-Type": "application/json" },
    body: JSON.stringify({ resourceSpans: [{ resource, scopeSpans }] }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`The collector of spans answered ${response.status}`);
}

/** Name of an attribute → the field of the line that it has ("Semantic conventions for HTTP spans"). */
const ATTRIBUTES: Record<string, string> = {
  "http.request.method": "method",
  "http.response.status_code": "status",
  "error.type": "code",
  "enduser.id": "caller",
  "portico.operation": "route",
  "portico.request_id": "request_id",
  "portico.workspace": "workspace",
  "portico.database_ms": "database_ms",
};

function spanOf(line: Line): Line {
  const end = Date.parse(String(line.time));
  const start = end - Number(line.duration_ms);
  const attributes = Object.entries(ATTRIBUTES)
    .filter(([, field]) => line[field] !== undefined)
    .map(([name, field]) => attribute(name, line[field]));
  return {
    traceId: line.trace_id ?? randomHex(16),
    spanId: randomHex(8),
    ...(line.parent_span_id !== undefined && { parentSpanId: line.parent_span_id }),
    name: line.route,
    kind: SERVER,
    startTimeUnixNano: nanoseconds(start),
    endTimeUnixNano: nanoseconds(end),
    attributes,
    status: Number(line.status) >= 500 ? { code: ERROR } : {},
  };
}

const SERVER = 2;
const ERROR = 2;

function attribute(key: string, value: unknown): Line {
  if (Number.isInteger(value)) return { key, value: { intValue: String(value) } };
  if (typeof value === "number") return { key, value: { doubleValue: value } };
  return { key, value: { stringValue: String(value) } };
}

function nanoseconds(milliseconds: number): string {
  return String(BigInt(Math.round(milliseconds * 1_000)) * 1_000n);
}

function randomHex(bytes: number): string {
  return Array.from(
    crypto.getRandomValues(new Uint8Array(bytes)),
    (byte) => byte.toString(16).padStart(2, "0"),
  ).join("");
}
