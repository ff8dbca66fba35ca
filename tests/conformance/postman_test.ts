/** The Postman collection, run from its first request to its last by newman, Postman's own runner. */
import { assertEquals } from "@std/assert";
import { readDocument } from "../../dev/generate/document.ts";
import { examplesOf, readExamples, summaryOf } from "../../dev/generate/examples.ts";
import { runCollection } from "../../dev/postmanRun.ts";
import { operations } from "../support/registry.ts";
import { readFile } from "../support/sourceFiles.ts";
import { createWorkspace, PASSWORD, stack, test } from "../support/workspace.ts";

/** Names and kinds of the parts of a value. Lists of different length have the same shape. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map(shapeOf);
  if (typeof value !== "object" || value === null) return "value";
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, shapeOf(inner)]));
}

test("Postman: each request of the collection succeeds, and the examples are what it answers", async () => {
  const { admin, addMember } = await createWorkspace();
  const member = await addMember("rep");
  const answers = await runCollection({
    project_url: stack.apiUrl,
    publishable_key: stack.publishableKey,
    secret_key: stack.secretKey,
    email: admin.email,
    password: PASSWORD,
    user_id: String(member.id),
  });
  assertEquals(answers.filter(({ status }) => status === 0 || status >= 300), []);
  const called = new Set(answers.map(({ name }) => summaryOf(name)));
  assertEquals(called.size, operations.length + 1, "with the sign-in");
  const document = await readDocument(JSON.parse(await readFile("client-sdk/openapi.json")));
  const answered = examplesOf(answers, document.operations);
  const kept = await readExamples();
  const advice = "Run deno task examples, then deno task generate.";
  assertEquals(Object.keys(kept), Object.keys(answered), advice);
  for (const [id, { status, body }] of Object.entries(answered)) {
    assertEquals(kept[id]?.status, status, `${id}: ${advice}`);
    assertEquals(shapeOf(kept[id]?.body), shapeOf(body), `${id}: ${advice}`);
  }
});
