/**
 * `deno task bench [--write] [--quick] [--only=requests,starts,merges,changes,imports]`: measures
 * the budgets side by side with peers, on a new stack whose data is deleted afterwards, and prints a table.
 * `--write` also writes docs/benchmarks.md.
 */

import { fromFileUrl } from "@std/path";
import postgres from "postgres";
import { functionEnvironment } from "../dev/functionEnvironment.ts";
import { type Stack, startStack } from "../dev/stack.ts";
import { removeStackData, temporaryDirectory } from "../dev/stackData.ts";
import { sizes } from "./bundle.ts";
import { captureListStatement } from "./captureStatement.ts";
import { coldStart, type Times } from "./coldStart.ts";
import type { Load } from "./load.ts";
import { measure, type Plan } from "./measure.ts";
import { measureFeed } from "./feed.ts";
import { IMPORTED, measureImports } from "./imports.ts";
import { measureLog } from "./log.ts";
import { measureMerge, type RoundTrips } from "./merge.ts";
import { figure, type Finding, page, type Setting, table } from "./report.ts";
import { createPeerView, createTenant, seedContacts, type Tenant } from "./seed.ts";
import { startServer } from "./server.ts";

const CONTACTS = 50_000;
const OTHER_WORKSPACES = 3;
const DATABASE_CONNECTIONS = "2";
/** High enough to refuse no request. The rate limiter itself runs. */
const RATE_LIMIT_PER_MINUTE = "1200000";
const FULL = { plan: { connections: 16, rounds: 7, milliseconds: 3_000 }, rounds: 15 };
const QUICK = { plan: { connections: 16, rounds: 3, milliseconds: 1_500 }, rounds: 5 };

async function main(): Promise<void> {
  const { plan, rounds } = Deno.args.includes("--quick") ? QUICK : FULL;
  const directory = await temporaryDirectory();
  await using parts = new AsyncDisposableStack();
  parts.defer(async () => {
    await removeStackData(directory);
    await Deno.remove(directory, { recursive: true });
  });
  const stack = await startStack({
    directory,
    durable: false,
    runFunction: false,
    log: console.error,
  });
  parts.defer(() => stack.stop());
  const sql = postgres(stack.superuserUrl, { max: 1, onnotice: () => {} });
  parts.defer(() => sql.end());
  const tenant = await seed(sql, stack);
  const environment = {
    ...await functionEnvironment(stack),
    DATABASE_CONNECTIONS,
    RATE_LIMIT_PER_MINUTE,
  };
  const measurements = {
    requests: () => requests(stack, tenant, environment, plan),
    starts: () => starts(environment, rounds),
    merges: () => merges(sql, tenant, environment, stack.databaseUrl, rounds),
    changes: () => changes(sql, tenant, environment, rounds),
    imports,
  };
  const only = Deno.args.find((argument) => argument.startsWith("--only="))?.slice(7).split(",");
  const findings: Finding[] = [];
  for (const [name, part] of Object.entries(measurements)) {
    if (only?.includes(name) ?? true) findings.push(...await part());
  }
  console.log(table(findings));
  if (Deno.args.includes("--write")) await writePage(findings, await settingOf(sql, plan));
}

async function seed(sql: postgres.Sql, stack: Stack): Promise<Tenant> {
  console.error(`Seeding ${CONTACTS} contacts …`);
  for (let other = 0; other < OTHER_WORKSPACES; other++) {
    await seedContacts(sql, await createTenant(sql, stack), CONTACTS / 25);
  }
  const tenant = await createTenant(sql, stack);
  await seedContacts(sql, tenant, CONTACTS);
  await createPeerView(sql, tenant);
  return tenant;
}

async function requests(
  stack: Stack,
  tenant: Tenant,
  environment: Record<string, string>,
  plan: Plan,
): Promise<Finding[]> {
  console.error("Measuring requests per second …");
  await using product = await startServer("../supabase/functions/api/index.ts", environment);
  await using chain = await startServer("./peers/chain.ts", environment);
  await using hono = await startServer("./peers/hono.ts", {});
  await using bare = await startServer("./peers/bare.ts", {
    DATABASE_URL: stack.databaseUrl,
    DATABASE_CONNECTIONS,
    STATEMENT: await captureListStatement(stack.databaseUrl, "bench.contacts"),
  });
  await using supabaseJs = await startServer("./peers/supabaseJs.ts", {
    SUPABASE_URL: stack.apiUrl,
    PUBLISHABLE_KEY: stack.publishableKey,
    JWT_SECRET: stack.jwtSecret,
  });
  const headers = { Authorization: `Bearer ${tenant.token}` };
  const loads = await measure({
    list: { port: product.port, path: "/api/contacts", headers },
    bare: { port: bare.port, path: "/", headers },
    supabaseJs: { port: supabaseJs.port, path: "/", headers },
    member: { port: chain.port, path: "/api/member", headers },
    anyone: { port: chain.port, path: "/api/anyone", headers },
    hono: { port: hono.port, path: "/api/answer", headers },
  }, plan);
  return [
    compare("list of contacts / the same SQL bare", loads.list, loads.bare, 0.6),
    compare("list of contacts / supabase-js over REST", loads.list, loads.supabaseJs, 10),
    {
      ...compare(
        "route without database / the same without a token",
        loads.member,
        loads.anyone,
        0.7,
      ),
      measured: `${rate(loads.member)} / ${rate(loads.anyone)}; bare Hono ${rate(loads.hono)}`,
    },
  ];
}

function compare(what: string, ours: Load, peer: Load, atLeast: number): Finding {
  const value = ours.requestsPerSecond / peer.requestsPerSecond;
  return {
    what,
    measured: `${rate(ours)} / ${rate(peer)}`,
    value,
    budget: { atLeast },
    unit: " ×",
  };
}

function rate({ requestsPerSecond, p50 }: Load): string {
  return `${Math.round(requestsPerSecond)} requests/s (p50 ${figure(p50)} ms)`;
}

async function starts(environment: Record<string, string>, rounds: number): Promise<Finding[]> {
  console.error("Measuring cold starts …");
  const { bundled, sources } = await coldStart(environment, rounds);
  const { total, initial } = await sizes();
  return [
    compareStarts("first answer of a cold process, one bundled file / bare Hono's", bundled, 2),
    compareStarts("first answer of a cold process, from sources / bare Hono's", sources),
    {
      what: "loaded before the first request, minified",
      measured: `${kilobytes(initial)} kB`,
      value: kilobytes(initial),
      budget: { atMost: 350 },
      unit: " kB",
    },
    {
      what: "the whole function, minified",
      measured: `${kilobytes(total)} kB`,
      value: kilobytes(total),
      budget: { atMost: 600 },
      unit: " kB",
    },
  ];
}

function compareStarts(what: string, times: Times, atMost?: number): Finding {
  return {
    what,
    measured: `${figure(times.function)} ms / ${figure(times.hono)} ms`,
    value: times.function / times.hono,
    budget: atMost === undefined ? undefined : { atMost },
    unit: " ×",
  };
}

function kilobytes(bytes: number): number {
  return Math.round(bytes / 1_000);
}

async function merges(
  sql: postgres.Sql,
  tenant: Tenant,
  environment: Record<string, string>,
  databaseUrl: string,
  rounds: number,
): Promise<Finding[]> {
  console.error("Measuring merges …");
  const result = await measureMerge(sql, tenant, environment, databaseUrl, rounds);
  return [
    {
      what: "merge with 1,000 related rows / its bare statements",
      measured: `${figure(result.function)} ms / ${figure(result.bare)} ms`,
      value: result.function / result.bare,
      budget: { atMost: 3 },
      unit: " ×",
    },
    {
      what: "undo of that merge / its bare SQL function",
      measured: `${figure(result.undo)} ms / ${figure(result.bareUndo)} ms`,
      value: result.undo / result.bareUndo,
      budget: { atMost: 3 },
      unit: " ×",
    },
    {
      what: "round trips of that merge",
      measured: countsOf(result.roundTrips),
      value: result.roundTrips.merge,
      budget: { atMost: 8 },
    },
    {
      what: "round trips of that merge, without prepared statements",
      measured: countsOf(result.unprepared),
      value: result.unprepared.merge,
      budget: { atMost: 8 },
    },
  ];
}

function countsOf({ list, patch, merge, undo }: RoundTrips): string {
  return `list ${list}, patch ${patch}, merge ${merge}, its undo ${undo}`;
}

async function changes(
  sql: postgres.Sql,
  tenant: Tenant,
  environment: Record<string, string>,
  rounds: number,
): Promise<Finding[]> {
  console.error("Measuring the log of changes …");
  return [
    ...await measureLog(sql, tenant, environment, rounds),
    ...await measureFeed(sql, tenant, environment, rounds),
  ];
}

async function imports(): Promise<Finding[]> {
  console.error("Measuring imports …");
  const { created, matched, copied } = await measureImports(IMPORTED);
  return [
    importFinding("import of 50,000 new contacts / COPY", created, copied),
    importFinding("import of 50,000 contacts that exist / COPY", matched, copied),
  ];
}

function importFinding(what: string, seconds: number, copied: number): Finding {
  return {
    what,
    measured: `${figure(seconds)} s / ${figure(copied)} s, ${figure(seconds / copied)} ×`,
    value: IMPORTED / seconds,
    budget: { atLeast: 10_000 },
    unit: " rows/s",
  };
}

async function settingOf(sql: postgres.Sql, plan: Plan): Promise<Setting> {
  const [row] = await sql<{ server_version: string }[]>`show server_version`;
  return {
    date: new Date().toISOString().slice(0, 10),
    processors: navigator.hardwareConcurrency,
    versions: { Deno: Deno.version.deno, PostgreSQL: row?.server_version ?? "" },
    plan: `${plan.rounds} rounds of ${plan.milliseconds / 1_000} s after one to warm up, ` +
      `${plan.connections} connections to each server, ${DATABASE_CONNECTIONS} from each to the ` +
      `database; medians. ${CONTACTS.toLocaleString("en")} contacts in the caller's workspace. ` +
      `Load average at the end: ${figure(Deno.loadavg()[0] ?? 0)}.`,
  };
}

async function writePage(findings: Finding[], setting: Setting): Promise<void> {
  const file = fromFileUrl(new URL("../docs/benchmarks.md", import.meta.url));
  await Deno.writeTextFile(file, page(findings, setting));
  await new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", file] }).output();
}

if (import.meta.main) {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    if (Deno.build.os === "windows" && signal === "SIGTERM") continue;
    Deno.addSignalListener(signal, () => Deno.exit(130));
  }
  await main();
}
