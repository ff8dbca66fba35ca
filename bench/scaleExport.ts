/** Measures an export of all contacts: its speed, and the memory of the function meanwhile. */

import type { Server } from "./server.ts";
import type { Tenant } from "./seed.ts";

/** Memory in megabytes. */
export interface ExportFigures {
  rows: number;
  seconds: number;
  megabytes: number;
  memoryBefore: number;
  memoryPeak: number;
}

const SAMPLE_EVERY_MS = 200;
const NEWLINE = 10;

/** Exports as CSV and reads the stream to its end. Throws when a row is missing. */
export async function measureExport(
  server: Server,
  tenant: Tenant,
  contacts: number,
): Promise<ExportFigures> {
  const memoryBefore = await residentMegabytes(server.pid);
  let memoryPeak = memoryBefore;
  const timer = setInterval(async () => {
    memoryPeak = Math.max(memoryPeak, await residentMegabytes(server.pid));
  }, SAMPLE_EVERY_MS);
  try {
    const start = performance.now();
    const { lines, bytes } = await readExport(server.port, tenant);
    const seconds = (performance.now() - start) / 1_000;
    // One line is the header.
    if (lines - 1 !== contacts) throw new Error(`The export has ${lines - 1} of ${contacts} rows`);
    return { rows: contacts, seconds, megabytes: bytes / 1e6, memoryBefore, memoryPeak };
  } finally {
    clearInterval(timer);
  }
}

async function readExport(port: number, tenant: Tenant): Promise<{ lines: number; bytes: number }> {
  const response = await fetch(`http://127.0.0.1:${port}/api/contacts?format=csv`, {
    headers: { Authorization: `Bearer ${tenant.token}` },
  });
  if (!response.ok || !response.body) {
    throw new Error(`${response.status}: ${await response.text()}`);
  }
  let lines = 0;
  let bytes = 0;
  for await (const chunk of response.body) {
    bytes += chunk.length;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, at + 1)) lines++;
  }
  return { lines, bytes };
}

/** The process's resident memory, from /proc on Linux. NaN on other systems. */
async function residentMegabytes(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`).catch(() => "");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? NaN) / 1_000;
}
