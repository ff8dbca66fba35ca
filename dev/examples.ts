/**
 * `deno task examples`: runs every operation on a new stack, by the Postman collection, and keeps the
 * answers as the examples of the document. Run `deno task generate` before and after it.
 */
import { dirname, fromFileUrl, join } from "@std/path";
import postgres from "postgres";
import { readDocument } from "./generate/document.ts";
import { EXAMPLES_FILE, examplesOf } from "./generate/examples.ts";
import { compactJson, formatted } from "./generate/formatted.ts";
import { runCollection } from "./postmanRun.ts";
import { type Stack, startStack } from "./stack.ts";
import { removeStackData, temporaryDirectory } from "./stackData.ts";

const ROOT = dirname(dirname(fromFileUrl(import.meta.url)));
const EMAIL = "ada@example.com";
const PASSWORD = "correct horse battery";

async function auth(stack: Stack, path: string, key: string, body: unknown): Promise<void> {
  const response = await fetch(`${stack.apiUrl}/auth/v1${path}`, {
    method: "POST",
    headers: { apikey: key, Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  await response.body?.cancel();
}

/** Signs an admin up, with a second member who has joined. Returns the id of the second. */
async function addMembers(stack: Stack): Promise<number> {
  const sql = postgres(stack.superuserUrl, { max: 1, onnotice() {} });
  try {
    const data = { first_name: "Ada", last_name: "Lovelace" };
    await auth(stack, "/signup", stack.publishableKey, { email: EMAIL, password: PASSWORD, data });
    const id = crypto.randomUUID();
    const email = "mary@example.com";
    await sql`
      insert into public.invitations (id, workspace_id, email, first_name, last_name, role)
      select ${id}, workspace_id, ${email}, 'Mary', 'Somerville', 'rep' from public.sales`;
    const user = { id, email, password: PASSWORD, email_confirm: true };
    await auth(stack, "/admin/users", stack.secretKey, user);
    const credentials = { email, password: PASSWORD };
    await auth(stack, "/token?grant_type=password", stack.publishableKey, credentials);
    const [member] = await sql<{ id: string }[]>`
      select id from public.sales where user_id = ${id}`;
    return Number(member?.id);
  } finally {
    await sql.end();
  }
}

async function main(): Promise<void> {
  const directory = await temporaryDirectory();
  const stack = await startStack({
    directory,
    durable: false,
    log: (line) => line.endsWith("…") && console.log(line),
  });
  try {
    const answers = await runCollection({
      project_url: stack.apiUrl,
      publishable_key: stack.publishableKey,
      secret_key: stack.secretKey,
      email: EMAIL,
      password: PASSWORD,
      user_id: String(await addMembers(stack)),
    });
    const refused = answers.filter(({ status }) => status === 0 || status >= 300);
    if (refused.length > 0) throw new Error(JSON.stringify(refused, null, 2));
    const document = await Deno.readTextFile(join(ROOT, "client-sdk", "openapi.json"));
    const { operations } = await readDocument(JSON.parse(document));
    const examples = examplesOf(answers, operations);
    await Deno.writeTextFile(
      join(ROOT, EXAMPLES_FILE),
      await formatted(compactJson(examples), "json"),
    );
    console.log(`${Object.keys(examples).length} examples in ${EXAMPLES_FILE}`);
  } finally {
    await stack.stop();
    await removeStackData(directory);
    await Deno.remove(directory, { recursive: true });
  }
}

if (import.meta.main) {
  await main();
  Deno.exit(0);
}
