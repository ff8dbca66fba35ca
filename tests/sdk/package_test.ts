/** The npm package: its files, and its types in the oldest and the pinned TypeScript. */
import { assertEquals, assertLess, assertMatch } from "@std/assert";
import * as esbuild from "esbuild";
import ts from "typescript";
import oldest from "typescript-oldest";
import { installPackage, missingFiles, writeTypesPrograms } from "./builtPackage.ts";

/** Entry of the package → its maximum size. */
const MAXIMUM_SIZES = {
  "@portico/client": 5_120,
  "@portico/client/react-query": 3_072,
  "@portico/client/react-admin": 4_096,
};

Deno.test("sdk: the package has all files that it names, and its README links to nothing outside", async () => {
  await using installation = await installPackage();
  assertEquals(await missingFiles(installation.home), []);
  const readme = await Deno.readTextFile("client-sdk/README.md");
  const links = [...readme.matchAll(/\]\(([^)]*)\)/g)].map(([, target]) => target ?? "");
  for (const link of links) assertMatch(link, /^(https:\/\/|#)/);
  assertEquals(await Deno.readTextFile("client-sdk/LICENSE"), await Deno.readTextFile("LICENSE"));
});

/** The compilers differ in parts that are not used here. */
const compilers = { "5.4": oldest as unknown as typeof ts, pinned: ts };

for (const [name, compiler] of Object.entries(compilers)) {
  for (const exactOptionalPropertyTypes of [true, false]) {
    Deno.test(`sdk: its types compile in the ${name} TypeScript, exactOptionalPropertyTypes ${exactOptionalPropertyTypes}`, async () => {
      await using installation = await installPackage();
      const programs = await writeTypesPrograms(installation.directory);
      assertEquals(errorsOf(compiler, programs, exactOptionalPropertyTypes), []);
    });
  }
}

function errorsOf(compiler: typeof ts, files: string[], exactOptionalPropertyTypes: boolean) {
  const program = compiler.createProgram(files, {
    target: compiler.ScriptTarget.ES2022,
    module: compiler.ModuleKind.NodeNext,
    moduleResolution: compiler.ModuleResolutionKind.NodeNext,
    lib: ["lib.es2022.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts"],
    types: [],
    strict: true,
    skipLibCheck: false,
    noEmit: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes,
  });
  return compiler.getPreEmitDiagnostics(program).map(({ messageText, file, start }) => {
    const line = file?.getLineAndCharacterOfPosition(start ?? 0).line ?? 0;
    const text = compiler.flattenDiagnosticMessageText(messageText, "\n");
    return `${file?.fileName}:${line + 1} ${text}`;
  });
}

for (const [name, maximum] of Object.entries(MAXIMUM_SIZES)) {
  Deno.test(`sdk: ${name} has at most ${maximum} bytes, minified and compressed`, async () => {
    await using installation = await installPackage();
    const { outputFiles } = await esbuild.build({
      stdin: { contents: `export * from "${name}";`, resolveDir: installation.directory },
      bundle: true,
      minify: true,
      write: false,
      format: "esm",
      target: "es2022",
    });
    await esbuild.stop();
    const stream = new Blob(outputFiles.map(({ text }) => text)).stream()
      .pipeThrough(new CompressionStream("gzip"));
    const size = (await new Response(stream).bytes()).length;
    assertLess(size, maximum);
  });
}
