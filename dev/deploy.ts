/**
 * `deno task deploy [options of the Supabase CLI]`: builds the function into one minified file, checks
 * that it starts, and deploys it to the linked project, or to `--remote=<ref>`.
 * `--dry-run` deploys nothing. Ends with code 1 when a check fails.
 */
import { dirname, fromFileUrl, join } from "@std/path";
import { BOOT_ENVIRONMENT } from "./bootEnvironment.ts";
import { build } from "./build.ts";
import { exists } from "./files.ts";
import { FunctionServer } from "./functionServer.ts";
import { supabase } from "./supabaseCli.ts";

const ROOT = dirname(dirname(fromFileUrl(import.meta.url)));
const BUILD_DIRECTORY = join(ROOT, ".portico", "build");
const LARGEST_KILOBYTES = 600;

/** The result of a check, and a sentence about it. */
interface Outcome {
  passed: boolean;
  text: string;
}

async function main(args: string[]): Promise<void> {
  const { entrypoint, bytes } = await build(BUILD_DIRECTORY);
  console.log(`Built ${entrypoint}`);
  const outcomes = [checkSize(bytes), await checkBoot(entrypoint)];
  for (const { passed, text } of outcomes) console.log(`${passed ? "ok" : "FAILED"}: ${text}`);
  const failed = outcomes.filter(({ passed }) => !passed).length;
  console.log(`${outcomes.length - failed} passed, ${failed} failed`);
  if (failed > 0) Deno.exit(1);
  if (!args.includes("--dry-run")) await deploy(args);
}

function checkSize(bytes: number): Outcome {
  const kilobytes = Math.round(bytes / 1_000);
  return {
    passed: kilobytes <= LARGEST_KILOBYTES,
    text: `${kilobytes} kB, at most ${LARGEST_KILOBYTES} kB`,
  };
}

/** Starts the file with the permissions of an edge function and asks it for its health. */
async function checkBoot(entrypoint: string): Promise<Outcome> {
  const start = performance.now();
  const server = await FunctionServer.start({
    entrypoint,
    environment: BOOT_ENVIRONMENT,
    log: (line) => line.startsWith("{") || console.error(line),
  });
  try {
    const { status, body } = await server.fetch(new Request("http://localhost/api/health"));
    await body?.cancel();
    const milliseconds = Math.round(performance.now() - start);
    return {
      passed: status === 200,
      text: `GET /api/health answers ${status}, ${milliseconds} ms after the start of the process`,
    };
  } finally {
    await server.stop();
  }
}

/** The CLI finds the linked project in its working directory. */
async function deploy(args: string[]): Promise<void> {
  const linked = join(ROOT, "supabase", ".temp", "project-ref");
  if (await exists(linked)) {
    const temporary = join(BUILD_DIRECTORY, "supabase", ".temp");
    await Deno.mkdir(temporary);
    await Deno.copyFile(linked, join(temporary, "project-ref"));
  }
  const command = ["functions", "deploy", "--use-api", ...args];
  await supabase(command, { workdir: BUILD_DIRECTORY, log: console.log });
}

if (import.meta.main) {
  try {
    await main(Deno.args);
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    Deno.exit(1);
  }
}
