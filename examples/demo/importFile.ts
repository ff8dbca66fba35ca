/** Imports a file of contacts through the SDK, and shows the progress. */
import { basename } from "@std/path";
import type { Import, Portico } from "../../client-sdk/src/mod.ts";
import { clearProgress, progress, say } from "./print.ts";

const RUNNING = ["checking", "running"];
const LOOK_EVERY_MS = 200;
const MAXIMUM_INLINE = 1_000_000;

/** Imports a CSV file. Returns the import when it has ended. Throws when it cannot run. */
export async function importFile(portico: Portico, path: string): Promise<Import> {
  const created = await createImport(portico, path, await Deno.readTextFile(path));
  const mapped = created.columns.filter(({ field }) => field !== null);
  say(`${mapped.length} of ${created.columns.length} columns are known by their headers`);
  await portico.imports.run(created.id, { dry_run: true });
  say(`Dry run: ${countsOf(await ended(portico, created.id))}`);
  await portico.imports.run(created.id, {});
  const done = await ended(portico, created.id);
  say(`Done: ${countsOf(done)}`);
  if (done.error) throw new Error(done.error);
  return done;
}

/** Sends a small file in the request, and uploads a large one. */
async function createImport(portico: Portico, path: string, content: string): Promise<Import> {
  const input = { record_type: "contacts", file_name: basename(path), source: "demo" } as const;
  const bytes = new TextEncoder().encode(content);
  if (bytes.length <= MAXIMUM_INLINE) return await portico.imports.create({ ...input, content });
  const { id, upload } = await portico.imports.create(input);
  const headers = { "Content-Type": "text/csv" };
  const answer = await fetch(upload?.upload_url ?? "", { method: "PUT", headers, body: bytes });
  if (!answer.ok) throw new Error(`The upload failed: ${await answer.text()}`);
  return await portico.imports.inspect(id);
}

async function ended(portico: Portico, id: string): Promise<Import> {
  for (;;) {
    const state = await portico.imports.get(id);
    if (!RUNNING.includes(state.state)) {
      clearProgress();
      return state;
    }
    progress(state.position, state.size ?? 0);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

function countsOf(done: Import): string {
  return `${done.row_count} rows: ${done.created_count} contacts created, ` +
    `${done.updated_count} changed, ${done.skipped_count} exist already, ` +
    `${done.rejected_count} rejected`;
}

/** Undoes an import. A long undo needs several requests. */
export async function undoImport(portico: Portico, id: string): Promise<void> {
  for (let complete = false; !complete;) {
    ({ complete } = await portico.imports.undo(id, { on_conflict: "keep" }));
  }
  const { total } = await portico.contacts.list({ limit: 1, count: "exact" });
  say(`Undone; ${total} contacts are left`);
}
