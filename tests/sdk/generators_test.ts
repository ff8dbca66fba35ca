/** Code generators read the OpenAPI document, and what they write compiles in strict TypeScript. */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import openapiTypescript, { astToString } from "openapi-typescript";
import ts from "typescript";
import { exists } from "../../dev/files.ts";
import { findCommand } from "./builtPackage.ts";
import { runTool, type ToolResult } from "./npmTools.ts";

const DOCUMENT = await Deno.realPath(join("client-sdk", "openapi.json"));

/** Writes code to a directory. Returns undefined, or the result of its tool. */
type Generator = (directory: string) => Promise<ToolResult | undefined>;

const GENERATORS: Record<string, { file: string; generate: Generator }> = {
  "openapi-typescript": {
    file: "types.ts",
    async generate(directory) {
      const types = await openapiTypescript(await Deno.readTextFile(DOCUMENT));
      await Deno.writeTextFile(join(directory, "types.ts"), astToString(types));
      return undefined;
    },
  },
  "hey-api": {
    file: join("client", "index.ts"),
    generate: (directory) =>
      runTool("openapi-ts", ["-i", DOCUMENT, "-o", "client", "--no-log-file"], directory),
  },
  orval: {
    file: "api.ts",
    generate: (directory) =>
      runTool(
        "orval",
        ["--input", DOCUMENT, "--output", "api.ts", "--client", "fetch"],
        directory,
      ),
  },
};

const hasNpx = await findCommand("npx") !== undefined;

for (const [name, { file, generate }] of Object.entries(GENERATORS)) {
  const ignore = !hasNpx && name !== "openapi-typescript";
  Deno.test({
    name: `sdk: the code of ${name} compiles${ignore ? ": not run, there is no npx" : ""}`,
    ignore,
    async fn() {
      const directory = await Deno.makeTempDir();
      try {
        const result = await generate(directory);
        assert(await exists(join(directory, file)), result?.output);
        assertEquals(errorsOf(join(directory, file)), []);
      } finally {
        await Deno.remove(directory, { recursive: true });
      }
    },
  });
}

function errorsOf(file: string): string[] {
  const program = ts.createProgram([file], {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    lib: ["lib.es2022.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts"],
    types: [],
    strict: true,
    noUncheckedIndexedAccess: true,
    noEmit: true,
  });
  return ts.getPreEmitDiagnostics(program).map(({ messageText }) =>
    ts.flattenDiagnosticMessageText(messageText, "\n")
  );
}
