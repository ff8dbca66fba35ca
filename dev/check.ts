/**
 * `deno task check`: checks format, lint, types, that the generated files are up to date, and
 * that the document breaks no client of the last release.
 * Runs all checks and ends with the line `N passed, N failed`.
 */

import { dirname, fromFileUrl, join } from "@std/path";
import { exists } from "./files.ts";

const ROOT = dirname(dirname(fromFileUrl(import.meta.url)));

const CHECKS: Record<string, string[]> = {
  "format": ["fmt", "--check"],
  "lint": ["lint"],
  "types": ["check", "."],
};
if (await exists(join(ROOT, ".git"))) {
  CHECKS["contract of the last release"] = ["run", "--allow-all", "dev/contractBreaks.ts"];
}
if (await exists(join(ROOT, "dev", "generate.ts"))) {
  CHECKS["generated files"] = ["run", "--allow-all", "dev/generate.ts", "--check"];
}

let failed = 0;
for (const [name, args] of Object.entries(CHECKS)) {
  const command = new Deno.Command(Deno.execPath(), { args, cwd: ROOT, stdin: "null" });
  const { success } = await command.spawn().status;
  console.log(`${success ? "ok" : "FAILED"}: ${name}`);
  if (!success) failed += 1;
}
console.log(`${Object.keys(CHECKS).length - failed} passed, ${failed} failed`);
Deno.exit(failed > 0 ? 1 : 0);
