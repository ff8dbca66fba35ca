/** The table of scopes in docs/keys.md is that of the operations. */
import { assertEquals } from "@std/assert";
import { SCOPES } from "../../supabase/functions/api/scopes.ts";
import { readFile } from "../support/sourceFiles.ts";

Deno.test("docs/keys.md shows every scope", async () => {
  const rows = [
    ...(await readFile("docs/keys.md")).matchAll(/^\| `(\w+)` +\| (yes)? +\| (yes)? +\|$/gm),
  ];
  const shown = rows.flatMap(([, group, read, write]) => [
    ...(read ? [`${group}:read`] : []),
    ...(write ? [`${group}:write`] : []),
  ]);
  assertEquals(shown, [...SCOPES]);
});
