/** The npm package as `npm publish` makes it, installed in a temporary directory. */
import { join } from "@std/path";
import { buildSdk } from "../../dev/buildSdk.ts";
import { exists } from "../../dev/files.ts";

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

/** Installs the package, with the files that `package.json` names. */
export async function installPackage(): Promise<Installation> {
  const directory = await Deno.makeTempDir();
  const home = join(directory, "node_modules", "@portico", "client");
  build ??= builtPackage();
  await copyDirectory(await build, join(home, "dist"));
  for (const name of ["package.json", "LICENSE", "README.md", "openapi.json"]) {
    await Deno.copyFile(join("client-sdk", name), join(home, name));
  }
  await copyDirectory(join("client-sdk", "src"), join(home, "src"));
  await Deno.writeTextFile(join(directory, "package.json"), '{ "type": "module" }');
  return {
    directory,
    home,
    [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }),
  };
}

async function copyDirectory(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copyDirectory(join(from, name), join(to, name));
    else await Deno.copyFile(join(from, name), join(to, name));
  }
}

/** Writes `program.ts`, which has the tests of the types and imports the installed package. */
export async function writeTypesProgram(directory: string): Promise<string> {
  const program = join(directory, "program.ts");
  const tests = await Deno.readTextFile("tests/sdk/types_test.ts");
  await Deno.writeTextFile(
    program,
    tests.replaceAll("../../client-sdk/src/mod.ts", "@portico/client"),
  );
  return program;
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
