/**
 * `deno task bench-load [--write] [--seconds=60]`: a mixed day from 16, 64 and 256 connections, half of
 * them of one greedy workspace, on a new stack whose data is deleted afterwards. Prints a table.
 * `--write` also writes docs/load.md.
 */

import { fromFileUrl } from "@std/path";
import postgres from "postgres";
import { parseOptions } from "../dev/arguments.ts";
import { functionEnvironment } from "../dev/functionEnvironment.ts";
import { startStack } from "../dev/stack.ts";
import { removeStackData, temporaryDirectory } from "../dev/stackData.ts";
import { type Day, type Round, runRound } from "./dayLoad.ts";
import { dayPage, dayTable } from "./dayReport.ts";
import { createTenant, seedContacts } from "./seed.ts";
import { type Server, startServer } from "./server.ts";

const CONTACTS = 5_000;
const OTHER_WORKSPACES = 8;
const CONNECTIONS = [16, 64, 256];

async function main(): Promise<void> {
  const options = parseOptions(Deno.args, { seconds: "length of a round" }, {
    write: "write docs/load.md",
  });
  const seconds = Number(options.seconds ?? 60);
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
  const seeded = async () => {
    const tenant = await createTenant(sql, stack);
    await seedContacts(sql, tenant, CONTACTS);
    return tenant;
  };
  console.error("Seeding …");
  const day = { greedy: await seeded(), quiet: await seeded(), others: [await seeded()] };
  while (day.others.length < OTHER_WORKSPACES) day.others.push(await seeded());
  const environment = { ...await functionEnvironment(stack), RATE_LIMIT_PER_MINUTE: "0" };
  await using server = await startServer("../supabase/functions/api/index.ts", environment);
  const rounds = await measure(server, day, seconds * 1_000);
  console.log(dayTable(rounds));
  if (options.write) await writePage(rounds, seconds);
}

async function measure(server: Server, day: Day, milliseconds: number): Promise<Round[]> {
  const rounds: Round[] = [];
  const run = async (connections: number, slow = false) => {
    console.error(`${connections} connections${slow ? ", 100 slow" : ""} …`);
    rounds.push(await runRound(server, day, { connections, slow, milliseconds }));
  };
  // The first round warms up.
  await runRound(server, day, { connections: 16, milliseconds: 5_000 });
  await run(0);
  for (const connections of CONNECTIONS) await run(connections);
  await run(64, true);
  return rounds;
}

async function writePage(rounds: Round[], seconds: number): Promise<void> {
  const file = fromFileUrl(new URL("../docs/load.md", import.meta.url));
  await Deno.writeTextFile(file, dayPage(rounds, seconds));
  await new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", file] }).output();
}

if (import.meta.main) {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    if (Deno.build.os === "windows" && signal === "SIGTERM") continue;
    Deno.addSignalListener(signal, () => Deno.exit(130));
  }
  await main();
}
