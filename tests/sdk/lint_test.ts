/** The npm package, as its linters and the newest TypeScript see it. */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { findCommand, installPackage, writeTypesProgram } from "./builtPackage.ts";
import { runTool } from "./npmTools.ts";

const ignore = await findCommand("npx") === undefined;
const notRun = ignore ? ": not run, there is no npx" : "";

Deno.test({
  name: `sdk: publint finds nothing in the package${notRun}`,
  ignore,
  async fn() {
    await using installation = await installPackage();
    const { success, output } = await runTool("publint", ["--strict"], installation.home);
    assert(success && output.includes("All good"), output);
  },
});

Deno.test({
  name: `sdk: attw finds nothing in the package, for every resolution${notRun}`,
  ignore,
  async fn() {
    await using installation = await installPackage();
    const packed = await runTool("npm", ["pack", "--ignore-scripts"], installation.home);
    assert(packed.success, packed.output);
    const args = ["portico-client-0.1.0.tgz", "--no-emoji", "--format", "ascii"];
    const { success, output } = await runTool("attw", args, installation.home);
    assert(success && output.includes("No problems found"), output);
  },
});

for (const exact of [true, false]) {
  Deno.test({
    name:
      `sdk: its types compile in the newest TypeScript, exactOptionalPropertyTypes ${exact}${notRun}`,
    ignore,
    async fn() {
      await using installation = await installPackage();
      await writeTypesProgram(installation.directory);
      const compilerOptions = {
        target: "es2022",
        module: "nodenext",
        lib: ["es2022", "dom", "dom.iterable"],
        types: [],
        strict: true,
        skipLibCheck: false,
        noEmit: true,
        noUncheckedIndexedAccess: true,
        exactOptionalPropertyTypes: exact,
      };
      const configuration = join(installation.directory, "tsconfig.json");
      await Deno.writeTextFile(
        configuration,
        JSON.stringify({ compilerOptions, include: ["*.ts"] }),
      );
      const { output, success } = await runTool("tsc", ["-p", "."], installation.directory);
      assertEquals([success, output.replace(/^npm warn.*\n/gm, "")], [true, ""]);
    },
  });
}
