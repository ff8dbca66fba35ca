/** companies.create: the name. */
import { assertEquals } from "@std/assert";
import { assertProblem } from "../../support/answers.ts";
import { createWorkspace, test } from "../../support/workspace.ts";

test("companies.create answers 422 without a name or with a blank one", async () => {
  const { admin } = await createWorkspace();
  for (const body of [{}, { name: "" }, { name: "  " }, { name: null }]) {
    const answer = await admin.api.post("/companies", body);
    assertProblem(answer, 422, "validation_failed");
    assertEquals(Object.keys(answer.body.errors), ["name"]);
  }
  const { body } = await admin.api.post("/companies", { name: " Acme " });
  assertEquals(body.name, "Acme");
  assertProblem(
    await admin.api.patch(`/companies/${body.id}`, { name: " " }),
    422,
    "validation_failed",
  );
});
