/**
 * The function as the Supabase CLI deploys it: one minified file, which every slug of
 * `supabase/config.toml` shares, in a folder of its own.
 */
import { dirname, fromFileUrl, join } from "@std/path";
import { parse } from "@std/toml";
import * as z from "zod";
import { bundle } from "./bundle.ts";
import { removeIfExists } from "./files.ts";
import { FUNCTION_ENTRYPOINT } from "./functionServer.ts";

const ROOT = dirname(dirname(fromFileUrl(import.meta.url)));

const configSchema = z.object({
  project_id: z.string(),
  functions: z.record(z.string(), z.object({ verify_jwt: z.boolean() })),
});

/** The result of a build. */
export interface Build {
  /** The file that is deployed. Its source map is beside it. */
  entrypoint: string;
  bytes: number;
}

/**
 * Empties a directory and builds `supabase/config.toml` and `supabase/functions/api/` into it.
 * Throws when an import cannot be resolved.
 */
export async function build(directory: string): Promise<Build> {
  await removeIfExists(directory);
  const supabase = join(directory, "supabase");
  const target = join(supabase, "functions", "api");
  await bundle({ entry: FUNCTION_ENTRYPOINT, directory: target });
  // Deno uses the nearest configuration; that of the repository does not fit the built file.
  await Deno.writeTextFile(join(target, "deno.json"), "{}\n");
  await Deno.writeTextFile(join(supabase, "config.toml"), await builtConfig());
  const entrypoint = join(target, "index.js");
  return { entrypoint, bytes: (await Deno.stat(entrypoint)).size };
}

/** The functions of `supabase/config.toml`, with the built file as their entry point. */
async function builtConfig(): Promise<string> {
  const text = await Deno.readTextFile(join(ROOT, "supabase", "config.toml"));
  const { project_id, functions } = configSchema.parse(parse(text));
  const sections = Object.entries(functions).map(([name, { verify_jwt }]) => `
[functions.${name}]
verify_jwt = ${verify_jwt}
import_map = "./functions/api/deno.json"
entrypoint = "./functions/api/index.js"
`);
  return `project_id = "${project_id}"\n${sections.join("")}`;
}
