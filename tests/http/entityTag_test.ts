/** If-Match: the current version, another one, and malformed tags. */
import { assertEquals, assertNotEquals } from "@std/assert";
import { assertProblem } from "../support/answers.ts";
import { createWorkspace, headerOf, test } from "../support/workspace.ts";

test("If-Match accepts the current version, and refuses any other with 412", async () => {
  const { admin } = await createWorkspace();
  const created = await admin.api.post("/contacts", { first_name: "Ada" });
  const path = `/contacts/${created.body.id}`;
  const tag = headerOf(created, "ETag");
  assertEquals((await admin.api.get(path)).headers.get("ETag"), tag);
  const changed = await admin.api.patch(path, { title: "Countess" }, { "If-Match": tag });
  assertEquals(changed.status, 200);
  const next = headerOf(changed, "ETag");
  assertNotEquals(next, tag);

  const refused = await admin.api.patch(path, { title: "Analyst" }, { "If-Match": tag });
  assertProblem(refused, 412, "precondition_failed");
  assertEquals(refused.body.current.title, "Countess");
  assertEquals(refused.headers.get("ETag"), next);
  const removal = await admin.api.delete(path, { "If-Match": tag });
  assertProblem(removal, 412, "precondition_failed");
  assertEquals((await admin.api.get(path)).headers.get("ETag"), next);

  // Proxies that compress an answer make its tag weak.
  for (const header of ["*", next, `W/${next}`, `"other", ${next}`]) {
    const answer = await admin.api.patch(path, {}, { "If-Match": header });
    assertEquals(answer.status, 200, header);
  }
});

test("If-Match answers 400 to a malformed entity tag", async () => {
  const { admin } = await createWorkspace();
  const { body } = await admin.api.post("/contacts", { first_name: "Ada" });
  for (const header of ["unquoted", '"open', '"a" "b"', '"a",', "W/x"]) {
    const answer = await admin.api.patch(`/contacts/${body.id}`, {}, { "If-Match": header });
    assertProblem(answer, 400, "invalid_header");
    assertEquals(Object.keys(answer.body.errors), ["if-match"]);
  }
});

test("If-Match accepts exactly one of two changes of the same version at the same time", async () => {
  const { admin } = await createWorkspace();
  const { body, headers } = await admin.api.post("/contacts", { first_name: "Ada" });
  const tag = { "If-Match": headerOf({ headers }, "ETag") };
  const answers = await Promise.all(
    ["one", "two", "three", "four"].map((title) =>
      admin.api.patch(`/contacts/${body.id}`, { title }, tag)
    ),
  );
  assertEquals(answers.map(({ status }) => status).sort(), [200, 412, 412, 412]);
});
