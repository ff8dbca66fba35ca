/** A database with an older chain of migrations, and the comparison of two catalogues. */
import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { differences, readCatalogue } from "../../dev/compareCatalogues.ts";
import { startStack } from "../../dev/stack.ts";
import { removeStackData, temporaryDirectory } from "../../dev/stackData.ts";

/** A folder with one migration. */
async function folderOf(name: string, sql: string): Promise<string> {
  const folder = await temporaryDirectory();
  await Deno.writeTextFile(join(folder, name), sql);
  return folder;
}

Deno.test("start refuses a database of an older chain and says what to do", async () => {
  const directory = await temporaryDirectory();
  const older = await folderOf("20200101000000_older.sql", "create table public.older (id int);");
  const newer = await folderOf("20210101000000_newer.sql", "create table public.newer (id int);");
  const options = { directory, runFunction: false, durable: false };
  try {
    const first = await startStack({ ...options, migrations: older });
    const before = await readCatalogue(first.superuserUrl);
    await first.stop();
    const again = await startStack({ ...options, migrations: older });
    assertEquals(differences(before, await readCatalogue(again.superuserUrl)), []);
    await again.stop();
    await assertRejects(
      () => startStack({ ...options, migrations: newer }),
      Error,
      'This database was made by an older set of migrations. Run "deno task reset"',
    );
  } finally {
    await removeStackData(directory);
    for (const folder of [directory, older, newer]) await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("compare-catalogues names what was added, removed and changed", () => {
  const before = new Map([["table a", "x"], ["table b", "x"], ["table c", "x"]]);
  const after = new Map([["table a", "x"], ["table b", "y"], ["table d", "x"]]);
  assertEquals(differences(before, after), [
    "changed  table b",
    "       - x",
    "       + y",
    "removed  table c",
    "       - x",
    "added    table d",
    "       + x",
  ]);
});
