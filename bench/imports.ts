/**
 * Measures an import of 50,000 contacts with matching, against `COPY` of the same file into an empty
 * table without triggers. `deno run -A bench/imports.ts` measures it alone.
 */
import { Buffer } from "node:buffer";
import postgres from "postgres";
import { functionEnvironment } from "../dev/functionEnvironment.ts";
import { startStack } from "../dev/stack.ts";
import { removeStackData, temporaryDirectory } from "../dev/stackData.ts";
import { createTenant, type Tenant } from "./seed.ts";
import { startServer } from "./server.ts";

/** Seconds of an import into an empty workspace, of the same again, and of `COPY`. */
export interface ImportFigures {
  rows: number;
  created: number;
  matched: number;
  copied: number;
  /** Memory of the function before the import, and the most during it, in bytes. */
  memory: { before: number; most: number };
}

const ROWS = 50_000;

/** Imports the file twice, so that the second time matches every row. */
export async function measureImports(
  sql: postgres.Sql,
  tenant: Tenant,
  environment: Record<string, string>,
): Promise<ImportFigures> {
  await using server = await startServer("../supabase/functions/api/index.ts", environment);
  const api = apiOf(server.port, tenant.token);
  const text = fileText();
  await importText(api, "First name,Email\r\nAda,ada@example.test\r\n");
  const before = await memoryOf(server.pid);
  let most = before;
  const watching = setInterval(async () => most = Math.max(most, await memoryOf(server.pid)), 200);
  const created = await importText(api, text);
  const matched = await importText(api, text);
  clearInterval(watching);
  return { rows: ROWS, created, matched, copied: await copy(sql, text), memory: { before, most } };
}

function fileText(): string {
  const lines = Array.from({ length: ROWS }, (_, row) =>
    [
      `First ${row}`,
      `Last ${row % 5_000}`,
      `person.${row}@example.test`,
      `+49 30 ${1_000_000 + row}`,
      `Company ${row % 2_500}`,
      "Buyer",
      `"Met at the fair, asked for ${row % 500}"`,
    ].join(","));
  return `First name,Last name,Email,Phone,Company,Job title,Notes\r\n${lines.join("\r\n")}\r\n`;
}

type Api = (method: string, path: string, body?: unknown) => Promise<Record<string, unknown>>;

function apiOf(port: number, token: string): Api {
  return async (method, path, body) => {
    const response = await fetch(`http://127.0.0.1:${port}/api${path}`, {
      method,
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const answer = await response.json();
    if (!response.ok) throw new Error(JSON.stringify(answer));
    return answer;
  };
}

/** Uploads and runs an import. Returns its seconds, from the request to run it to its end. */
async function importText(api: Api, text: string): Promise<number> {
  const { id, upload } = await api("POST", "/imports", { record_type: "contacts" });
  const { upload_url } = upload as { upload_url: string };
  const headers = { "Content-Type": "text/csv" };
  const put = await fetch(upload_url, { method: "PUT", headers, body: text });
  if (!put.ok) throw new Error(await put.text());
  await api("POST", `/imports/${id}/inspect`);
  const start = performance.now();
  await api("POST", `/imports/${id}/run`, {});
  for (;;) {
    const { state, rejected_count, error } = await api("GET", `/imports/${id}`);
    if (state !== "running") {
      if (state !== "completed" || rejected_count !== 0) throw new Error(`${state}: ${error}`);
      return (performance.now() - start) / 1_000;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function copy(sql: postgres.Sql, text: string): Promise<number> {
  await sql`create schema if not exists bench`;
  await sql`
    create unlogged table bench.copied (
      first_name text, last_name text, email text, phone text, company text, title text, notes text
    )`;
  const start = performance.now();
  const writable = await sql`copy bench.copied from stdin with (format csv, header true)`
    .writable();
  await new Promise<void>((resolve, reject) => {
    writable.on("finish", resolve).on("error", reject);
    writable.end(Buffer.from(text));
  });
  const seconds = (performance.now() - start) / 1_000;
  await sql`drop table bench.copied`;
  return seconds;
}

/** Resident memory of a process, in bytes; 0 where the system does not tell. */
async function memoryOf(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`).catch(() => "");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1_024;
}

async function main(): Promise<void> {
  const directory = await temporaryDirectory();
  await using parts = new AsyncDisposableStack();
  parts.defer(async () => {
    await removeStackData(directory);
    await Deno.remove(directory, { recursive: true });
  });
  const log = console.error;
  const stack = await startStack({ directory, durable: false, runFunction: false, log });
  parts.defer(() => stack.stop());
  const sql = postgres(stack.superuserUrl, { max: 1, onnotice: () => {} });
  parts.defer(() => sql.end());
  const tenant = await createTenant(sql, stack);
  const environment = { ...await functionEnvironment(stack), RATE_LIMIT_PER_MINUTE: "1200000" };
  const figures = await measureImports(sql, tenant, environment);
  const { rows, created, matched, copied, memory } = figures;
  const rate = (seconds: number) => `${Math.round(rows / seconds)} rows/s`;
  console.log(`new records    ${created.toFixed(1)} s, ${rate(created)}`);
  console.log(`same again     ${matched.toFixed(1)} s, ${rate(matched)}`);
  console.log(`COPY           ${copied.toFixed(2)} s, ${rate(copied)}`);
  console.log(`ratio to COPY  ${(created / copied).toFixed(0)} ×`);
  const megabytes = (bytes: number) => `${Math.round(bytes / 1e6)} MB`;
  console.log(
    `memory         ${megabytes(memory.before)} before, at most ${megabytes(memory.most)}`,
  );
}

if (import.meta.main) await main();
