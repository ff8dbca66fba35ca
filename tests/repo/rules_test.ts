/**
 * The rules of the layout: imports, lengths of functions, and what the product may use. They read only
 * the sources and need no stack.
 */
import { assert, assertEquals } from "@std/assert";
import { parse } from "@std/toml";
import * as z from "zod";
import { routeOf } from "../../supabase/functions/_shared/facts.ts";
import { operations } from "../support/registry.ts";
import { ATOMIC_TABLES } from "../database/atomicSchema.ts";
import {
  functionsOf,
  type Import,
  importCycles,
  importsOf,
  wordsOf,
} from "../support/sourceCode.ts";
import { filesBelow, readFile, type SourceFile } from "../support/sourceFiles.ts";

const LONGEST_FUNCTION = 40;
const SHARED = "supabase/functions/_shared/";
/** Room of _shared → the files that other folders may import. */
const DOORS: Record<string, string[]> = {
  http: ["http/pipeline.ts"],
  database: ["database/database.ts"],
  list: ["list/list.ts"],
  records: ["records/records.ts"],
  identity: ["authentication.ts", "supabaseAdmin.ts"],
  internet: ["internet/internet.ts"],
};
/** Tables of the platform: members are rows of `sales`, so _shared may name its columns. */
const PLATFORM_TABLES = ["sales"];
/** Names of columns that are not specific to a CRM. */
const COMMON_COLUMNS = [
  ...["id", "name", "type", "text", "date", "index", "status", "size", "title", "description"],
  ...[
    "config",
    "domain",
    "category",
    "country",
    "created_at",
    "updated_at",
    "address",
    "background",
  ],
];
/** Codes that only a CRM's operations answer. */
const CRM_PROBLEMS = [
  ...["self_merge", "tag_exists", "unknown_tag", "unknown_contact", "unknown_stage"],
  ...["unknown_category", "unknown_type", "unknown_status", "unknown_contact_status"],
  ...["stage_in_use", "deal_archived", "neighbour_moved", "reassign_required"],
  ...["closing_date_required", "closing_date_not_allowed"],
];
/** Fields of the CRM's requests that are no columns. */
const CRM_FIELDS = ["loser_ids", "winner_id", "merged_ids", "winner", "losers"];
const GENERATED = [
  "examples/drizzle/schema.ts",
  "supabase/functions/_shared/schema.ts",
  "client-sdk/src/generated/",
  "client-sdk/dist/",
];
const FOLDERS = ["supabase/functions", "dev", "tests", "client-sdk", "bench", "examples"];

const all = (await Promise.all(FOLDERS.map((folder) => filesBelow(folder, [".ts"])))).flat()
  .filter(({ path }) => !GENERATED.some((generated) => path.startsWith(generated)));
const product = all.filter(({ path }) => path.startsWith("supabase/functions/"));
const shared = product.filter(({ path }) => path.startsWith(SHARED));
const api = product.filter(({ path }) => path.startsWith("supabase/functions/api/"));

/** Asserts that a rule refuses no import of these files. */
function refuseImports(
  files: SourceFile[],
  isRefused: (found: Import) => boolean,
  reason: string,
): void {
  assert(files.length > 0);
  const refused = files.flatMap(importsOf).filter(isRefused)
    .map(({ path, specifier }) => `${path} imports ${specifier}`);
  assertEquals(refused, [], reason);
}

/** Asserts that no line of these files matches the pattern. */
function refuseText(files: SourceFile[], pattern: RegExp, reason: string): void {
  assert(files.length > 0);
  const found = files.flatMap(({ path, text }) =>
    text.split("\n").flatMap((line, index) =>
      pattern.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : []
    )
  );
  assertEquals(found, [], reason);
}

Deno.test("only _shared imports hono and the database driver", () => {
  const platform = /^(hono|@hono|postgres|jose|@supabase\/[\w-]+)(\/|$)/;
  refuseImports(
    // The app builds the chain. It is the only file outside _shared that imports hono.
    api.filter(({ path }) => !path.endsWith("api/app.ts")),
    ({ specifier, typeOnly }) => platform.test(specifier) && !typeOnly,
    "An operation uses no HTTP and no driver. Its context and _shared have what it needs.",
  );
});

Deno.test("_shared imports nothing from api", () => {
  refuseImports(
    shared,
    ({ target }) => target.startsWith("supabase/functions/api/"),
    "_shared is the platform and knows no CRM. Pass values from api.",
  );
});

Deno.test("no resource imports another resource's routes", () => {
  const slice = (path: string) => /functions\/api\/([^/]+)\//.exec(path)?.[1];
  refuseImports(
    api.filter(({ path }) => slice(path) !== undefined),
    ({ path, target }) =>
      slice(target) !== undefined && slice(target) !== slice(path) &&
      /\/routes\.ts$/.test(target),
    "A resource may import another's schema and queries. Only resources.ts imports routes.",
  );
});

Deno.test("the product imports nothing of dev, tests, bench, examples or the SDK", () => {
  refuseImports(
    product,
    ({ specifier, target }) =>
      specifier.startsWith(".") && !target.startsWith("supabase/functions/"),
    "Only supabase/functions is deployed, so the import would fail on the platform.",
  );
});

Deno.test("every package is imported by its name in deno.json", async () => {
  const config = z.object({ imports: z.record(z.string(), z.string()) });
  const { imports } = config.parse(JSON.parse(await readFile("deno.json")));
  refuseImports(
    all.filter(({ path }) => !path.startsWith("client-sdk/")),
    ({ specifier }) =>
      !specifier.startsWith(".") && !specifier.startsWith("node:") &&
      // The SDK's own name, in code that a test runs under Node.
      specifier !== "@portico/client" && !(specifier in imports),
    "deno.json is the only import map. Do not write jsr:, https: or npm: addresses in code.",
  );
  const loose = Object.entries(imports).filter(([, to]) =>
    !/^npm:@?[^@]+@\d[\w.-]*(\/|$)/.test(to)
  );
  assertEquals(loose, [], "Pin the exact version of an npm package.");
});

Deno.test("the SDK imports nothing but itself", () => {
  refuseImports(
    all.filter(({ path }) => path.startsWith("client-sdk/src/")),
    ({ path, specifier }) => !specifier.startsWith(".") && !isTypeOfBinding(path, specifier),
    "The SDK has no dependencies.",
  );
});

/** Whether a binding imports its library, of which the built JavaScript has nothing. */
function isTypeOfBinding(path: string, specifier: string): boolean {
  const name = path.replace("client-sdk/src/", "");
  return ["queries.ts", "reactQuery.ts"].includes(name) && specifier === "@tanstack/query-core";
}

Deno.test("only api/index.ts reads the environment", () => {
  refuseText(
    product.filter(({ path }) => path !== "supabase/functions/api/index.ts"),
    /Deno\.env|process\.env|import\.meta\.env/,
    "Read settings by readSettings, so that tests can pass others.",
  );
});

Deno.test("the product uses nothing of Deno that the hosted runtime lacks", () => {
  refuseText(
    product,
    /Deno\.(?!(env|serve|connect|startTls|resolveDns)\b)\w+/,
    "An edge function has no files, no processes and an older Deno.",
  );
});

Deno.test("no type check is silenced", () => {
  refuseText(
    all.filter(({ path }) => !path.startsWith("tests/")),
    /no-explicit-any|@ts-(?:ignore|nocheck|expect-error)/,
    "Declare the type, or use unknown and narrow it.",
  );
});

Deno.test("tests/api has exactly one folder for each resource", () => {
  const foldersOf = (files: SourceFile[], pattern: RegExp) =>
    [...new Set(files.flatMap(({ path }) => pattern.exec(path)?.[1] ?? []))].sort();
  assertEquals(
    foldersOf(all, /^tests\/api\/([^/]+)\//),
    foldersOf(api, /functions\/api\/([^/]+)\//),
    "tests/api mirrors supabase/functions/api. Tests of all lists, records or requests are in " +
      "tests/list, tests/records, tests/http.",
  );
});

Deno.test("tests of pure code need no stack", () => {
  refuseImports(
    all.filter(({ path }) => /^tests\/(unit|repo)\//.test(path)),
    ({ target }) => /^tests\/support\/(workspace|database|app|answers|records)\.ts$/.test(target),
    "deno task test:unit starts none. Move the test, or test pure code.",
  );
});

Deno.test("no test is ignored, and none sleeps", () => {
  refuseText(
    all.filter(({ path }) => /^tests\//.test(path) && path !== "tests/repo/rules_test.ts"),
    /\bignore: true|\.(?:ignore|only)\(|\bonly: true|\bdelay\(|\bsleep\(/,
    "Every test runs, and waits for an event instead of a time.",
  );
});

Deno.test("no import cycle exists", () => {
  assertEquals(
    importCycles(all),
    [],
    "A cycle cannot be read or loaded in order. Move the common parts into a file that imports " +
      "neither side. Imports of types count too.",
  );
});

Deno.test("files outside a room of _shared import only its door", () => {
  const roomOf = (path: string) => path.startsWith(SHARED) ? path.split("/")[3] ?? "" : "";
  const doors = Object.values(DOORS).flat().map((door) => SHARED + door);
  refuseImports(
    product.filter(({ path }) => !doors.includes(path)),
    ({ path, target }) =>
      roomOf(target) in DOORS && roomOf(target) !== roomOf(path) && !doors.includes(target),
    "Files behind a door may change freely. Import the door " +
      `(${Object.values(DOORS).flat().join(", ")}); and export there what is missing.`,
  );
});

Deno.test(`no function is longer than ${LONGEST_FUNCTION} lines`, () => {
  const functions = all.filter(({ path }) => !path.startsWith("tests/")).flatMap(functionsOf);
  assert(functions.length > 0);
  assertEquals(
    functions.filter(({ lines }) => lines > LONGEST_FUNCTION)
      .map(({ place, lines }) => `${place}: ${lines}`),
    [],
    "Split it into functions with names that say its steps.",
  );
});

Deno.test("_shared names no table, column, field or problem that only the CRM has", () => {
  const tables = Object.entries(ATOMIC_TABLES).filter(([name]) => !PLATFORM_TABLES.includes(name));
  const columnsOf = (lines: string[]) => lines.map((line) => line.split(" ")[0] ?? "");
  const allowed = new Set([
    ...COMMON_COLUMNS,
    ...PLATFORM_TABLES.flatMap((name) => columnsOf(ATOMIC_TABLES[name] ?? [])),
  ]);
  const names = new Set([...CRM_PROBLEMS, ...CRM_FIELDS]);
  for (const [table, lines] of tables) {
    for (const name of [table, ...columnsOf(lines)]) if (!allowed.has(name)) names.add(name);
  }
  const found = shared.filter(({ path }) => !GENERATED.includes(path)).flatMap((file) =>
    wordsOf(file).filter(({ word }) => names.has(word))
      .map(({ word, line }) => `${file.path}:${line} ${word}`)
  );
  assertEquals(
    found,
    [],
    "_shared serves any app on Supabase. Pass the name from api, or declare it there.",
  );
});

Deno.test("no test has a default for a missing id", () => {
  refuseText(
    all.filter(({ path }) => path.startsWith("tests/") && path !== "tests/repo/rules_test.ts"),
    /[[,] *\w+ = (0|"")[\],].*\] =|(?:\bid|\.count) \?\? 0\b/,
    "It hides a failed insert. Use insertRows, exactly, only or present, which throw.",
  );
});

Deno.test("every module begins with a docstring", () => {
  const bare = all.filter(({ text }) => !/^(#!.*\n)?\/\*\*/.test(text)).map(({ path }) => path);
  assertEquals(bare, [], "It says what the module does.");
});

Deno.test("source files are camelCase, and tests end in _test.ts", () => {
  const odd = all.map(({ path }) => path.split("/").at(-1) ?? "")
    .filter((name) => !/^[a-z][A-Za-z0-9]*(\.d)?\.ts$|^[a-z][A-Za-z0-9_]*_test\.ts$/.test(name));
  assertEquals(odd, []);
});

Deno.test("migrations contain no begin and no commit, and their names begin with their time", async () => {
  const migrations = await filesBelow("supabase/migrations", [".sql"]);
  assert(migrations.length > 0);
  for (const { path, text } of migrations) {
    const statements = text.replace(/\$(\w*)\$[\s\S]*?\$\1\$/g, "").replace(/--.*$/gm, "");
    const found = /^\s*(begin|commit|rollback|start transaction)\b\s*(transaction|work)?\s*;/im
      .exec(statements);
    assertEquals(found?.[0].trim(), undefined, `${path}: the CLI runs it in a transaction.`);
    assert(/\/\d{14}_[a-z0-9_]+\.sql$/.test(path), path);
  }
  const times = migrations.map(({ path }) => /\/(\d{14})_/.exec(path)?.[1]);
  assertEquals(new Set(times).size, times.length, "Two migrations have the same time.");
});

Deno.test("config.toml names exactly the slugs of the app, with one entrypoint", async () => {
  const functionSchema = z.object({
    verify_jwt: z.literal(false),
    import_map: z.literal("../deno.json"),
    entrypoint: z.literal("./functions/api/index.ts"),
  });
  const config = z.object({ functions: z.record(z.string(), functionSchema) })
    .parse(parse(await readFile("supabase/config.toml")));
  const served = new Set(operations.map((operation) => routeOf(operation).split("/")[1] ?? ""));
  assertEquals(Object.keys(config.functions).sort(), [...served].sort());
});

Deno.test("every operation has a unique id, a unique route and a summary", () => {
  const ids = operations.map(({ id }) => id);
  assertEquals(ids.length, new Set(ids).size);
  const routes = operations.map((operation) => `${operation.method} ${routeOf(operation)}`);
  assertEquals(routes.length, new Set(routes).size);
  for (const { id, summary, path } of operations) {
    assert(/^[a-z_]+\.[a-z_]+$/.test(id), id);
    assert(/^[A-Z].*[^.]$/.test(summary), `${id}: ${summary}`);
    assert(/^\/$|^(\/(:?[a-z_]+(\.json)?))+$/.test(path), path);
  }
});

Deno.test("the guide to deployment explains every variable of .env.example", async () => {
  const guide = await readFile("docs/deploy.md");
  for (const [, name] of (await readFile(".env.example")).matchAll(/^([A-Z_]+)=/gm)) {
    assert(guide.includes(`| \`${name}\` `), name);
  }
});
