/** Supabase's own security and performance lints, through its CLI. */
import { assertEquals, assertGreater } from "@std/assert";
import * as z from "zod";
import { supabase } from "../../dev/supabaseCli.ts";
import { test } from "../support/workspace.ts";

const stack = z.object({ databaseUrl: z.string() })
  .parse(JSON.parse(Deno.env.get("PORTICO_TEST_STACK") ?? "{}"));

const adviceSchema = z.object({
  results: z.array(z.object({ name: z.string(), level: z.string(), detail: z.string() })),
});

test("supabase db advisors reports only indexes that a new database does not use yet", async () => {
  const { stdout } = await supabase([
    "db",
    "advisors",
    `--remote=${stack.databaseUrl}?sslmode=disable`,
    "--type=all",
    "--level=info",
    "--output-format=json",
  ], { quiet: true });
  const { results } = adviceSchema.parse(JSON.parse(stdout));
  const findings = results.filter(({ name, level }) => level !== "INFO" || name !== "unused_index");
  assertEquals(findings, []);
  // Proves that the lints ran: a new database has used few indexes yet.
  assertGreater(results.length, 0);
});
