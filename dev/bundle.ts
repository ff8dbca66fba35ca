/** The function, or another module, with all that it imports as minified JavaScript, by esbuild. */
import { builtinModules } from "node:module";
import { fromFileUrl } from "@std/path";
import * as esbuild from "esbuild";
import configuration from "../deno.json" with { type: "json" };

const ROOT = fromFileUrl(new URL("../", import.meta.url));

/** What to bundle, and into what. */
export interface BundleOptions {
  /** The module to begin with. */
  entry: string;
  /** Gets `index.js` and its source map. */
  directory: string;
  /** Puts what loads on demand into files of its own, instead of one file for all. */
  parts?: boolean;
}

/** Writes the bundle and returns what is in it. Throws when an import leads nowhere. */
export async function bundle(options: BundleOptions): Promise<esbuild.Metafile> {
  try {
    const { metafile } = await esbuild.build({
      entryPoints: { index: options.entry },
      outdir: options.directory,
      bundle: true,
      minify: true,
      splitting: options.parts ?? false,
      sourcemap: "external",
      metafile: true,
      format: "esm",
      platform: "node",
      // Modules of which unused parts can be left out, where a package offers them.
      mainFields: ["module", "main"],
      target: "es2022",
      absWorkingDir: ROOT,
      alias: packageNames(),
      plugins: [lazyBuiltins],
      logLevel: "error",
    });
    return metafile;
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

/**
 * Node's modules take longer to load than the function itself. They load by `await import`, with the
 * package that uses them, which itself loads on demand.
 */
const lazyBuiltins: esbuild.Plugin = {
  name: "lazy-builtins",
  setup(build) {
    const names = builtinModules.map((name) => name.replace("/", "\\/")).join("|");
    build.onResolve({ filter: new RegExp(`^(node:)?(${names})$`) }, ({ path, kind }) => {
      const name = `node:${path.replace(/^node:/, "")}`;
      return kind === "dynamic-import"
        ? { path: name, external: true }
        : { path: name, namespace: "builtin" };
    });
    build.onLoad({ filter: /.*/, namespace: "builtin" }, async ({ path }) => ({
      contents: await builtinModule(path),
    }));
  },
};

/** A module with the exports of one of Node's; those that nobody uses are left out of the bundle. */
async function builtinModule(name: string): Promise<string> {
  const exported: object = await import(name);
  const lines = Object.keys(exported).map((key) => {
    const value = `/* @__PURE__ */ (() => builtin.${key})()`;
    return key === "default" ? `export default ${value};` : `export const ${key} = ${value};`;
  });
  return [`const builtin = await import(${JSON.stringify(name)});`, ...lines].join("\n");
}
