/** `If-Match`: honoured by every operation that declares it, refused by every other. */
import { assertEquals } from "@std/assert";
import { assertProblem } from "../support/answers.ts";
import { bodyOf, call, recordsOf, resourceOf } from "../support/operations.ts";
import { operations } from "../support/registry.ts";
import { createWorkspace, stack, test } from "../support/workspace.ts";
import { callers } from "./callers.ts";

const stale = { "If-Match": '"2001-01-01T00:00:00+00:00"' };

for (const operation of operations) {
  if (operation.ifMatch) {
    test(`${operation.id} answers 412 to an If-Match that names another version, 400 to a malformed one`, async () => {
      const workspace = await createWorkspace();
      const make = recordsOf(workspace);
      const resource = resourceOf(operation);
      const id = resource === undefined ? undefined : await make(resource);
      const body = await bodyOf(operation, make);
      const options = { token: workspace.admin.token, id, body };
      const malformed = await call(operation, { ...options, headers: { "If-Match": "unquoted" } });
      assertProblem(malformed, 400, "invalid_header");
      const answer = await call(operation, { ...options, headers: stale });
      assertProblem(answer, 412, "precondition_failed");
      assertEquals(answer.headers.get("ETag"), `"${answer.body.current.updated_at}"`);
    });
  } else {
    test(`${operation.id} answers 400 to If-Match, which it does not honour`, async () => {
      const { admin } = await callers();
      const token = operation.access === "service" ? stack.secretKey : admin;
      const answer = await call(operation, { token, body: operation.example, headers: stale });
      assertProblem(answer, 400, "invalid_header");
    });
  }
}
