/**
 * The Supabase CLI, fetched from npm on first use. It works on any database, without Docker.
 *
 * Each platform's binary is an npm package of its own; only this platform's is installed.
 */

import { exists } from "./files.ts";
import { dirname, fromFileUrl, join } from "@std/path";

const VERSION = "3.1.0";
const ROOT = dirname(dirname(fromFileUrl(import.meta.url)));

const PLATFORMS: Record<string, string> = {
  "darwin-aarch64": "darwin-arm64",
  "darwin-x86_64": "darwin-x64",
  "linux-aarch64": "linux-arm64",
  "linux-x86_64": "linux-x64",
  "windows-aarch64": "windows-arm64",
  "windows-x86_64": "windows-x64",
};

/** The output of the CLI. */
export interface CliOutput {
  stdout: string;
  stderr: string;
}

/**
 * Runs `supabase <args>` on the `supabase` folder of this repository, or of `workdir`. Returns its
 * output, and prints it unless `quiet` is set. Throws with the output when the CLI fails.
 */
export async function supabase(
  args: string[],
  options: { quiet?: boolean; workdir?: string; log?(line: string): void } = {},
): Promise<CliOutput> {
  const output = await new Deno.Command(await cliBinary(options.log), {
    args: [...args, "--yes", "--agent=no", `--workdir=${options.workdir ?? ROOT}`],
    env: { DO_NOT_TRACK: "1", SUPABASE_TELEMETRY_DISABLED: "1" },
    stdin: "null",
  }).output();
  const stdout = new TextDecoder().decode(output.stdout);
  const stderr = new TextDecoder().decode(output.stderr);
  if (!output.success) {
    throw new Error(`"supabase ${args[0]} ${args[1] ?? ""}" failed:\n${stderr}${stdout}`);
  }
  if (!options.quiet) console.log(`${stderr}${stdout}`.trimEnd());
  return { stdout, stderr };
}

/** Applies the migrations of a project that a database lacks, then its supabase/seed.sql. */
export async function pushMigrations(
  databaseUrl: string,
  workdir: string,
  log?: (line: string) => void,
): Promise<void> {
  const remote = databaseUrl.includes("?") ? databaseUrl : `${databaseUrl}?sslmode=disable`;
  await supabase(["db", "push", `--remote=${remote}`, "--include-seed"], {
    quiet: true,
    workdir,
    log,
  });
}

/** Returns the path of the CLI's binary. Installs it when it is missing. */
export async function cliBinary(log?: (line: string) => void): Promise<string> {
  const platform = PLATFORMS[`${Deno.build.os}-${Deno.build.arch}`];
  if (!platform) throw new Error(`There is no Supabase CLI for ${Deno.build.os}.`);
  const name = `@supabase/cli-${platform}`;
  const directory = join(ROOT, ".portico", `cli-${VERSION}`);
  const binary = Deno.build.os === "windows" ? "supabase.exe" : "supabase";
  const path = join(directory, "node_modules", name, "bin", binary);
  if (!await exists(path)) {
    log?.(`Downloading the Supabase CLI ${VERSION} …`);
    await install(name, directory);
  }
  return path;
}

/** Installs beside the final place and renames, so that two stacks can install at the same time. */
async function install(name: string, directory: string): Promise<void> {
  await Deno.mkdir(dirname(directory), { recursive: true });
  const unfinished = await Deno.makeTempDir({ dir: dirname(directory), prefix: "cli-" });
  try {
    const imports = { [name]: `npm:${name}@${VERSION}` };
    await Deno.writeTextFile(
      join(unfinished, "deno.json"),
      JSON.stringify({ nodeModulesDir: "auto", imports }),
    );
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["install", "--quiet"],
      cwd: unfinished,
    }).output();
    if (!success) {
      throw new Error(`The Supabase CLI did not install:\n${new TextDecoder().decode(stderr)}`);
    }
    await Deno.rename(unfinished, directory);
  } catch (error) {
    await Deno.remove(unfinished, { recursive: true });
    if (!await exists(directory)) throw error;
  }
}

/** `deno run -A dev/supabaseCli.ts <args>` runs the CLI on this terminal. */
if (import.meta.main) {
  const status = await new Deno.Command(await cliBinary(console.error), {
    args: Deno.args,
    env: { DO_NOT_TRACK: "1", SUPABASE_TELEMETRY_DISABLED: "1" },
  }).spawn().status;
  Deno.exit(status.code);
}
