/**
 * Time from the start of a process to its first answer: the function and a bare Hono app, each as one
 * bundled file and from its sources. `deno run -A bench/coldStart.ts` prints it, without a stack.
 */

import { fromFileUrl, join } from "@std/path";
import { BOOT_ENVIRONMENT } from "../dev/bootEnvironment.ts";
import { bundle } from "../dev/bundle.ts";
import { claimPort } from "../dev/process.ts";
import { median } from "./load.ts";
import { figure } from "./report.ts";
import { spawnServer } from "./server.ts";

/** Medians over the rounds, in milliseconds. */
export interface Times {
  function: number;
  hono: number;
}

export interface ColdStart {
  /** One file, as `deno task deploy` builds it. */
  bundled: Times;
  sources: Times;
}

interface Candidate {
  file: string;
  environment: Record<string, string>;
  flags: string[];
  times: number[];
}

type Pair = Record<keyof Times, Candidate>;

const FUNCTION = fromFileUrl(new URL("../supabase/functions/api/index.ts", import.meta.url));
const HONO = fromFileUrl(new URL("./peers/hono.ts", import.meta.url));
const POLL_MS = 1;
const GIVE_UP_MS = 20_000;
const ROUNDS = 15;

/** Starts each in turn `rounds` times, after one start that fills the disk's cache. */
export async function coldStart(
  environment: Record<string, string>,
  rounds: number,
): Promise<ColdStart> {
  const directory = await Deno.makeTempDir({ prefix: "portico-cold-" });
  try {
    const bundled = await bundledPair(directory, environment);
    const sources: Pair = {
      function: { file: FUNCTION, environment, flags: [], times: [] },
      hono: { file: HONO, environment: {}, flags: [], times: [] },
    };
    const candidates = [bundled.function, bundled.hono, sources.function, sources.hono];
    for (let round = 0; round <= rounds; round++) {
      for (const candidate of candidates) {
        const time = await firstAnswer(candidate);
        if (round > 0) candidate.times.push(time);
      }
    }
    return { bundled: medians(bundled), sources: medians(sources) };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function bundledPair(
  directory: string,
  environment: Record<string, string>,
): Promise<Pair> {
  const candidate = async (name: string, entry: string, environment: Record<string, string>) => {
    await bundle({ entry, directory: join(directory, name) });
    const file = join(directory, name, "index.js");
    return { file, environment, flags: ["--no-config"], times: [] };
  };
  return {
    function: await candidate("function", FUNCTION, environment),
    hono: await candidate("hono", HONO, {}),
  };
}

function medians(pair: Pair): Times {
  return { function: median(pair.function.times), hono: median(pair.hono.times) };
}

async function firstAnswer({ file, environment, flags }: Candidate): Promise<number> {
  const port = claimPort(0, "server", "--port");
  const start = performance.now();
  const child = spawnServer(file, port, environment, flags);
  try {
    while (performance.now() - start < GIVE_UP_MS) {
      if (await isHealthy(port)) return performance.now() - start;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    throw new Error(`${file} gave no answer`);
  } finally {
    child.kill("SIGKILL");
    await child.status;
  }
}

async function isHealthy(port: number): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/api/health`);
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

if (import.meta.main) {
  const { bundled, sources } = await coldStart(BOOT_ENVIRONMENT, ROUNDS);
  for (const [name, times] of Object.entries({ bundled, sources })) {
    const ratio = figure(times.function / times.hono);
    console.log(`${name}: ${figure(times.function)} ms, Hono ${figure(times.hono)} ms, ${ratio} ×`);
  }
}
