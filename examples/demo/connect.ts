/** Signs the demo user in on a running stack. */
import { createClient as createSupabase } from "@supabase/supabase-js";
import { parseArgs } from "node:util";
import { createClient } from "../../client-sdk/src/mod.ts";
import { say } from "./print.ts";

const USAGE = `deno task demo [options]

  --file <path>       contacts CSV (default ../shared/data/contacts.csv, else the sample)
  --directory <path>  data of the local stack (default .portico)
  --url <url>         API URL instead of the local stack's
  --key <key>         publishable key, with --url
  --email, --password who signs in (default the local stack's demo user)`;

/** The command line. Ends the program on --help. */
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

/** The local stack's notes about itself. Throws when no stack has run in the directory. */
async function localStack(directory: string): Promise<Record<string, string>> {
  const read = async (name: string) => JSON.parse(await Deno.readTextFile(`${directory}/${name}`));
  try {
    return { ...await read("credentials.json"), ...await read("stack.json") };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Error('No stack is running. Start one with "deno task start" in another terminal.');
  }
}

/** Signs in; returns the SDK's client and supabase-js's, which holds the session. */
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
  if (error) throw new Error(`${apiUrl} does not let the demo user in: ${error.message}`);
  const url = `${apiUrl}/functions/v1/api`;
  const portico = createClient({
    url,
    apiKey,
    token: async () => (await supabase.auth.getSession()).data.session?.access_token,
    fetch: fetchAndTell,
  });
  return { portico, supabase, url };
}

let told = 0;

/** Says why nothing moves when the rate limit is reached; the client waits by itself. */
async function fetchAndTell(...request: Parameters<typeof fetch>): Promise<Response> {
  const response = await fetch(...request);
  const after = Number(response.headers.get("retry-after"));
  if (response.status === 429 && Date.now() > told + after * 1000) {
    told = Date.now();
    say(`The rate limit is reached; going on in ${after} s.`);
  }
  return response;
}
