/** `deno task stop`: stops a running stack. */

import { parseOptions } from "./arguments.ts";
import { DEFAULT_DIRECTORY } from "./stackData.ts";
import { stopStack } from "./stackLock.ts";

const options = parseOptions(Deno.args, { directory: "where the stack keeps its data" });
const stopped = await stopStack(options.directory ?? DEFAULT_DIRECTORY);
console.log(stopped ? "The stack is stopped." : "No stack is running.");
