/** The SDK of the npm package, under Node. */
import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { createWorkspace, stack } from "../support/workspace.ts";
import { findCommand, installPackage } from "./builtPackage.ts";

const PROGRAM = `
import { createClient, PorticoError } from "@portico/client";
const portico = createClient({ url: process.env.API, token: () => process.env.TOKEN });
const { id } = await portico.contacts.create({ last_name: "Node" });
const names = [];
for await (const contact of portico.contacts.list({ limit: 1 })) names.push(contact.last_name);
const error = await portico.contacts.merge(id, { loser_ids: [id] }).catch((error) => error);
const csv = await (await portico.contacts.export().blob()).text();
const file = new File(["%PDF-1.7 offer"], "Offer.pdf", { type: "application/pdf" });
const { title } = await portico.attachments.upload(file);
const changeId = await portico.contacts.delete(id).changeId;
await portico.undo(changeId);
const { last_name } = await portico.contacts.get(id);
console.log(JSON.stringify([
  names, error instanceof PorticoError, error.code, error.status, csv.includes("Node"), title, last_name,
]));
`;

/** Node, or `NODE`, another version of it. */
const node = Deno.env.get("NODE") ?? await findCommand("node");

Deno.test({
  name: `sdk: the npm package works under Node${node ? "" : ": not run, there is no Node"}`,
  ignore: node === undefined,
  sanitizeResources: false,
  sanitizeOps: false,
  async fn() {
    await using installation = await installPackage();
    const program = join(installation.directory, "program.mjs");
    await Deno.writeTextFile(program, PROGRAM);
    const { admin } = await createWorkspace();
    const { stdout, stderr } = await new Deno.Command(node ?? "node", {
      args: ["--no-warnings", program],
      env: { API: stack.functionUrl, TOKEN: admin.token },
    }).output();
    const decoder = new TextDecoder();
    assertEquals(decoder.decode(stderr), "");
    assertEquals(
      JSON.parse(decoder.decode(stdout)),
      [["Node"], true, "self_merge", 422, true, "Offer.pdf", "Node"],
    );
  },
});

Deno.test({
  name: `sdk: the npm package is a CommonJS module too${node ? "" : ": not run, there is no Node"}`,
  ignore: node === undefined,
  async fn() {
    await using installation = await installPackage();
    const program = join(installation.directory, "program.cjs");
    await Deno.writeTextFile(
      program,
      `const { createClient } = require("@portico/client");
       console.log(typeof createClient({ url: "http://127.0.0.1" }).contacts.list);`,
    );
    const { stdout } = await new Deno.Command(node ?? "node", { args: [program] }).output();
    assertEquals(new TextDecoder().decode(stdout), "function\n");
  },
});
