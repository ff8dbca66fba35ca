/**
 * `deno task bench-scale [--write] [--sizes=10000,100000,1000000]`: measures the same requests in
 * workspaces of different sizes in one database, on a new stack. `--write` also writes docs/scale.md
 * and bench/queries.md. The full run takes about ten minutes and 4 GB of disk.
 */

import { fromFileUrl } from "@std/path";
import postgres from "postgres";
import { functionEnvironment } from "../dev/functionEnvironment.ts";
import { type Stack, startStack } from "../dev/stack.ts";
import { removeStackData, temporaryDirectory } from "../dev/stackData.ts";
import { type Examples, explainLists } from "./explain.ts";
import { measureExport } from "./scaleExport.ts";
import { measureInserts } from "./scaleInserts.ts";
import { queriesPage, type Row, type ScaleFindings, scalePage, scaleTable } from "./scaleReport.ts";
import { measureInTurn, requestsAround, targetOf } from "./scaleRequests.ts";
import { seedScale } from "./scaleSeed.ts";
import { createTenant, type Tenant } from "./seed.ts";
import { type Server, startServer } from "./server.ts";

const SIZES = [10_000, 100_000, 1_000_000];
const ROUNDS = 5;
const MILLISECONDS = 400;

/** A seeded workspace, and values for requests. */
interface Workspace {
  size: number;
  tenant: Tenant;
  middle: string;
  examples: Examples;
}

async function main(): Promise<void> {
  const sizes = requestedSizes();
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
  const { workspaces, seconds } = await seed(sql, stack, sizes);
  await using server = await startServer("../supabase/functions/api/index.ts", {
    ...await functionEnvironment(stack),
    DATABASE_CONNECTIONS: "2",
    // High enough to refuse no request. The rate limiter itself runs.
    RATE_LIMIT_PER_MINUTE: "1200000",
  });
  const measured = await measure(server, workspaces, seconds);
  console.error("Inserting …");
  const inserts = await measureInserts(stack.superuserUrl, (workspaces[0] ?? fail()).tenant);
  const findings = { ...measured, inserts };
  console.log(scaleTable(findings));
  const explained = await explain(stack, workspaces);
  if (Deno.args.includes("--write")) {
    await writePage("docs/scale.md", scalePage(findings));
    await writePage("bench/queries.md", queriesPage(explained, sizes.at(-1) ?? 0));
  } else console.log(queriesPage(explained, sizes.at(-1) ?? 0));
}

function requestedSizes(): number[] {
  const written = Deno.args.find((argument) => argument.startsWith("--sizes="))?.slice(8);
  const sizes = written?.split(",").map(Number) ?? SIZES;
  if (sizes.every((size) => Number.isSafeInteger(size) && size >= 1_000 && size % 100 === 0)) {
    return sizes.sort((a, b) => a - b);
  }
  console.error(
    "--sizes takes numbers of contacts, separated by commas. Each must be a multiple of 100, at least 1,000.",
  );
  Deno.exit(2);
}

async function seed(
  sql: postgres.Sql,
  stack: Stack,
  sizes: number[],
): Promise<{ workspaces: Workspace[]; seconds: number }> {
  const tenants = new Map<number, Tenant>();
  for (const size of sizes) tenants.set(size, await createTenant(sql, stack));
  console.error(`Seeding ${sizes.join(", ")} contacts …`);
  const start = performance.now();
  await seedScale(stack.superuserUrl, tenants);
  const seconds = (performance.now() - start) / 1_000;
  console.error(`Seeded within ${Math.round(seconds)} s.`);
  const workspaces: Workspace[] = [];
  for (const [size, tenant] of tenants) workspaces.push(await inspect(sql, size, tenant));
  return { workspaces, seconds };
}

/** Reads values for requests from the middle of a workspace. */
async function inspect(sql: postgres.Sql, size: number, tenant: Tenant): Promise<Workspace> {
  const [row] = await sql<(Examples & { middle: string })[]>`
    select
      c.id::integer as "contactId",
      c.company_id::integer as "companyId",
      (c.email_jsonb #>> '{0,email}') as email,
      c.last_seen::text as middle,
      (select min(id)::integer from public.deals where workspace_id = c.workspace_id) as "dealId",
      (select min(id)::integer from public.tags where workspace_id = c.workspace_id) as "tagId"
    from public.contacts c
    where c.workspace_id = ${tenant.workspaceId}
    order by c.id
    offset ${size / 2} limit 1`;
  if (!row) throw new Error("The workspace is empty");
  const { middle, ...examples } = row;
  return { size, tenant, middle, examples };
}

async function measure(
  server: Server,
  workspaces: Workspace[],
  seedSeconds: number,
): Promise<Omit<ScaleFindings, "inserts">> {
  const rows: Row[] = [];
  const of = ({ middle, examples }: Workspace) => requestsAround(middle, examples);
  for (const [index, request] of of(workspaces[0] ?? fail()).entries()) {
    console.error(`Measuring ${request.name} …`);
    const targets = await Promise.all(
      workspaces.map((workspace) =>
        targetOf(of(workspace)[index] ?? request, server.port, workspace.tenant)
      ),
    );
    rows.push({ request, latencies: await measureInTurn(targets, ROUNDS, MILLISECONDS) });
    console.error(
      rows.at(-1)?.latencies.map(({ p50, p99 }) => `${p50.toFixed(2)} / ${p99.toFixed(2)} ms`),
    );
  }
  const exports = [];
  for (const { tenant, size } of workspaces) {
    console.error(`Exporting ${size} contacts …`);
    exports.push(await measureExport(server, tenant, size));
  }
  const sizes = workspaces.map(({ size }) => size);
  return { sizes, rows, exports, seedSeconds, loadAverage: Deno.loadavg()[0] ?? NaN };
}

function fail(): never {
  throw new Error("No sizes");
}

async function explain(stack: Stack, workspaces: Workspace[]) {
  console.error("Explaining …");
  const { tenant, examples } = workspaces.at(-1) ?? fail();
  return await explainLists(stack.superuserUrl, tenant, examples);
}

async function writePage(path: string, text: string): Promise<void> {
  const file = fromFileUrl(new URL(`../${path}`, import.meta.url));
  await Deno.writeTextFile(file, text);
  await new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", file] }).output();
}

if (import.meta.main) {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    if (Deno.build.os === "windows" && signal === "SIGTERM") continue;
    Deno.addSignalListener(signal, () => Deno.exit(130));
  }
  await main();
}
