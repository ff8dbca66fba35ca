/**
 * `deno task build-sdk`: the SDK as JavaScript with its types and source maps, in
 * `client-sdk/dist`, as ES modules and below `cjs` as CommonJS. `npm publish` and `npm pack` run it
 * first.
 */
import { dirname, fromFileUrl, join, relative } from "@std/path";
import ts from "typescript";
import { removeIfExists } from "./files.ts";

const SDK = join(dirname(dirname(fromFileUrl(import.meta.url))), "client-sdk");
const SOURCES = join(SDK, "src");

/** The entries of `exports` in `package.json`. */
const ENTRIES = ["mod.ts", "reactQuery.ts", "reactAdmin.ts"];

/** Empties a directory and writes the built files to it. Throws when the sources have an error. */
export async function buildSdk(directory: string): Promise<void> {
  await removeIfExists(directory);
  const options = optionsOf(directory);
  const program = ts.createProgram(ENTRIES.map((entry) => join(SOURCES, entry)), options);
  const errors = ts.getPreEmitDiagnostics(program);
  if (errors.length > 0) throw new Error(describe(errors));
  const commonJs = join(directory, "cjs");
  program.emit(undefined, (path, text) => {
    const written = text.replace(/(from "\.[^"]*)\.ts"/g, '$1.js"');
    write(path, written);
    // The declarations are the same. Their format follows from the nearest package.json.
    if (path.endsWith(".d.ts")) {
      write(join(commonJs, relative(directory, path)), withoutMap(written));
    }
  });
  for (const { fileName, text } of program.getSourceFiles().filter(isSource)) {
    writeCommonJs(commonJs, fileName, text, options);
  }
  write(join(commonJs, "package.json"), '{ "type": "commonjs" }\n');
}

function optionsOf(outDir: string): ts.CompilerOptions {
  return {
    rootDir: SOURCES,
    outDir,
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
  };
}

function isSource({ fileName }: ts.SourceFile): boolean {
  return fileName.startsWith(SOURCES);
}

/** Writes a source as CommonJS, with its source map. */
function writeCommonJs(
  directory: string,
  fileName: string,
  text: string,
  options: ts.CompilerOptions,
): void {
  const { outputText, sourceMapText = "" } = ts.transpileModule(text, {
    fileName,
    compilerOptions: { ...options, module: ts.ModuleKind.CommonJS },
  });
  const path = join(directory, relative(SOURCES, fileName).replace(/\.ts$/, ".js"));
  write(path, outputText);
  const map = { ...JSON.parse(sourceMapText), sources: [relative(dirname(path), fileName)] };
  write(`${path}.map`, JSON.stringify(map));
}

/** The maps of the declarations lead from another directory. */
function withoutMap(declarations: string): string {
  return declarations.replace(/\n\/\/# sourceMappingURL=.*/, "\n");
}

function write(path: string, text: string): void {
  Deno.mkdirSync(dirname(path), { recursive: true });
  Deno.writeTextFileSync(path, text);
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
