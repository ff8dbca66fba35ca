/** Signs the demo user in on a running stack. */
import { createClient as createSupabase } from "@supabase/supabase-js";
import { parseArgs } from "node:util";
import { createClient } from "../../client-sdk/src/mod.ts";
import { say } from "./print.ts";

const USAGE = `deno task demo [options]

  --file <path>       contacts CSV (default examples/contacts.csv)
  --directory <path>  data of the local stack (default .portico)
  --url <url>         API URL instead of the local stack's
  --key <key>         publishable key, with --url
  --email, --password who signs in (default the local stack's demo user)`;

/** Reads the command line. `--help` prints the usage and ends the program. */
export function readOptions(args: string[]) {
  const text = { type: "string" } as const;
  const options = {
    ...{ file: text, directory: text, url: text, key: text, email: text, password: text },
    help: { type: "boolean" },
  } as const;
  const { values } = parseArgs({ args, options, strict: true });
  if (values.help) {
    console.log(USAGE);
    Deno.exit(0);
  }
  return values;
}

/** Addresses and keys of the local stack. Throws when no stack runs in the directory. */
async function localStack(directory: string): Promise<Record<string, string>> {
  const read = async (name: string) => JSON.parse(await Deno.readTextFile(`${directory}/${name}`));
  try {
    return { ...await read("credentials.json"), ...await read("stack.json") };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Error('No stack is running. Start one with "deno task start" in another terminal.');
  }
}

/** Signs in. Returns the SDK's client, and the supabase-js client that holds the session. */
export async function connect(options: ReturnType<typeof readOptions>) {
  const directory = options.directory ?? new URL("../../.portico", import.meta.url).pathname;
  const stack = options.url ? {} : await localStack(directory);
  const apiUrl = (options.url ?? stack.apiUrl ?? "").replace(/\/$/, "");
  const apiKey = options.key ?? stack.publishableKey ?? "";
  const supabase = createSupabase(apiUrl, apiKey, { auth: { persistSession: false } });
  const { error } = await supabase.auth.signInWithPassword({
    email: options.email ?? "demo@portico.local",
    password: options.password ?? stack.demoPassword ?? "",
  });
  if (error) throw new Error(`${apiUrl} does not accept the demo user: ${error.message}`);
  const url = `${apiUrl}/functions/v1/api`;
  const portico = createClient({
    url,
    apiKey,
    token: async () => (await supabase.auth.getSession()).data.session?.access_token,
    fetch: fetchAndReport,
  });
  return { portico, supabase, url };
}

let reportedAt = 0;

/** Prints a line when the rate limit is reached. The SDK's client waits by itself. */
async function fetchAndReport(...request: Parameters<typeof fetch>): Promise<Response> {
  const response = await fetch(...request);
  const after = Number(response.headers.get("retry-after"));
  if (response.status === 429 && Date.now() > reportedAt + after * 1000) {
    reportedAt = Date.now();
    say(`The rate limit is reached. The demo continues in ${after} s.`);
  }
  return response;
}
