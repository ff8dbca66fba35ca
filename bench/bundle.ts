/**
 * Size of the function's bundle, minified by esbuild: what loads at once, and with the parts that load
 * on demand. `deno run -A bench/bundle.ts` prints it; with `--limit=<bytes>` too large a total ends
 * with code 1, for CI.
 */

import { fromFileUrl } from "@std/path";
import * as esbuild from "esbuild";
import configuration from "../deno.json" with { type: "json" };

export interface Bundle {
  /** Bytes of all parts. */
  total: number;
  /** Bytes that load before the first request. */
  initial: number;
}

const ENTRY = fromFileUrl(new URL("../supabase/functions/api/index.ts", import.meta.url));
const ROOT = fromFileUrl(new URL("../", import.meta.url));

/** Bundles a module, by default the function, into `directory` as `index.js` and its parts. */
export async function bundle(directory: string, entry = ENTRY): Promise<Bundle> {
  try {
    const { metafile } = await esbuild.build({
      entryPoints: { index: entry },
      outdir: directory,
      bundle: true,
      minify: true,
      splitting: true,
      metafile: true,
      format: "esm",
      platform: "node",
      target: "es2022",
      absWorkingDir: ROOT,
      alias: packageNames(),
      logLevel: "error",
    });
    return sizes(metafile);
  } finally {
    await esbuild.stop();
  }
}

/** `npm:hono@4.1.2/cors` → `hono/cors`: esbuild looks packages up in node_modules. */
function packageNames(): Record<string, string> {
  const names = Object.entries(configuration.imports).map(([name, target]) => {
    const [, path = ""] = /^npm:(.*)$/.exec(target) ?? [];
    return [name, path.replace(/^((?:@[^/]+\/)?[^@/]+)@[^/]+/, "$1")];
  });
  return Object.fromEntries(names.filter(([name, target]) => name !== target));
}

function sizes({ outputs }: esbuild.Metafile): Bundle {
  const total = Object.values(outputs).reduce((sum, { bytes }) => sum + bytes, 0);
  const reached = new Set<string>();
  const visit = (name: string) => {
    if (reached.has(name)) return;
    reached.add(name);
    const imports = outputs[name]?.imports ?? [];
    for (const { path, kind } of imports) if (kind === "import-statement") visit(path);
  };
  for (const [name, { entryPoint }] of Object.entries(outputs)) {
    if (entryPoint && name.endsWith("index.js")) visit(name);
  }
  const initial = [...reached].reduce((sum, name) => sum + (outputs[name]?.bytes ?? 0), 0);
  return { total, initial };
}

if (import.meta.main) {
  const directory = await Deno.makeTempDir({ prefix: "portico-bundle-" });
  try {
    const { total, initial } = await bundle(directory);
    console.log(`${total} bytes minified, ${initial} of them before the first request`);
    const limit = Deno.args.find((argument) => argument.startsWith("--limit="))?.slice(8);
    if (limit && total > Number(limit)) Deno.exitCode = 1;
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}
