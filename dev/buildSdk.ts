/**
 * `deno task build-sdk`: the SDK as JavaScript with its types and source maps, in
 * `client-sdk/dist`. `npm publish` and `npm pack` run it first.
 */
import { dirname, fromFileUrl, join } from "@std/path";
import ts from "typescript";
import { removeIfExists } from "./files.ts";

const SDK = join(dirname(dirname(fromFileUrl(import.meta.url))), "client-sdk");

/** Empties a directory and writes the built files to it. Throws when the sources have an error. */
export async function buildSdk(directory: string): Promise<void> {
  await removeIfExists(directory);
  const program = ts.createProgram([join(SDK, "src", "mod.ts")], {
    rootDir: join(SDK, "src"),
    outDir: directory,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ES2022,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    lib: ["lib.es2022.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts"],
    types: [],
    strict: true,
    declaration: true,
    declarationMap: true,
    sourceMap: true,
    exactOptionalPropertyTypes: true,
    // Declared fields would be in the JavaScript a second time.
    useDefineForClassFields: false,
    rewriteRelativeImportExtensions: true,
  });
  const errors = ts.getPreEmitDiagnostics(program);
  if (errors.length > 0) throw new Error(describe(errors));
  program.emit(undefined, (path, text) => {
    Deno.mkdirSync(dirname(path), { recursive: true });
    Deno.writeTextFileSync(path, text.replace(/(from "\.[^"]*)\.ts"/g, '$1.js"'));
  });
}

function describe(errors: readonly ts.Diagnostic[]): string {
  return ts.formatDiagnostics(errors, {
    getCanonicalFileName: (name) => name,
    getCurrentDirectory: () => SDK,
    getNewLine: () => "\n",
  });
}

if (import.meta.main) {
  await buildSdk(join(SDK, "dist"));
  console.log(`Built ${join(SDK, "dist")}`);
}
