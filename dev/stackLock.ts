/** Marks a directory as used by a running stack, and finds that stack. */

import { join } from "@std/path";
import { readIfExists, removeIfExists } from "./files.ts";
import { commandLine, waitUntil } from "./process.ts";

/** Process and addresses of a running stack. */
export interface RunningStack {
  pid: number;
  apiUrl: string;
  databasePort: number;
}

/** Returns the stack that runs on `directory`; null when none runs there. */
export async function findStack(directory: string): Promise<RunningStack | null> {
  const text = await readIfExists(lockFile(directory));
  if (text === null) return null;
  const stack: RunningStack = JSON.parse(text);
  const alive = (await commandLine(stack.pid)).includes("deno");
  return alive ? stack : null;
}

/** Marks `directory` as used by this process. Returns a function that removes the mark. Throws when
 * another stack runs there. */
export async function lockDirectory(
  directory: string,
  stack: RunningStack,
): Promise<() => Promise<void>> {
  const other = await findStack(directory);
  if (other && other.pid !== stack.pid) {
    throw new Error(
      `A stack is running already, at ${other.apiUrl} (process ${other.pid}). ` +
        `Stop it with "deno task stop", or give this one its own data with --directory <path>.`,
    );
  }
  await Deno.writeTextFile(lockFile(directory), JSON.stringify(stack));
  return () => removeIfExists(lockFile(directory));
}

/** Stops the stack that runs on `directory`. Returns false when none runs there. */
export async function stopStack(directory: string): Promise<boolean> {
  const stack = await findStack(directory);
  if (!stack) return false;
  Deno.kill(stack.pid, "SIGTERM");
  const gone = await waitUntil(async () => await findStack(directory) === null, 30_000);
  if (!gone) throw new Error(`The stack (process ${stack.pid}) does not stop.`);
  return true;
}

function lockFile(directory: string): string {
  return join(directory, "stack.json");
}
