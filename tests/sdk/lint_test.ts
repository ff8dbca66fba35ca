/** The npm package, as its linters and the newest TypeScript see it. */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { findCommand, installPackage, writeTypesPrograms } from "./builtPackage.ts";
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
      await writeTypesPrograms(installation.directory);
      await assertCompiles(installation.directory, { exactOptionalPropertyTypes: exact });
    },
  });
}

const REACT = `
import { useInfiniteQuery, useMutation, useSuspenseQuery } from "@tanstack/react-query";
import { createClient } from "@portico/client";
import { createQueries } from "@portico/client/react-query";

const queries = createQueries(createClient({ url: "https://example.com" }));

export function useContact(id: number): string | null {
  const { data } = useSuspenseQuery(queries.contacts.get(id));
  const pages = useInfiniteQuery(queries.contacts.infiniteList({ count: "exact" }));
  const total: number | undefined = pages.data?.pages[0]?.total;
  const remove = useMutation({
    ...queries.contacts.delete({ optimistic: true }),
    onSuccess: ({ changeId }) => changeId && undo.mutate(changeId),
  });
  const undo = useMutation(queries.undo());
  if (total === 0) remove.mutate({ id });
  // @ts-expect-error the id is a number
  remove.mutate({ id: "1" });
  return data.last_name;
}
`;

Deno.test({
  name: `sdk: the options fit the hooks of React${notRun}`,
  ignore,
  async fn() {
    await using installation = await installPackage([
      "@tanstack/react-query@5.108.0",
      "@types/react@19.3.0",
      "react@19.3.1",
    ]);
    await Deno.writeTextFile(join(installation.directory, "page.ts"), REACT);
    await assertCompiles(installation.directory, {});
  },
});

/** Compiles the programs of a directory with the newest TypeScript. */
async function assertCompiles(directory: string, options: Record<string, boolean>): Promise<void> {
  const compilerOptions = {
    target: "es2022",
    module: "nodenext",
    lib: ["es2022", "dom", "dom.iterable"],
    types: [],
    strict: true,
    skipLibCheck: false,
    noEmit: true,
    noUncheckedIndexedAccess: true,
    ...options,
  };
  const configuration = JSON.stringify({ compilerOptions, include: ["*.ts"] });
  await Deno.writeTextFile(join(directory, "tsconfig.json"), configuration);
  const { output, success } = await runTool("tsc", ["-p", "."], directory);
  assertEquals([success, output.replace(/^npm warn.*\n/gm, "")], [true, ""]);
}
