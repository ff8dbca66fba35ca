/** The comparison of the document with the answers that the tests have seen. */
import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { collectAnswers, contractCoverage, documentedAnswers } from "../../dev/contractCoverage.ts";

const problem = (...codes: string[]) => ({
  content: {
    "application/problem+json": {
      schema: { allOf: [{}, { properties: { code: { enum: codes } } }] },
    },
  },
});
const DOCUMENT = {
  paths: {
    "/tags": {
      post: {
        operationId: "tags.create",
        responses: {
          201: { description: "The tag" },
          409: { $ref: "#/components/responses/Conflict" },
        },
      },
    },
    "/tags/bulk": {
      post: { operationId: "tags.bulk", responses: { 200: {}, 207: {} } },
    },
  },
  components: { responses: { Conflict: problem("tag_exists", "conflict") } },
};
const DOCUMENTED = [
  "tags.bulk 200",
  "tags.bulk 207",
  "tags.create 201",
  "tags.create 409 conflict",
  "tags.create 409 tag_exists",
];

Deno.test("the document's answers are named by operation, status and code", () => {
  assertEquals(documentedAnswers(DOCUMENT), DOCUMENTED);
});

Deno.test("an answer that no process has seen is missing", async () => {
  const directory = await Deno.makeTempDir();
  const file = join(directory, "answers.txt");
  const [one, other] = [collectAnswers(file), collectAnswers(file)];
  one({ route: "tags.create", status: 201, duration_ms: 1 });
  other({ route: "tags.create", status: 201 });
  other({ route: "tags.create", status: 409, code: "tag_exists" });
  one({ route: "tags.bulk", status: 207 });
  one({ route: "unknown", status: 404, code: "route_not_found" });
  one({ error: "Spans were not sent." });
  assertEquals(await contractCoverage(DOCUMENT, file), {
    documented: DOCUMENTED,
    missing: ["tags.bulk 200", "tags.create 409 conflict"],
  });
  await Deno.remove(directory, { recursive: true });
});

Deno.test("an answer is collected once", async () => {
  const directory = await Deno.makeTempDir();
  const file = join(directory, "answers.txt");
  const collect = collectAnswers(file);
  for (let count = 0; count < 100; count++) collect({ route: "tags.create", status: 201 });
  assertEquals(await Deno.readTextFile(file), "tags.create 201\n");
  await Deno.remove(directory, { recursive: true });
});
