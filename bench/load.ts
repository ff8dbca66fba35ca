/**
 * A light HTTP/1.1 load generator: keep-alive connections that repeat one prepared request and read
 * each answer by its Content-Length. It uses a fraction of the processor time of `fetch`, so that more
 * is left for the measured server.
 */

export interface Target {
  port: number;
  path: string;
  headers?: Record<string, string>;
  /** Default: GET. */
  method?: string;
  body?: string;
}

/** The result of one round of load. */
export interface Load {
  requestsPerSecond: number;
  /** Median latency in milliseconds. */
  p50: number;
  p99: number;
}

const decoder = new TextDecoder("latin1");
const encoder = new TextEncoder();
const BUFFER_BYTES = 4_194_304;

/** Sends requests over `connections` connections for `milliseconds`. Throws on a status other than 200. */
export async function load(
  target: Target,
  connections: number,
  milliseconds: number,
): Promise<Load> {
  const start = performance.now();
  const latencies = await sample(target, connections, milliseconds);
  const seconds = (performance.now() - start) / 1_000;
  return {
    requestsPerSecond: latencies.length / seconds,
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
  };
}

/** The latency of each request sent within the time, in milliseconds, sorted. */
export async function sample(
  target: Target,
  connections: number,
  milliseconds: number,
): Promise<number[]> {
  const latencies: number[] = [];
  const end = performance.now() + milliseconds;
  await Promise.all(
    Array.from({ length: connections }, () => sendUntil(end, target, latencies)),
  );
  return latencies.sort((a, b) => a - b);
}

/** The quantile of sorted values: 0.5 is the median. */
export function quantile(sorted: number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

export function median(values: number[]): number {
  return quantile([...values].sort((a, b) => a - b), 0.5);
}

async function sendUntil(end: number, target: Target, latencies: number[]): Promise<void> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: target.port });
  const request = encoder.encode(requestText(target));
  const buffer = new Uint8Array(BUFFER_BYTES);
  for (let sent = performance.now(); sent < end; sent = performance.now()) {
    await connection.write(request);
    const head = await readAnswer(connection, buffer);
    if (!head.startsWith("HTTP/1.1 200")) throw new Error(head);
    latencies.push(performance.now() - sent);
  }
}

/** A connection that sends one request after the other. */
export interface Client extends Disposable {
  /** Sends a request, and returns the status of its answer. */
  send(target: Target): Promise<number>;
}

/** Connects to a local port. */
export async function openClient(port: number): Promise<Client> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const buffer = new Uint8Array(BUFFER_BYTES);
  return {
    async send(target) {
      await connection.write(encoder.encode(requestText(target)));
      return Number((await readAnswer(connection, buffer)).slice(9, 12));
    },
    [Symbol.dispose]: () => connection.close(),
  };
}

/** The text of a request. Its body is ASCII. */
export function requestText({ port, path, headers = {}, method = "GET", body }: Target): string {
  const content = body === undefined
    ? {}
    : { "Content-Type": "application/json", "Content-Length": String(body.length) };
  const lines = Object.entries({ Host: `127.0.0.1:${port}`, ...content, ...headers })
    .map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n${body ?? ""}`;
}

/** Reads one answer into the buffer. Returns its beginning. */
async function readAnswer(connection: Deno.TcpConn, buffer: Uint8Array): Promise<string> {
  let filled = 0;
  let whole = Infinity;
  while (filled < whole) {
    const count = await connection.read(buffer.subarray(filled));
    if (count === null) throw new Error("The server closed the connection");
    filled += count;
    if (whole === Infinity) whole = answerLength(decoder.decode(buffer.subarray(0, filled)));
  }
  return decoder.decode(buffer.subarray(0, Math.min(filled, 1_000)));
}

/** Bytes of the whole answer; Infinity while its head is incomplete. */
function answerLength(text: string): number {
  const head = text.indexOf("\r\n\r\n");
  if (head < 0) return Infinity;
  const length = /\r\ncontent-length: (\d+)/i.exec(text.slice(0, head))?.[1];
  if (length === undefined) throw new Error("The answer has no Content-Length");
  return head + 4 + Number(length);
}
