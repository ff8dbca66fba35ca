/** Starts the measured servers: one Deno process each, with the permissions of an edge function. */

import { fromFileUrl } from "@std/path";
import { claimPort, isListening, waitUntil } from "../dev/process.ts";

export interface Server extends AsyncDisposable {
  port: number;
  pid: number;
}

/** Environment variables that Deno itself needs. */
const RUNTIME_VARIABLES = ["DENO_DIR", "HOME", "PATH"];
const START_WITHIN_MS = 30_000;

/**
 * Runs a module that calls `Deno.serve` on a free port, and resolves when it listens. Its output is
 * discarded, because reading it would cost processor time.
 */
export async function startServer(
  module: string,
  environment: Record<string, string>,
): Promise<Server> {
  const port = claimPort(0, "server", "--port");
  const child = spawnServer(fromFileUrl(new URL(module, import.meta.url)), port, environment);
  const stop = async () => {
    child.kill("SIGTERM");
    await child.status;
  };
  if (!await waitUntil(() => isListening(port), START_WITHIN_MS)) {
    await stop();
    throw new Error(`${module} did not come up`);
  }
  return { port, pid: child.pid, [Symbol.asyncDispose]: stop };
}

/** Starts the process. The caller stops it. */
export function spawnServer(
  file: string,
  port: number,
  environment: Record<string, string>,
  flags: string[] = [],
): Deno.ChildProcess {
  const runtime = RUNTIME_VARIABLES.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", "--allow-net", "--allow-env", ...flags, file],
    clearEnv: true,
    env: {
      ...Object.fromEntries(runtime),
      ...environment,
      DENO_SERVE_ADDRESS: `tcp:127.0.0.1:${port}`,
    },
    stdin: "null",
    stdout: "null",
    stderr: "inherit",
  }).spawn();
}
