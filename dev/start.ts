/** `deno task start`: runs the local stack until Ctrl-C, `deno task stop` or SIGTERM. */

import { parseOptions, portOption } from "./arguments.ts";
import { buildDocsIfOld, SITE } from "./buildDocs.ts";
import { ensureDemoUser } from "./demoUser.ts";
import { type Stack, startStack } from "./stack.ts";
import { DEFAULT_DIRECTORY } from "./stackData.ts";

const OPTIONS = {
  "port": "port of the API (default 54321; 0 takes a free one)",
  "db-port": "port of the database (default 54322)",
  "mail-port": "port of the mail page (default 54324)",
  "directory": "where the data is kept (default .portico)",
};
const FLAGS = { "no-demo": "signs no demo user up" };

async function main(): Promise<void> {
  const options = parseOptions(Deno.args, OPTIONS, FLAGS);
  const begun = Date.now();
  const ending = endOnSignal();
  const stack = await startStack({
    directory: options.directory ?? DEFAULT_DIRECTORY,
    apiPort: portOption(options, "port", 54321),
    databasePort: portOption(options, "db-port", 54322),
    mailPort: portOption(options, "mail-port", 54324),
    environment: Object.fromEntries(
      ["ALLOWED_ORIGINS", "SITE_URL", "RATE_LIMIT_PER_MINUTE", "PICTURE_SOURCES"].flatMap(
        (name) => {
          const value = Deno.env.get(name);
          return value === undefined ? [] : [[name, value]];
        },
      ),
    ),
    watch: true,
    log: (line) => console.log(line),
  });
  ending.stack = stack;
  onSignal("SIGUSR2", () => switchDatabase(stack));
  const [email] = await Promise.all([
    options["no-demo"] ? undefined : ensureDemoUser(stack),
    buildDocsIfOld(SITE).catch((error) => console.error(`The documentation: ${error.message}`)),
  ]);
  printAddresses(stack, email, Date.now() - begun);
}

/** Stops the stack on a signal. Before the stack is up, its parts end with this process. */
function endOnSignal(): { stack?: Stack } {
  const ending: { stack?: Stack; begun?: boolean } = {};
  const end = async () => {
    if (ending.begun) return;
    ending.begun = true;
    console.log("\nStopping …");
    await ending.stack?.stop();
    Deno.exit(ending.stack ? 0 : 130);
  };
  onSignal("SIGINT", end);
  onSignal("SIGTERM", end);
  return ending;
}

function onSignal(signal: Deno.Signal, handler: () => void): void {
  const onWindows = Deno.build.os === "windows";
  if (onWindows && signal !== "SIGINT") return;
  Deno.addSignalListener(signal, handler);
}

/** Stops or starts the database. `deno task database` asks for it by a signal. */
async function switchDatabase(stack: Stack): Promise<void> {
  try {
    console.log(`The database ${await stack.switchDatabase() ? "runs again" : "is stopped"}.`);
  } catch (error) {
    console.error(String(error));
  }
}

function printAddresses(stack: Stack, email: string | undefined, milliseconds: number): void {
  const { apiUrl, functionUrl, databaseUrl, mailUrl, publishableKey } = stack;
  console.log(`
Portico is running (started in ${(milliseconds / 1000).toFixed(1)} s). Ctrl-C ends it.

  API URL          ${apiUrl}
  Function URL     ${functionUrl}
  Database URL     ${databaseUrl}
  Mail             ${mailUrl}
  Documentation    ${apiUrl}/docs
  Publishable key  ${publishableKey}
${email ? demoLines(stack, email) : ""}`);
}

function demoLines(stack: Stack, email: string): string {
  const { apiUrl, functionUrl, publishableKey, demoPassword } = stack;
  const signIn = `curl -s '${apiUrl}/auth/v1/token?grant_type=password' ` +
    `-H 'apikey: ${publishableKey}' -H 'content-type: application/json' ` +
    `-d '{"email":"${email}","password":"${demoPassword}"}'`;
  const token = `$(${signIn} | sed 's/.*"access_token": *"\\([^"]*\\)".*/\\1/')`;
  return `\
  Demo sign-in     ${email} / ${demoPassword}

For the commands of the README and the guides:

  export URL=${apiUrl} KEY=${publishableKey} EMAIL=${email} PASSWORD='${demoPassword}'

Try it: sign in and ask who you are.

  curl -s ${functionUrl}/me -H "Authorization: Bearer ${token}"
`;
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  Deno.exit(1);
}
