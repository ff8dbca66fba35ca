/** From starting a process to its first answer, for the bundled function and a bundled Hono app. */

import { fromFileUrl, join } from "@std/path";
import { claimPort } from "../dev/process.ts";
import { type Bundle, bundle } from "./bundle.ts";
import { median } from "./load.ts";
import { spawnServer } from "./server.ts";

/** Milliseconds, medians over the rounds. */
export interface ColdStart {
  function: number;
  hono: number;
  /** Of the function. */
  bundle: Bundle;
}

const HONO = fromFileUrl(new URL("./peers/hono.ts", import.meta.url));
const POLL_MS = 1;
const GIVE_UP_MS = 20_000;

/** Starts each in turn, once to warm the disk's cache and then `rounds` times. */
export async function coldStart(
  environment: Record<string, string>,
  rounds: number,
): Promise<ColdStart> {
  const directory = await Deno.makeTempDir({ prefix: "portico-cold-" });
  try {
    const bundles = {
      function: await bundle(join(directory, "function")),
      hono: await bundle(join(directory, "hono"), HONO),
    };
    await Deno.writeTextFile(join(directory, "package.json"), '{"type":"module"}');
    const times = { function: [] as number[], hono: [] as number[] };
    for (let round = 0; round <= rounds; round++) {
      for (const name of ["function", "hono"] as const) {
        const file = join(directory, name, "index.js");
        const time = await firstAnswer(file, name === "function" ? environment : {});
        if (round > 0) times[name].push(time);
      }
    }
    return {
      function: median(times.function),
      hono: median(times.hono),
      bundle: bundles.function,
    };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function firstAnswer(file: string, environment: Record<string, string>): Promise<number> {
  const port = claimPort(0, "server", "--port");
  const start = performance.now();
  const child = spawnServer(file, port, environment, ["--no-config"]);
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
