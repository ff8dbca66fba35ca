/** Options on the command line of the tasks. */

import { parseArgs } from "node:util";

/** The options given: `--name value` or `--name=value`. */
export type Options = Record<string, string | undefined>;

/**
 * Parses options; `known` maps each name to what it does. Prints them and ends on `--help`.
 * Throws with a sentence for the user on anything unknown.
 */
export function parseOptions(args: string[], known: Record<string, string>): Options {
  if (args.includes("--help")) printHelp(known);
  const options = Object.fromEntries(
    Object.keys(known).map((name) => [name, { type: "string" as const }]),
  );
  return { ...parseArgs({ args, options, strict: true }).values };
}

/** Returns an option as a port number. Throws when it is none. */
export function portOption(options: Options, name: string, otherwise: number): number {
  const port = Number(options[name] ?? otherwise);
  if (options[name] === "" || !Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new Error(`--${name} wants a port number, 0 for any free one.`);
  }
  return port;
}

function printHelp(known: Record<string, string>): never {
  for (const [name, text] of Object.entries(known)) console.log(`  --${name.padEnd(12)} ${text}`);
  Deno.exit(0);
}
