/**
 * `deno task test [paths] [filter]`: runs the tests in these folders and files, or all tests, on a new
 * stack with free ports. The stack's data is deleted afterwards. Ends with the line
 * `N passed, N failed`. A run of all tests fails too when they have not seen an answer that the document
 * promises: see `contractCoverage.ts`.
 *
 *     deno task test tests/api/contacts tests/list/filters_test.ts
 *     deno task test contacts.merge
 *
 * `--pooler` runs them with PgBouncer in transaction mode before the database: without paths the API's
 * own tests, and none when PgBouncer is not installed.
 */

import { join } from "@std/path";
import { collectAnswers, contractCoverage } from "./contractCoverage.ts";
import { exists } from "./files.ts";
import { isPoolerInstalled } from "./pooler.ts";
import { type Stack, startStack } from "./stack.ts";
import { removeStackData, temporaryDirectory } from "./stackData.ts";

/** The allowed origins that the tests use. */
const ALLOWED_ORIGINS = "https://app.example.com,https://*.preview.example.com";
const PARALLEL_FILES = "2";
/** Tests of pure code and of the sources, which need no stack. */
const WITHOUT_STACK = /^(\.\/)?tests\/(unit|repo)(\/|$)/;

const DOCUMENT = "client-sdk/openapi.json";

/** What `--pooler` runs without paths. */
const THROUGH_POOLER = ["tests/api", "tests/conformance", "tests/list", "tests/records"];

interface Selection {
  /** Whether the function connects through PgBouncer. */
  pooler: boolean;
  /** Folders and files; an empty list selects all tests. */
  paths: string[];
  /** Part of the tests' names. */
  filter: string;
}

/** A running stack, and the file with the answers that the tests have seen. */
interface TestedStack extends Stack {
  answersFile: string;
}

async function main(): Promise<number> {
  const selection = await readSelection(Deno.args);
  const { paths, pooler } = selection;
  if (pooler && !await isPoolerInstalled()) {
    console.log("PgBouncer is not installed. The tests through a pooler did NOT run.");
    console.log("0 passed, 0 failed");
    return 0;
  }
  const needsStack = paths.length === 0 || !paths.every((path) => WITHOUT_STACK.test(path));
  return needsStack ? await runOnStack(selection) : await runTests(selection);
}

async function runOnStack(selection: Selection): Promise<number> {
  const directory = await temporaryDirectory();
  const answersFile = join(directory, "answers.txt");
  let stack: Stack | undefined;
  try {
    stack = await startStack({
      directory,
      durable: false,
      pooler: selection.pooler,
      environment: { ENVIRONMENT: "development", ALLOWED_ORIGINS, CHECK_ANSWERS: "true" },
      log: (line) => line.endsWith("…") && console.log(line),
      functionLog: keepAnswers(answersFile),
    });
    return await runTests(selection, { ...stack, answersFile });
  } finally {
    await stack?.stop();
    await removeStackData(directory);
    await Deno.remove(directory, { recursive: true });
  }
}

/** Collects the answers of the function from its line for each request, and prints its other lines. */
function keepAnswers(file: string): (line: string) => void {
  const collect = collectAnswers(file);
  return (line) => {
    try {
      collect(JSON.parse(line));
    } catch {
      console.error(`[function] ${line}`);
    }
  };
}

/**
 * Existing paths select files. Other words are a filter on the tests' names.
 * @throws Error for a path below `tests/` that does not exist.
 */
async function readSelection(args: string[]): Promise<Selection> {
  const paths: string[] = [];
  const words: string[] = [];
  const pooler = args.includes("--pooler");
  for (const arg of args) {
    if (arg === "--pooler") continue;
    if (await exists(arg)) paths.push(arg);
    else if (/^(\.\/)?tests\//.test(arg)) throw new Error(`There is no ${arg}.`);
    else words.push(arg);
  }
  if (pooler && paths.length === 0) paths.push(...THROUGH_POOLER);
  return { pooler, paths, filter: words.join(" ") };
}

/** Runs `deno test`; returns the exit code. Types are checked by `deno task check`. */
async function runTests(selection: Selection, stack?: TestedStack): Promise<number> {
  const { paths, filter } = selection;
  const addresses = Object.entries(stack ?? {}).filter(([, value]) => typeof value === "string");
  const args = filter === "" ? [] : [`--filter=${filter}`];
  args.push(...(paths.length > 0 ? paths : ["tests/"]));
  const tests = new Deno.Command(Deno.execPath(), {
    args: ["test", "--allow-all", "--parallel", "--no-check", ...args],
    env: {
      ...(stack && { PORTICO_TEST_STACK: JSON.stringify(Object.fromEntries(addresses)) }),
      DENO_JOBS: Deno.env.get("DENO_JOBS") ?? PARALLEL_FILES,
    },
    stdin: "null",
    stdout: "piped",
  }).spawn();
  const [output, status] = await Promise.all([printAndKeep(tests.stdout), tests.status]);
  const count = countTests(output, status.success);
  if (stack && isWhole(selection)) count[await sawContract(stack) ? "passed" : "failed"]++;
  const { passed, failed } = count;
  console.log(`${passed} passed, ${failed} failed`);
  return failed > 0 ? 1 : status.code;
}

/** Whether all tests run, so that every documented answer must be seen. */
function isWhole({ paths, filter, pooler }: Selection): boolean {
  return paths.length === 0 && filter === "" && !pooler;
}

/** Prints how many documented answers the tests have seen, and the others. Returns whether all were. */
async function sawContract({ answersFile }: TestedStack): Promise<boolean> {
  const document: unknown = JSON.parse(await Deno.readTextFile(DOCUMENT));
  const { documented, missing } = await contractCoverage(document, answersFile);
  const seen = documented.length - missing.length;
  console.log(`Contract: ${seen} of ${documented.length} documented answers seen`);
  for (const name of missing) console.log(`  not seen: ${name}`);
  return missing.length === 0;
}

async function printAndKeep(stream: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    await Deno.stdout.write(new TextEncoder().encode(chunk));
    text += chunk;
  }
  return text;
}

/** Reads Deno's summary, `ok | 3 passed | 0 failed`. An incomplete run counts as a failure. */
function countTests(output: string, success: boolean): { passed: number; failed: number } {
  // deno-lint-ignore no-control-regex
  const plain = output.replace(/\x1b\[[0-9;]*m/g, "");
  const summaries = [...plain.matchAll(/^(?:ok|FAILED) \| (\d+) passed.*?\| (\d+) failed/gm)];
  const [, passed = "0", failed = "0"] = summaries.at(-1) ?? [];
  return { passed: Number(passed), failed: Math.max(Number(failed), success ? 0 : 1) };
}

if (import.meta.main) {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    if (Deno.build.os === "windows" && signal === "SIGTERM") continue;
    Deno.addSignalListener(signal, () => Deno.exit(130));
  }
  try {
    Deno.exit(await main());
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    console.log("0 passed, 1 failed");
    Deno.exit(1);
  }
}
