/** `deno task database stop|start`: stops or starts the database alone, under a running stack. */

import { parseOptions } from "./arguments.ts";
import { isListening, waitUntil } from "./process.ts";
import { DEFAULT_DIRECTORY } from "./stackData.ts";
import { findStack } from "./stackLock.ts";

const [action, ...rest] = Deno.args;
if (action !== "stop" && action !== "start") {
  console.error("Usage: deno task database stop|start");
  Deno.exit(1);
}
const options = parseOptions(rest, { directory: "where the stack keeps its data" });
const stack = await findStack(options.directory ?? DEFAULT_DIRECTORY);
if (!stack) {
  console.error('No stack is running. Start one with "deno task start".');
  Deno.exit(1);
}
const wanted = action === "start";
if (await isListening(stack.databasePort) !== wanted) Deno.kill(stack.pid, "SIGUSR2");
const switched = await waitUntil(
  async () => await isListening(stack.databasePort) === wanted,
  20_000,
);
if (!switched) {
  console.error("The database did not react. The stack's terminal shows why.");
  Deno.exit(1);
}
console.log(wanted ? "The database is started." : "The database is stopped.");
