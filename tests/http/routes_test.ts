/** Routes and methods that do not exist, and HEAD. */
import { assertEquals } from "@std/assert";
import { assertProblem } from "../support/answers.ts";
import { answerOf, createWorkspace, stack, test } from "../support/workspace.ts";

async function request(path: string, init: RequestInit = {}) {
  return await answerOf(await fetch(new URL(path, stack.functionUrl), init));
}

test("app answers a 404 problem to routes that do not exist", async () => {
  for (
    const path of [
      "/",
      "/no_such_route",
      "/contacts/1/no_such_route",
      "/contacts/",
      "/contacts//1",
      "/CONTACTS",
      "/api/contacts",
      "/../api/x/",
      "/health/%2e%2e/x",
      "/%E0%A4%A",
      "/constructor",
      "/contacts/1%2F2",
    ]
  ) {
    const answer = await answerOf(await fetch(stack.functionUrl + path));
    // `contacts/1%2F2` is one segment, a malformed id, and authentication refuses it first.
    if (path.endsWith("%2F2")) assertProblem(answer, 401, "token_missing");
    else assertProblem(answer, 404, "route_not_found");
  }
});

test("app answers 405 with Allow to methods that a route does not have", async () => {
  const cases: [string, string, string][] = [
    ["/functions/v1/api/contacts", "PUT", "GET, HEAD, OPTIONS, POST"],
    ["/functions/v1/api/contacts/1", "POST", "DELETE, GET, HEAD, OPTIONS, PATCH"],
    ["/functions/v1/api/contacts/1/merge", "GET", "OPTIONS, POST"],
    ["/functions/v1/api/health", "POST", "GET, HEAD, OPTIONS"],
    ["/functions/v1/merge_contacts", "GET", "OPTIONS, POST"],
    ["/functions/v1/users", "DELETE", "OPTIONS, PATCH, POST"],
    ["/functions/v1/update_password", "POST", "OPTIONS, PATCH"],
  ];
  for (const [path, method, allow] of cases) {
    const answer = await request(path, { method });
    assertProblem(answer, 405, "method_not_allowed");
    assertEquals(answer.headers.get("Allow"), allow, path);
    assertEquals(answer.body.allowed.join(", "), allow);
  }
});

test("app answers HEAD as GET without a body", async () => {
  const { admin } = await createWorkspace();
  const headers = { Authorization: `Bearer ${admin.token}` };
  for (const [path, status] of [["/health", 200], ["/me", 200], ["/no_such_route", 404]] as const) {
    const [head, get] = await Promise.all(
      ["HEAD", "GET"].map((method) => request(`/functions/v1/api${path}`, { method, headers })),
    );
    assertEquals([head?.status, get?.status], [status, status]);
    assertEquals(head?.body, "");
    for (const name of ["Content-Type", "ETag", "Vary"]) {
      assertEquals(head?.headers.get(name), get?.headers.get(name));
    }
  }
  const post = await request("/functions/v1/merge_contacts", { method: "HEAD" });
  assertEquals(post.status, 405);
});
