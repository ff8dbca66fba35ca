/** Problems: 404, 405, HEAD, and the table of codes against the source and the migrations. */
import { assert, assertEquals } from "@std/assert";
import { PROBLEMS } from "../../supabase/functions/_shared/problem.ts";
import { assertProblem } from "../support/answers.ts";
import { filesBelow } from "../support/sourceFiles.ts";
import { answerOf, createWorkspace, stack, test } from "../support/workspace.ts";

async function request(path: string, init: RequestInit = {}) {
  return await answerOf(await fetch(new URL(path, stack.functionUrl), init));
}

test("app answers 404 to routes that do not exist, in the shape of every problem", async () => {
  for (
    const path of [
      "",
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
    // `contacts/1%2F2` is one segment that is no id, and meets authentication first.
    if (path.endsWith("%2F2")) assertProblem(answer, 401, "token_missing");
    else assertProblem(answer, 404, "route_not_found");
  }
});

test("app answers 405 with Allow to methods that a route does not offer", async () => {
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

test("every problem's title is a phrase, and its status an error", () => {
  for (const [code, [status, title]] of Object.entries(PROBLEMS)) {
    assert(/^[a-z]+(_[a-z]+)*$/.test(code), code);
    assert(status >= 400 && status < 600, code);
    assert(/^[A-Z].*[^.]$/.test(title), title);
  }
  return Promise.resolve();
});

test("every code of PROBLEMS is raised somewhere, in the source or by the database", async () => {
  const files = await filesBelow("supabase", [".ts", ".sql"]);
  const prefixes = files.flatMap(({ text }) => raisedBySql(text)).filter(({ open }) => open);
  const unused = Object.keys(PROBLEMS).filter((code) => {
    if (prefixes.some(({ detail }) => code.startsWith(detail))) return false;
    const thrown = new RegExp(`Problem\\(\\s*"${code}"`);
    const quoted = new RegExp(`["']${code}["']`);
    return !files.some(({ path, text }) =>
      path.endsWith("_shared/problem.ts")
        ? thrown.test(text)
        : quoted.test(withoutDocumentation(text))
    );
  });
  assertEquals(unused, [], "Raise these codes, or take them out of PROBLEMS.");
});

test("every code that the migrations raise is in PROBLEMS, with the same status", async () => {
  const wrong: string[] = [];
  let raised = 0;
  for (const { path, text } of await filesBelow("supabase/migrations", [".sql"])) {
    for (const { status, detail, open } of raisedBySql(text)) {
      raised++;
      const known = Object.entries(PROBLEMS)
        .filter(([code]) => open ? code.startsWith(detail) : code === detail);
      const fits = known.some(([, [expected]]) => expected === status);
      if (!fits) wrong.push(`${path}: ${detail} ${status}`);
    }
  }
  assert(raised >= 10, "The migrations raise problems in a way that this test does not see.");
  assertEquals(wrong, [], "The gateway answers 500 for a code that it does not know.");
});

interface Raised {
  status: number;
  detail: string;
  /** The detail is the beginning of a code whose end is computed. */
  open: boolean;
}

function raisedBySql(text: string): Raised[] {
  const statements = text.matchAll(/raise exception[^;]*?errcode = 'PT(\d+)'[^;]*/gi);
  return [...statements].map(([statement, status]) => {
    const [, detail = "", more] = /detail = '(\w+)'(\s*\|\|)?/.exec(statement) ?? [];
    return { status: Number(status), detail, open: more !== undefined };
  });
}

/** The lists for the docs say what may happen; they raise nothing. */
function withoutDocumentation(text: string): string {
  return text.replaceAll(/problems: \[[^\]]*\]/g, "");
}
