/**
 * Size of the function, minified by esbuild: the part that loads before the first request, and all
 * parts. `deno run -A bench/bundle.ts` prints both, and the largest packages and folders.
 */
import { fromFileUrl } from "@std/path";
import type { Metafile } from "esbuild";
import { bundle } from "../dev/bundle.ts";

export interface Sizes {
  /** Bytes of all parts. */
  total: number;
  /** Bytes that load before the first request. */
  initial: number;
  /** Bytes by package or folder, the largest first. */
  origins: [name: string, bytes: number][];
}

const ENTRY = fromFileUrl(new URL("../supabase/functions/api/index.ts", import.meta.url));
const SHOWN = 12;

/** Bundles the function in parts and measures them. */
export async function sizes(): Promise<Sizes> {
  const directory = await Deno.makeTempDir({ prefix: "portico-bundle-" });
  try {
    const { outputs } = await bundle({ entry: ENTRY, directory, parts: true });
    const scripts = Object.entries(outputs).filter(([name]) => name.endsWith(".js"));
    const loaded = loadedAtStart(outputs);
    return {
      total: bytesOf(scripts),
      initial: bytesOf(scripts.filter(([name]) => loaded.has(name))),
      origins: origins(scripts.flatMap(([, { inputs }]) => Object.entries(inputs))),
    };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function bytesOf(outputs: [string, { bytes: number }][]): number {
  return outputs.reduce((sum, [, { bytes }]) => sum + bytes, 0);
}

/** The entry and its static imports, direct and indirect. */
function loadedAtStart(outputs: Metafile["outputs"]): Set<string> {
  const reached = new Set<string>();
  const visit = (name: string) => {
    if (reached.has(name)) return;
    reached.add(name);
    const imports = outputs[name]?.imports ?? [];
    for (const { path, kind } of imports) if (kind === "import-statement") visit(path);
  };
  for (const name of Object.keys(outputs)) if (name.endsWith("/index.js")) visit(name);
  return reached;
}

function origins(inputs: [string, { bytesInOutput: number }][]): Sizes["origins"] {
  const bytes = new Map<string, number>();
  for (const [path, { bytesInOutput }] of inputs) {
    const name = originOf(path);
    bytes.set(name, (bytes.get(name) ?? 0) + bytesInOutput);
  }
  return [...bytes].sort(([, left], [, right]) => right - left);
}

/** `…/node_modules/@supabase/auth-js/dist/x.js` → `@supabase/auth-js`; else the first two folders. */
function originOf(path: string): string {
  const [, installed] = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path) ?? [];
  return installed ?? path.replace("supabase/functions/", "").split("/").slice(0, 2).join("/");
}

if (import.meta.main) {
  const { total, initial, origins } = await sizes();
  console.log(`${total} bytes minified, ${initial} of them before the first request`);
  for (const [name, bytes] of origins.slice(0, SHOWN)) console.log(`${bytes}\t${name}`);
}
