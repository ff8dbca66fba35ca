/**
 * Type-checks and boots the function under the Deno that runs this file, to show that it needs
 * nothing newer than the hosted runtime:
 *
 *     npx --yes deno@2.1.14 run -A --no-config --no-lock dev/bootCheck.ts [built file]
 *
 * Also boots a file that `deno task deploy --dry-run` has built. Works in a copy without lockfile and
 * node_modules, because an old Deno may not know their formats. Imports no package for the same
 * reason. Ends with the line `N passed, N failed`.
 */

import { BOOT_ENVIRONMENT } from "./bootEnvironment.ts";

/** Old Denos trust only their own certificate authorities; a proxy has another one. */
const TRUST = { DENO_TLS_CA_STORE: Deno.env.get("DENO_TLS_CA_STORE") ?? "system,mozilla" };

const root = new URL("../", import.meta.url);
const copy = await Deno.makeTempDir({ prefix: "portico-boot-" });
const entrypoint = `${copy}/supabase/functions/api/index.ts`;

async function copyFiles(from: URL, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const entry of Deno.readDir(from)) {
    const target = `${to}/${entry.name}`;
    if (entry.isDirectory) await copyFiles(new URL(`${entry.name}/`, from), target);
    else if (entry.isFile) await Deno.copyFile(new URL(entry.name, from), target);
  }
}

async function prepareCopy(): Promise<void> {
  const { imports, compilerOptions } = JSON.parse(
    await Deno.readTextFile(new URL("deno.json", root)),
  );
  await Deno.writeTextFile(`${copy}/deno.json`, JSON.stringify({ imports, compilerOptions }));
  await copyFiles(new URL("supabase/functions/", root), `${copy}/supabase/functions`);
}

async function typesAreRight(): Promise<boolean> {
  const args = ["check", "--quiet", "--no-lock", entrypoint];
  const check = new Deno.Command(Deno.execPath(), { args, cwd: copy, env: TRUST, stdin: "null" });
  return (await check.spawn().status).success;
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return (listener.addr as Deno.NetAddr).port;
}

/** Old Denos have no variable that moves `Deno.serve` to another port. */
async function writeLauncher(port: number, module: string): Promise<string> {
  const launcher = `${copy}/launcher.ts`;
  await Deno.writeTextFile(
    launcher,
    `const serve = Deno.serve;
Deno.serve = ((handler: Deno.ServeHandler) =>
  serve({ hostname: "127.0.0.1", port: ${port} }, handler)) as typeof Deno.serve;
await import(${JSON.stringify(module)});
`,
  );
  return launcher;
}

/** Starts the function with the permissions of an edge function and asks it for its health. */
async function boots(module: string): Promise<boolean> {
  const port = freePort();
  const launcher = await writeLauncher(port, module);
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", "--no-lock", "--allow-net", "--allow-env", launcher],
    cwd: copy,
    env: { ...BOOT_ENVIRONMENT, ...TRUST },
    stdin: "null",
  }).spawn();
  let ended = false;
  child.status.then(() => ended = true);
  try {
    for (let tries = 0; tries < 300 && !ended; tries++) {
      const status = await healthStatus(port);
      if (status !== null) return status === 200;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return false;
  } finally {
    if (!ended) child.kill();
    await child.status;
  }
}

async function healthStatus(port: number): Promise<number | null> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/api/health`);
    await response.body?.cancel();
    return response.status;
  } catch {
    return null;
  }
}

try {
  await prepareCopy();
  const [built] = Deno.args;
  const checks = {
    "types": typesAreRight,
    "boot and GET /api/health": () => boots(entrypoint),
    ...(built && { "boot of the built file": () => boots(Deno.realPathSync(built)) }),
  };
  let failed = 0;
  for (const [name, check] of Object.entries(checks)) {
    const passed = await check();
    console.log(`${passed ? "ok" : "FAILED"}: ${name} under Deno ${Deno.version.deno}`);
    if (!passed) failed += 1;
  }
  console.log(`${Object.keys(checks).length - failed} passed, ${failed} failed`);
  Deno.exitCode = failed > 0 ? 1 : 0;
} finally {
  await Deno.remove(copy, { recursive: true });
}
