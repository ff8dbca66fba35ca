/** The built file of `deno task deploy` works like the sources. */
import { assert, assertEquals } from "@std/assert";
import { parse } from "@std/toml";
import { join } from "@std/path";
import { type Build, build } from "../../dev/build.ts";
import { functionEnvironment } from "../../dev/functionEnvironment.ts";
import { FunctionServer } from "../../dev/functionServer.ts";
import { testAddresses } from "../support/app.ts";
import { createWorkspace, test } from "../support/workspace.ts";

async function withBuild(work: (build: Build, directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "portico-build-" });
  try {
    await work(await build(directory), directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

test("deploy: the built file answers without a token, and for a member", () =>
  withBuild(async ({ entrypoint }) => {
    const { admin } = await createWorkspace();
    const created = await admin.api.post("/companies", { name: "Built" });
    const server = await FunctionServer.start({
      entrypoint,
      environment: await functionEnvironment(testAddresses()),
      log: (line) => line.startsWith("{") || console.error(line),
    });
    const get = (path: string, headers?: HeadersInit) =>
      server.fetch(new Request(`http://localhost${path}`, { headers }));
    try {
      const health = await get("/api/health");
      assertEquals(health.status, 200);
      await health.body?.cancel();
      const Authorization = `Bearer ${admin.token}`;
      const company = await get(`/api/companies/${created.body.id}`, { Authorization });
      assertEquals(await company.json(), created.body);
      const users = await get("/api/users", { Authorization });
      assertEquals((await users.json()).data.length, 1);
    } finally {
      await server.stop();
    }
  }));

test("deploy: all slugs share one file, which imports only Node's modules", () =>
  withBuild(async ({ entrypoint }, directory) => {
    const config = parse(await Deno.readTextFile(join(directory, "supabase", "config.toml")));
    const sources = parse(
      await Deno.readTextFile(new URL("../../supabase/config.toml", import.meta.url)),
    );
    assertEquals(Object.keys(Object(config.functions)), Object.keys(Object(sources.functions)));
    for (const built of Object.values(Object(config.functions))) {
      assertEquals(Object(built).entrypoint, "./functions/api/index.js");
    }
    const text = await Deno.readTextFile(entrypoint);
    const imported = [...text.matchAll(/\bimport\("([^"]+)"\)/g)].map(([, name = ""]) => name);
    assert(imported.includes("node:net"), "The driver's modules load on demand");
    assertEquals(imported.filter((name) => !name.startsWith("node:")), []);
    assertEquals(/^import\b/m.test(text), false, "Nothing loads before the file itself");
  }));
