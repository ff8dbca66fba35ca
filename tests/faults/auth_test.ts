/** The auth server down, failing or hanging: 503 within seconds, only from operations that need it. */
import { assert, assertEquals, assertGreater } from "@std/assert";
import { assertProblem } from "../support/answers.ts";
import { type AppUnderTest, withApp } from "../support/app.ts";
import {
  type Answer,
  createWorkspace,
  freshEmail,
  mailsTo,
  sql,
  stack,
  test,
  type TestMember,
} from "../support/workspace.ts";

/** The product gives up after 4 s. The rest is for a busy machine. */
const ANSWERED_WITHIN = 9_000;

/** A proxy in front of the real auth server, which can fail or hang. */
interface Gate extends AsyncDisposable {
  url: string;
  state: "open" | "failing" | "hanging";
}

function openGate(): Gate {
  const closing = Promise.withResolvers<Response>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    if (gate.state === "hanging") return closing.promise;
    if (gate.state === "failing") return new Response("upstream is down", { status: 503 });
    const { pathname, search } = new URL(request.url);
    const { method, headers, body } = request;
    return fetch(stack.apiUrl + pathname + search, { method, headers, body });
  });
  const gate: Gate = {
    url: `http://127.0.0.1:${server.addr.port}`,
    state: "open",
    [Symbol.asyncDispose]: async () => {
      closing.resolve(new Response(null, { status: 503 }));
      await server.shutdown();
    },
  };
  return gate;
}

async function call(
  app: AppUnderTest,
  { token }: TestMember,
  path: string,
  method = "GET",
  body?: unknown,
): Promise<Answer> {
  const start = performance.now();
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  const answer = await app.send(path, { method, headers, body: JSON.stringify(body) });
  const took = performance.now() - start;
  assert(took < ANSWERED_WITHIN, `${method} ${path} took ${Math.round(took)} ms`);
  return answer;
}

for (const state of ["failing", "hanging"] as const) {
  test(`the auth server ${state}: system.ready names it, operations on users answer 503, others succeed`, async () => {
    await using gate = openGate();
    await withApp({ supabaseUrl: gate.url }, async (app) => {
      const { admin, addMember } = await createWorkspace();
      const rep = await addMember("rep");
      const user = { email: freshEmail(), first_name: "Grace", last_name: "Hopper" };
      const invited = (await admin.api.post("/users", { ...user, email: freshEmail() })).body.id;
      const moved = { email: freshEmail() };
      gate.state = state;
      const ready = await call(app, admin, "/api/ready");
      assertProblem(ready, 503, "not_ready");
      assertEquals([ready.body.database, ready.body.auth], ["ok", "auth_unavailable"]);

      const calls: [string, string, unknown?][] = [
        ["/api/users", "POST", user],
        [`/api/users/${rep.id}/password_reset`, "POST"],
        [`/api/users/${invited}`, "PATCH", moved],
        [`/api/users/${invited}/resend_invite`, "POST"],
        [`/api/users/${rep.id}`, "DELETE"],
      ];
      const answers = await Promise.all(
        calls.map(([path, method, body]) => call(app, admin, path, method, body)),
      );
      for (const answer of answers) {
        assertProblem(answer, 503, "auth_unavailable");
        assertEquals(answer.headers.get("Retry-After"), "5");
      }
      assertEquals((await call(app, admin, "/api/contacts")).status, 200);

      gate.state = "open";
      const repeated = await call(app, admin, "/api/users", "POST", user);
      assertEquals([repeated.status, repeated.body.email], [201, user.email]);
      const sent = await call(app, admin, `/api/users/${invited}`, "PATCH", moved);
      assertEquals([sent.status, sent.body.email], [200, moved.email]);
      assertEquals((await mailsTo(moved.email)).length, 1);
      const offboarded = await call(app, admin, `/api/users/${rep.id}`, "DELETE");
      assertEquals(offboarded.status, 200);
      const [account] = await sql`select banned_until from auth.users where id = ${rep.user_id}`;
      assertGreater(account?.banned_until, new Date());
      assertEquals((await call(app, admin, "/api/ready")).status, 200);
    });
  });
}

test("the auth server unreachable: users.invite answers 503 and can be repeated", async () => {
  const { admin } = await createWorkspace();
  const user = { email: freshEmail(), first_name: "Grace", last_name: "Hopper" };
  await withApp({ supabaseUrl: "http://127.0.0.1:1" }, async (app) => {
    const answer = await call(app, admin, "/api/users", "POST", user);
    assertProblem(answer, 503, "auth_unavailable");
  });
  assertEquals((await admin.api.post("/users", user)).status, 201);
});
