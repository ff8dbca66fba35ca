/** The ban at the auth server follows the database, also when two requests arrive in the other order. */
import { assertEquals } from "@std/assert";
import { testSettings, withApp } from "../support/app.ts";
import { createWorkspace, signIn, sql, stack, test } from "../support/workspace.ts";

/** A proxy in front of the auth server, which holds the first change of a user until `release`. */
function holdFirstChange() {
  const held = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  let waits = true;
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    if (request.method === "PUT" && waits) {
      waits = false;
      held.resolve();
      await released.promise;
    }
    const { pathname, search } = new URL(request.url);
    const { method, headers, body } = request;
    return await fetch(stack.apiUrl + pathname + search, { method, headers, body });
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    held: held.promise,
    release: released.resolve,
    [Symbol.asyncDispose]: async () => {
      released.resolve();
      await server.shutdown();
    },
  };
}

test("users.offboard does not ban a user whom users.restore has enabled meanwhile", async () => {
  await using gate = holdFirstChange();
  const { admin, addMember } = await createWorkspace();
  const rep = await addMember("rep");
  const { timeLimits } = await testSettings();
  const settings = { supabaseUrl: gate.url, timeLimits: { ...timeLimits, answer: 60_000 } };
  await withApp(settings, async (app) => {
    const headers = { Authorization: `Bearer ${admin.token}` };
    const offboarding = app.send(`/api/users/${rep.id}`, { method: "DELETE", headers });
    await gate.held;
    assertEquals((await admin.api.post(`/users/${rep.id}/restore`)).body.status, "active");
    gate.release();
    assertEquals((await offboarding).status, 200);
  });
  const [user] = await sql`
    select banned_until > now() as banned from auth.users where id = ${rep.user_id}`;
  assertEquals(Boolean(user?.banned), false);
  assertEquals((await (await signIn(rep.email)).api.get("/me")).body.id, rep.id);
});
