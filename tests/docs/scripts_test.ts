/** The types of the scripts that the site runs in browsers, which `deno check` does not know. */
import { assertEquals } from "@std/assert";
import ts from "typescript";

Deno.test("docs: the scripts of the site have correct types", () => {
  const files = ["site", "api", "theme"].map((name) => `dev/docs/browser/${name}.js`);
  const program = ts.createProgram(files, {
    allowJs: true,
    checkJs: true,
    noEmit: true,
    strict: true,
    noUncheckedIndexedAccess: true,
    allowImportingTsExtensions: true,
    skipLibCheck: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    lib: ["lib.es2023.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts"],
    types: [],
  });
  const errors = ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
    const line = file && start !== undefined
      ? ts.getLineAndCharacterOfPosition(file, start).line + 1
      : 0;
    return `${file?.fileName}:${line} ${ts.flattenDiagnosticMessageText(messageText, "\n")}`;
  });
  assertEquals(errors, []);
});
