/** `deno task reset`: stops the stack if it runs, and deletes its data. */

import { resolve } from "@std/path";
import { parseOptions } from "./arguments.ts";
import { DEFAULT_DIRECTORY, removeStackData } from "./stackData.ts";
import { stopStack } from "./stackLock.ts";

const options = parseOptions(Deno.args, { directory: "where the stack keeps its data" });
const directory = resolve(options.directory ?? DEFAULT_DIRECTORY);
if (await stopStack(directory)) console.log("The stack is stopped.");
await removeStackData(directory);
console.log('The data is deleted. "deno task start" begins anew.');
