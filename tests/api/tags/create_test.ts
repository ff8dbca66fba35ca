/** tags.create: names and colours. */
import { assertEquals } from "@std/assert";
import { assertProblem } from "../../support/answers.ts";
import { createWorkspace, test } from "../../support/workspace.ts";
import { color, tag } from "./tagged.ts";

test("tags.create answers 409 with the tag that has the name, in any case", async () => {
  const workspace = await createWorkspace();
  const id = await tag(workspace, "Café VIP");
  const answer = await workspace.admin.api.post("/tags", { name: "  CAFÉ vip ", color });
  assertProblem(answer, 409, "tag_exists");
  assertEquals([answer.body.id, Object.keys(answer.body.errors)], [id, ["name"]]);
  const other = await createWorkspace();
  assertEquals((await other.admin.api.post("/tags", { name: "café vip", color })).status, 201);
});

test("tags.create gives a name to one of many requests at the same time", async () => {
  const { admin } = await createWorkspace();
  const answers = await Promise.all(
    Array.from({ length: 10 }, () => admin.api.post("/tags", { name: "Race", color })),
  );
  const created = answers.filter(({ status }) => status === 201);
  assertEquals(created.length, 1);
  for (const answer of answers.filter(({ status }) => status !== 201)) {
    assertProblem(answer, 409, "tag_exists");
    assertEquals(answer.body.id, created[0]?.body.id);
  }
});

test("tags.create answers 422 to a malformed colour, and to an empty name", async () => {
  const { admin } = await createWorkspace();
  for (const wrong of ["red;", "#12", "#12345", "ffffff", "#gggggg", "url(#a)", ""]) {
    const answer = await admin.api.post("/tags", { name: "A", color: wrong });
    assertProblem(answer, 422, "validation_failed");
    assertEquals(Object.keys(answer.body.errors), ["color"]);
  }
  assertProblem(await admin.api.post("/tags", { name: "  ", color }), 422, "validation_failed");
});
