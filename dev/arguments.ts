/** Command-line options of the tasks. */

import { parseArgs } from "node:util";

/** The options of a command line: `--name value` or `--name=value`. */
export type Options = Record<string, string | undefined>;

/**
 * Parses options. `known` maps each name to its description, `flags` does so for options without a
 * value. A flag that is given has the value "true". `--help` prints all and ends the process. Throws
 * with a sentence for the user when an option is not known.
 */
export function parseOptions(
  args: string[],
  known: Record<string, string>,
  flags: Record<string, string> = {},
): Options {
  if (args.includes("--help")) printHelp({ ...known, ...flags });
  const typed = (names: object, type: "string" | "boolean") =>
    Object.keys(names).map((name) => [name, { type }] as const);
  const options = Object.fromEntries([...typed(known, "string"), ...typed(flags, "boolean")]);
  const { values } = parseArgs({ args, options, strict: true });
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]));
}

/** Returns an option as a port number, or `defaultPort`. Throws when it is no port number. */
export function portOption(options: Options, name: string, defaultPort: number): number {
  const port = Number(options[name] ?? defaultPort);
  if (options[name] === "" || !Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new Error(`--${name} must be a port number, or 0 for any free port.`);
  }
  return port;
}

function printHelp(known: Record<string, string>): never {
  for (const [name, text] of Object.entries(known)) console.log(`  --${name.padEnd(12)} ${text}`);
  Deno.exit(0);
}
