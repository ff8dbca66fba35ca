/** The SDK of the npm package, under Node. */
import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { buildSdk } from "../../dev/buildSdk.ts";
import { createWorkspace, stack } from "../support/workspace.ts";

const PROGRAM = `
import { createClient, PorticoError } from "@portico/client";
const portico = createClient({ url: process.env.API, token: () => process.env.TOKEN });
const { id } = await portico.contacts.create({ last_name: "Node" });
const names = [];
for await (const contact of portico.contacts.list({ limit: 1 })) names.push(contact.last_name);
const error = await portico.contacts.merge(id, { loser_ids: [id] }).catch((error) => error);
console.log(JSON.stringify([names, error instanceof PorticoError, error.code, error.status]));
`;

Deno.test({
  name: "sdk: the npm package works under Node",
  ignore: !await hasNode(),
  sanitizeResources: false,
  sanitizeOps: false,
  async fn() {
    const directory = await Deno.makeTempDir();
    try {
      const home = join(directory, "node_modules", "@portico", "client");
      await buildSdk(join(home, "dist"));
      await Deno.copyFile("client-sdk/package.json", join(home, "package.json"));
      await Deno.writeTextFile(join(directory, "program.mjs"), PROGRAM);
      const { admin } = await createWorkspace();
      const { stdout, stderr } = await new Deno.Command("node", {
        args: [join(directory, "program.mjs")],
        env: { API: stack.functionUrl, TOKEN: admin.token },
      }).output();
      const decoder = new TextDecoder();
      assertEquals(decoder.decode(stderr), "");
      assertEquals(JSON.parse(decoder.decode(stdout)), [["Node"], true, "self_merge", 422]);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  },
});

async function hasNode(): Promise<boolean> {
  try {
    return (await new Deno.Command("node", { args: ["--version"] }).output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
