/** The npm package as `npm publish` makes it, installed in a temporary directory. */
import { join } from "@std/path";
import { buildSdk } from "../../dev/buildSdk.ts";
import { exists } from "../../dev/files.ts";
import { runTool } from "./npmTools.ts";

/** A directory whose `node_modules` has the package. It is removed on disposal. */
export interface Installation extends AsyncDisposable {
  directory: string;
  /** The directory of the package. */
  home: string;
}

let build: Promise<string> | undefined;

/** Builds the package once for all tests of a file. */
async function builtPackage(): Promise<string> {
  const directory = await Deno.makeTempDir();
  addEventListener("unload", () => Deno.removeSync(directory, { recursive: true }));
  await buildSdk(directory);
  return directory;
}

/** Installs the package, with the files that `package.json` names, beside other packages of npm. */
export async function installPackage(others: string[] = []): Promise<Installation> {
  const directory = await Deno.makeTempDir();
  await Deno.writeTextFile(join(directory, "package.json"), '{ "type": "module" }');
  if (others.length > 0) await installFromNpm(directory, others);
  const home = join(directory, "node_modules", "@portico", "client");
  build ??= builtPackage();
  await copyDirectory(await build, join(home, "dist"));
  for (const name of ["package.json", "LICENSE", "README.md", "openapi.json"]) {
    await Deno.copyFile(join("client-sdk", name), join(home, name));
  }
  await copyDirectory(join("client-sdk", "src"), join(home, "src"));
  return {
    directory,
    home,
    [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }),
  };
}

async function installFromNpm(directory: string, packages: string[]): Promise<void> {
  const args = ["install", "--no-audit", "--no-fund", "--no-package-lock", ...packages];
  const { success, output } = await runTool("npm", args, directory);
  if (!success) throw new Error(output);
}

async function copyDirectory(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copyDirectory(join(from, name), join(to, name));
    else await Deno.copyFile(join(from, name), join(to, name));
  }
}

/** Files with tests of the types. */
const TYPES = ["types_test", "queryTypes_test"];
/** Entry → its name in programs. */
const NAMES = { mod: "@portico/client", reactQuery: "@portico/client/react-query" };

/**
 * Writes the tests of the types as programs that import the installed package. Returns their files.
 * The libraries of the bindings are linked.
 */
export async function writeTypesPrograms(directory: string): Promise<string[]> {
  const tanstack = join(directory, "node_modules", "@tanstack");
  await Deno.mkdir(tanstack);
  const library = await Deno.realPath(join("node_modules", "@tanstack", "query-core"));
  await Deno.symlink(library, join(tanstack, "query-core"));
  return await Promise.all(
    TYPES.map(async (name) => {
      const text = await Deno.readTextFile(join("tests", "sdk", `${name}.ts`));
      const program = join(directory, `${name}.ts`);
      await Deno.writeTextFile(
        program,
        Object.entries(NAMES).reduce(
          (text, [file, entry]) => text.replaceAll(`../../client-sdk/src/${file}.ts`, entry),
          text,
        ),
      );
      return program;
    }),
  );
}

/** Returns the first of these commands that the machine has. */
export async function findCommand(...names: string[]): Promise<string | undefined> {
  const directories = (Deno.env.get("PATH") ?? "").split(":");
  for (const name of names) {
    for (const directory of directories) {
      if (await exists(join(directory, name))) return join(directory, name);
    }
  }
  return undefined;
}

/** Files of the package that a source map or the manifest names. */
export async function missingFiles(home: string): Promise<string[]> {
  const missing: string[] = [];
  for await (const { name } of Deno.readDir(join(home, "dist"))) {
    if (!name.endsWith(".js") && !name.endsWith(".d.ts")) continue;
    if (!await exists(join(home, "dist", `${name}.map`))) missing.push(`${name}.map`);
  }
  const { exports, main, module, types } = JSON.parse(
    await Deno.readTextFile(join(home, "package.json")),
  );
  for (const target of [main, module, types, ...targetsOf(exports)]) {
    if (!await exists(join(home, target))) missing.push(target);
  }
  return missing;
}

/** The files of `exports`, below conditions of any depth. */
function targetsOf(entry: unknown): string[] {
  return typeof entry === "string" ? [entry] : Object.values(Object(entry)).flatMap(targetsOf);
}
