/** One round of a mixed day: reads and writes of many workspaces, one of them greedy, one quiet. */

import { type Client, openClient, quantile, requestText, type Target } from "./load.ts";
import type { Tenant } from "./seed.ts";

/** The workspaces of a round. */
export interface Day {
  greedy: Tenant;
  others: Tenant[];
  quiet: Tenant;
}

/** What one round has measured. */
export interface Round {
  name: string;
  requestsPerSecond: number;
  /** Answers of 500 and above. */
  serverErrors: number;
  /** Other answers than 2xx. */
  refusals: number;
  /** Latency of the quiet workspace in milliseconds. */
  quiet: { p50: number; p99: number };
  /** Resident memory of the function in MB, once a second. */
  memory: number[];
}

interface Counts {
  requests: number;
  serverErrors: number;
  refusals: number;
}

/** What waits in slow connections, which take no part in the load. */
const SLOW_CONNECTIONS = 50;
const QUIET_PAUSE_MS = 20;
const ANNOUNCED_BYTES = 100_000;

/**
 * Sends requests over `connections` connections: half of them for the greedy workspace, the others for
 * the other workspaces. The quiet workspace sends one request at a time. With `slow`, 50 clients send
 * their body slowly, and 50 do not read their answer.
 */
export async function runRound(
  server: { port: number; pid: number },
  day: Day,
  { connections, milliseconds, slow }: {
    connections: number;
    milliseconds: number;
    slow?: boolean;
  },
): Promise<Round> {
  const start = performance.now();
  const end = start + milliseconds;
  const counts: Counts = { requests: 0, serverErrors: 0, refusals: 0 };
  using stuck = slow ? await openSlow(server.port, day.greedy) : new DisposableStack();
  const tenantOf = (index: number) =>
    index < connections / 2 ? day.greedy : day.others[index % day.others.length] ?? day.greedy;
  const [quiet, memory] = await Promise.all([
    sendQuietly(server.port, day.quiet, end),
    sampleMemory(server.pid, end),
    ...Array.from(
      { length: connections },
      (_, index) => sendMixed(server.port, tenantOf(index), end, index, counts),
    ),
  ]);
  stuck.dispose();
  const name = connections === 0 ? "quiet alone" : `${connections}${slow ? ", 100 slow" : ""}`;
  return {
    name,
    requestsPerSecond: counts.requests / ((performance.now() - start) / 1_000),
    serverErrors: counts.serverErrors,
    refusals: counts.refusals,
    quiet: { p50: quantile(quiet, 0.5), p99: quantile(quiet, 0.99) },
    memory,
  };
}

/** Ten requests of a day: eight reads, two writes. */
function mixOf(port: number, { token, contactId }: Tenant & { contactId?: number }): Target[] {
  const headers = { Authorization: `Bearer ${token}` };
  const get = (path: string): Target => ({ port, path: `/api${path}`, headers });
  return [
    get("/contacts?include=company"),
    get("/deals/board"),
    get("/contacts?q=last&limit=10"),
    get("/tasks?sort=due_date&limit=25"),
    {
      port,
      path: "/api/contacts",
      headers,
      method: "POST",
      body: '{"first_name":"Ada","last_name":"Load"}',
    },
    get("/companies"),
    get("/search?q=company"),
    get("/me"),
    contactId === undefined ? get("/tags") : {
      port,
      path: `/api/contacts/${contactId}`,
      headers,
      method: "PATCH",
      body: '{"title":"Buyer"}',
    },
    get("/contacts?sort=last_name&limit=50&count=estimated"),
  ];
}

async function sendMixed(
  port: number,
  tenant: Tenant,
  end: number,
  first: number,
  counts: Counts,
): Promise<void> {
  using client = await openClient(port);
  const mix = mixOf(port, tenant);
  for (let at = first; performance.now() < end; at++) {
    const target = mix[at % mix.length];
    if (!target) return;
    const status = await client.send(target);
    counts.requests++;
    if (status >= 500) counts.serverErrors++;
    else if (status >= 300) counts.refusals++;
  }
}

/** The latencies of the quiet workspace's requests, sorted. */
async function sendQuietly(port: number, { token }: Tenant, end: number): Promise<number[]> {
  using client: Client = await openClient(port);
  const latencies: number[] = [];
  const target = { port, path: "/api/contacts", headers: { Authorization: `Bearer ${token}` } };
  while (performance.now() < end) {
    const sent = performance.now();
    const status = await client.send(target);
    if (status !== 200) throw new Error(`The quiet workspace got ${status}`);
    latencies.push(performance.now() - sent);
    await new Promise((resolve) => setTimeout(resolve, QUIET_PAUSE_MS));
  }
  return latencies.sort((a, b) => a - b);
}

/** The resident memory of a process in MB, once a second. Linux only; empty elsewhere. */
async function sampleMemory(pid: number, end: number): Promise<number[]> {
  const samples: number[] = [];
  while (performance.now() < end) {
    const status = await Deno.readTextFile(`/proc/${pid}/status`).catch(() => "");
    const [, kilobytes] = /VmRSS:\s+(\d+) kB/.exec(status) ?? [];
    if (kilobytes) samples.push(Number(kilobytes) / 1_000);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
  return samples;
}

async function openSlow(port: number, { token }: Tenant): Promise<DisposableStack> {
  const stack = new DisposableStack();
  const encoder = new TextEncoder();
  const headers = { Authorization: `Bearer ${token}` };
  const announced = { ...headers, "Content-Length": String(ANNOUNCED_BYTES) };
  const requests = [
    requestText({ port, path: "/api/contacts", headers: announced, method: "POST", body: "{" }),
    requestText({ port, path: "/api/contacts?limit=200", headers }),
  ];
  for (let index = 0; index < 2 * SLOW_CONNECTIONS; index++) {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    stack.defer(() => connection.close());
    await connection.write(encoder.encode(requests[index % 2]));
  }
  return stack;
}
