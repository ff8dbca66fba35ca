/**
 * Measures an import of 50,000 contacts with matching: into an empty workspace, and the same file again,
 * against `COPY` of the file into an empty table without triggers. `deno task bench-imports [rows]`
 */
import { Buffer } from "node:buffer";
import postgres from "postgres";
import { FUNCTION_ENTRYPOINT } from "../dev/functionServer.ts";
import { startStack } from "../dev/stack.ts";
import { removeStackData, temporaryDirectory } from "../dev/stackData.ts";
import { createTenant } from "./seed.ts";

/** Rows of the file. */
export const IMPORTED = 50_000;
const COMPANIES = 2_500;
const LOOK_EVERY_MS = 100;

/** Seconds for the same file, and the memory of the function. */
interface ImportFigures {
  created: number;
  matched: number;
  copied: number;
  memory: { before: number; most: number };
}

/** Imports a file of so many rows twice on a stack of its own, and copies it. */
export async function measureImports(rows: number): Promise<ImportFigures> {
  const directory = await temporaryDirectory();
  await using parts = new AsyncDisposableStack();
  parts.defer(async () => {
    await removeStackData(directory);
    await Deno.remove(directory, { recursive: true });
  });
  const environment = { RATE_LIMIT_PER_MINUTE: "1200000" };
  const stack = await startStack({
    directory,
    durable: false,
    environment,
    log: console.error,
    functionLog: () => {},
  });
  parts.defer(() => stack.stop());
  const sql = postgres(stack.superuserUrl, { max: 1, onnotice: () => {} });
  parts.defer(() => sql.end());
  const api = apiOf(stack.apiUrl, (await createTenant(sql, stack)).token);
  const text = fileText(rows);
  await importText(api, fileText(10).replaceAll("@", "@first."));
  await using memory = watchMemory();
  const created = await importText(api, text);
  const matched = await importText(api, text);
  const copied = await copy(sql, text);
  const { before, most } = memory;
  return { created, matched, copied, memory: { before, most } };
}

function show(rows: number, { created, matched, copied, memory }: ImportFigures): void {
  const line = (name: string, seconds: number) =>
    console.log(`${name} ${seconds.toFixed(2)} s, ${Math.round(rows / seconds)} rows/s`);
  line("new records   ", created);
  line("the same again", matched);
  line("COPY          ", copied);
  console.log(`new records / COPY: ${(created / copied).toFixed(0)} ×`);
  const megabytes = (bytes: number) => `${Math.round(bytes / 1e6)} MB`;
  console.log(`memory: ${megabytes(memory.before)} before, ${megabytes(memory.most)} at most`);
}

const FIRST = "Ada,Grace,Alan,Edsger,Barbara,Donald,Frances,Ken,Radia,Tim,Margaret,Niklaus,Hedy"
  .split(
    ",",
  );
const SYLLABLES = "ba,del,fin,gor,han,kel,lan,mer,nov,ost,per,ros,sten,tur,vin,wes".split(",");

/** A last name of three syllables, of which there are 4,096. */
function lastName(row: number): string {
  const syllable = (shift: number) => SYLLABLES[(row >> shift) % SYLLABLES.length];
  return `${syllable(0)}${syllable(4)}${syllable(8)}`;
}

function fileText(rows: number): string {
  const lines = Array.from({ length: rows }, (_, row) => {
    const first = FIRST[row % FIRST.length];
    const company = row % COMPANIES;
    return [
      first,
      lastName(row),
      `${first}.${lastName(row)}.${row}@company-${company}.example`,
      `+49 30 ${1_000_000 + row}`,
      `Company ${company}`,
      "Buyer",
      `"Met at the fair, asked for ${row % 500}"`,
    ].join(",");
  });
  return `First name,Last name,Email,Phone,Company,Job title,Notes\r\n${lines.join("\r\n")}\r\n`;
}

type Api = (method: string, path: string, body?: unknown) => Promise<Record<string, unknown>>;

function apiOf(address: string, token: string): Api {
  return async (method, path, body) => {
    const response = await fetch(`${address}/functions/v1/api${path}`, {
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
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
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
  return (performance.now() - start) / 1_000;
}

/** Memory of the function's process, in bytes; 0 where the system does not tell. */
interface Memory extends AsyncDisposable {
  before: number;
  most: number;
}

function watchMemory(): Memory {
  const memory = {
    before: functionMemory(),
    most: 0,
    [Symbol.asyncDispose]: () => Promise.resolve(clearInterval(watching)),
  };
  const watching = setInterval(() => {
    memory.most = Math.max(memory.most, functionMemory());
  }, 200);
  return memory;
}

/** The function and the shell that watches it have its entry point as the last argument. */
function functionMemory(): number {
  const sizes = [...Deno.readDirSync("/proc")].map(({ name }) => {
    const argument = readText(`/proc/${name}/cmdline`).split("\0").at(-2);
    if (argument !== FUNCTION_ENTRYPOINT) return 0;
    const status = readText(`/proc/${name}/status`);
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1_024;
  });
  return Math.max(...sizes);
}

function readText(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}

if (import.meta.main) {
  const rows = Number(Deno.args[0] ?? IMPORTED);
  show(rows, await measureImports(rows));
}
