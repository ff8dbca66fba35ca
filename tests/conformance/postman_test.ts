/** The Postman collection, run from its first request to its last by newman, Postman's own runner. */
import { assert, assertEquals } from "@std/assert";
import { operations } from "../support/registry.ts";
import { createWorkspace, PASSWORD, stack, test } from "../support/workspace.ts";

const RUNNER = "npm:newman@6.2.2";
const COLLECTION = "docs/postman/portico.postman_collection.json";
const ENVIRONMENT = "docs/postman/portico.postman_environment.json";

interface Execution {
  item: { name: string };
  response?: { code: number; stream: { data: number[] } };
}

/** Runs the collection as the admin of a new workspace. Returns what it did. */
async function runCollection(): Promise<Execution[]> {
  const { admin, addMember } = await createWorkspace();
  const member = await addMember("rep");
  const report = await Deno.makeTempFile({ suffix: ".json" });
  const variables = {
    project_url: stack.apiUrl,
    publishable_key: stack.publishableKey,
    secret_key: stack.secretKey,
    email: admin.email,
    password: PASSWORD,
    user_id: member.id,
  };
  const args = ["run", "--allow-all", "--no-config", "--quiet", RUNNER, "run", COLLECTION];
  args.push("--environment", ENVIRONMENT, "--reporters", "json", "--reporter-json-export", report);
  for (const [name, value] of Object.entries(variables)) args.push("--env-var", `${name}=${value}`);
  const { stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
  const text = await Deno.readTextFile(report);
  await Deno.remove(report);
  assert(text !== "", new TextDecoder().decode(stderr));
  return JSON.parse(text).run.executions;
}

test("Postman: each request of the collection succeeds, and each operation has one", async () => {
  const executions = await runCollection();
  const refused = executions.filter(({ response }) => !response || response.code >= 300)
    .map(({ item, response }) => {
      const body = new TextDecoder().decode(new Uint8Array(response?.stream.data ?? []));
      return `${item.name}: ${response?.code} ${body}`;
    });
  assertEquals(refused, []);
  // A request that needs others first is listed once for each of them.
  const names = new Set(executions.map(({ item }) => item.name));
  assertEquals(names.size, operations.length + 1, "with the sign-in");
});
