/** Unknown query parameters: refused, or dropped under Prefer: handling=lenient. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { assertProblem } from "../support/answers.ts";
import { createWorkspace, headerOf, test } from "../support/workspace.ts";

test("knownParameters drops unknown ones with a warning under Prefer: handling=lenient", async () => {
  const { admin } = await createWorkspace();
  const path = "/contacts?no_such=1&first_name@no_such=2&limit=1";
  assertProblem(await admin.api.get(path), 400, "unknown_parameter");
  for (
    const prefer of [
      "handling=lenient",
      'return=minimal, handling="lenient"',
      "respond-async; wait=1, Handling=Lenient",
    ]
  ) {
    const answer = await admin.api.get(path, { Prefer: prefer });
    assertEquals(answer.status, 200, prefer);
    assertEquals(answer.headers.get("Preference-Applied"), "handling=lenient");
    assertStringIncludes(
      headerOf(answer, "Warning"),
      '299 - "Ignored parameters: no_such, first_name%40no_such"',
    );
  }
  for (const prefer of ["handling=strict", "xhandling=lenient", "handling=lenientx", ""]) {
    assertProblem(await admin.api.get(path, { Prefer: prefer }), 400, "unknown_parameter");
  }
  const known = await admin.api.get("/contacts?limit=1", { Prefer: "handling=lenient" });
  assertEquals(known.headers.get("Warning"), null);
});

test("knownParameters refuses malformed values and more than 100 parameters, also when lenient", async () => {
  const { admin } = await createWorkspace();
  const lenient = { Prefer: "handling=lenient" };
  assertProblem(await admin.api.get("/contacts?limit=0", lenient), 400, "invalid_parameter");
  const many = Array.from({ length: 101 }, (_, index) => `p${index}=1`).join("&");
  assertProblem(await admin.api.get(`/contacts?${many}`, lenient), 400, "unknown_parameter");
});

test("knownParameters accepts the parameters that platform and clients add", async () => {
  const { admin } = await createWorkspace();
  const answer = await admin.api.get("/contacts?apikey=x&forceFunctionRegion=eu-west-1");
  assertEquals(answer.status, 200);
});
