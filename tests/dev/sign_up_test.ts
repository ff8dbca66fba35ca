/** Sign-ups of the local stack, without and with confirmed addresses. */
import { assert, assertEquals } from "@std/assert";
import { createServices } from "../../dev/services/mod.ts";
import {
  adminClient,
  callAuth,
  createConfirmedUser,
  freshEmail,
  mailsTo,
  PASSWORD,
  stack,
} from "./stackUnderTest.ts";

Deno.test("a sign-up confirms an unconfirmed user and opens a session, as Supabase Auth does", async () => {
  const email = freshEmail();
  const { data } = await adminClient().auth.admin.createUser({ email });
  const { status, body } = await callAuth("POST", "/signup", {
    body: { email, password: PASSWORD },
  });
  const session = Object(body);
  assertEquals([status, session.user?.id], [200, data.user?.id]);
  assert(session.access_token);
  const repeated = await callAuth("POST", "/signup", { body: { email, password: PASSWORD } });
  assertEquals([repeated.status, Object(repeated.body).error_code], [422, "user_already_exists"]);
});

Deno.test("with confirmed addresses a sign-up mails a link, and does not reveal accounts", async () => {
  const known = await createConfirmedUser();
  const directory = await Deno.makeTempDir();
  const services = await createServices({
    ...stack,
    databaseUrl: stack.superuserUrl,
    siteUrl: "http://localhost:5173",
    mailPort: 0,
    storageDirectory: directory,
    confirmAddresses: true,
    log: () => {},
  });
  const call = async (path: string, credentials: object) => {
    const headers = { apikey: stack.publishableKey, "Content-Type": "application/json" };
    const body = JSON.stringify(credentials);
    const request = new Request(`${stack.apiUrl}/auth/v1${path}`, {
      method: "POST",
      headers,
      body,
    });
    const response = await services.fetch(request);
    return { status: response.status, body: await response.json() };
  };
  try {
    const credentials = { email: freshEmail(), password: PASSWORD };
    const fresh = await call("/signup", credentials);
    const taken = await call("/signup", { ...credentials, email: known.email });
    assertEquals([fresh.status, taken.status], [200, 200]);
    assertEquals(Object.keys(fresh.body).sort(), Object.keys(taken.body).sort());
    assert(taken.body.id !== known.id);
    const early = await call("/token?grant_type=password", credentials);
    assertEquals([early.status, early.body.error_code], [400, "email_not_confirmed"]);
    assertEquals(await mailsTo(known.email), []);
  } finally {
    await services.stop();
    await Deno.remove(directory, { recursive: true });
  }
});
