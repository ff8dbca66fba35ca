/** Bundles the function, or another module, with everything that it imports, minified by esbuild. */
import { builtinModules } from "node:module";
import { fromFileUrl } from "@std/path";
import * as esbuild from "esbuild";
import configuration from "../deno.json" with { type: "json" };

const ROOT = fromFileUrl(new URL("../", import.meta.url));

/** The entry and the target of a bundle. */
export interface BundleOptions {
  /** The entry module. */
  entry: string;
  /** The directory that `index.js` and its source map are written to. */
  directory: string;
  /** Puts parts that load on demand into separate files, instead of one file for everything. */
  parts?: boolean;
}

/** Writes the bundle and returns its contents. Throws when an import cannot be resolved. */
export async function bundle(options: BundleOptions): Promise<esbuild.Metafile> {
  try {
    const { metafile } = await esbuild.build({
      entryPoints: { index: options.entry },
      outdir: options.directory,
      bundle: true,
      minify: true,
      charset: "utf8",
      splitting: options.parts ?? false,
      sourcemap: "external",
      metafile: true,
      format: "esm",
      platform: "node",
      // esbuild can leave unused parts of ES modules out.
      mainFields: ["module", "main"],
      target: "es2022",
      absWorkingDir: ROOT,
      alias: packageNames(),
      plugins: [lazyBuiltins, unusedParts],
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
 * Node's modules take longer to load than the function itself. So they load by `await import`,
 * together with the package that uses them, which loads on demand.
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

/** Packages that do not say so, but whose unused modules can be left out. */
const WITHOUT_SIDE_EFFECTS = ["@supabase/auth-js"];

const unusedParts: esbuild.Plugin = {
  name: "unused-parts",
  setup(build) {
    const isPart = (path: string) => WITHOUT_SIDE_EFFECTS.some((name) => path.includes(name));
    build.onResolve({ filter: /^(\.|@supabase\/)/ }, async ({ path, pluginData, ...from }) => {
      if (pluginData === "resolved" || !isPart(path) && !isPart(from.importer)) return undefined;
      const options = { kind: from.kind, importer: from.importer, resolveDir: from.resolveDir };
      const resolved = await build.resolve(path, { ...options, pluginData: "resolved" });
      return { ...resolved, sideEffects: false };
    });
  },
};

/** A module with the exports of a Node module. Unused exports are left out of the bundle. */
async function builtinModule(name: string): Promise<string> {
  const exported: object = await import(name);
  const lines = Object.keys(exported).map((key) => {
    const value = `/* @__PURE__ */ (() => builtin.${key})()`;
    return key === "default" ? `export default ${value};` : `export const ${key} = ${value};`;
  });
  return [`const builtin = await import(${JSON.stringify(name)});`, ...lines].join("\n");
}
