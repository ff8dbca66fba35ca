/** API keys as credentials: their form, their headers, their defects, and what no token may pretend. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { crc32 } from "node:zlib";
import postgres from "postgres";
import { newKey } from "../../supabase/functions/_shared/authentication.ts";
import { makeKey } from "../api/api_keys/key.ts";
import { assertProblem } from "../support/answers.ts";
import { testAddresses, withApp } from "../support/app.ts";
import { asCaller, refusalOf, service } from "../support/database.ts";
import { answerOf, api, createWorkspace, sql, stack, test } from "../support/workspace.ts";
import { fromNow, sign } from "./tokens.ts";

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

test("a key has a prefix, 256 random bits and the CRC-32 of both, in base62", async () => {
  const { secret } = await newKey();
  assertMatch(secret, /^ptc_[0-9A-Za-z]{49}$/);
  const checksum = [...secret.slice(-6)].reduce(
    (sum, digit) => sum * 62 + DIGITS.indexOf(digit),
    0,
  );
  assertEquals(checksum, crc32(secret.slice(0, -6)));
});

test("a key with a wrong checksum is refused without a question to the database", async () => {
  const { secret } = await newKey();
  const swapped = secret.slice(0, 5) + secret.slice(6) + secret.slice(5, 6);
  const lower = secret.toLowerCase();
  await withApp({ databaseUrl: "postgresql://a:b@127.0.0.1:1/c" }, async (app) => {
    for (const key of [swapped, lower, secret.slice(0, -1), `${secret}0`, "ptc_", "", "a.b.c"]) {
      const answer = await app.send("/api/contacts", { headers: { "X-Api-Key": key } });
      assertProblem(answer, 401, "api_key_malformed");
    }
    const headers = { Authorization: `Bearer ${swapped}` };
    assertProblem(await app.send("/api/contacts", { headers }), 401, "api_key_malformed");
    const unknown = await app.send("/api/contacts", { headers: { "X-Api-Key": secret } });
    assertProblem(unknown, 503, "database_unavailable");
  });
});

test("an invented key is refused as unknown, whichever header has it", async () => {
  const { secret } = await newKey();
  assertProblem(await api(secret).get("/contacts"), 401, "api_key_unknown");
  const answer = await api().get("/contacts", { "X-Api-Key": secret });
  assertProblem(answer, 401, "api_key_unknown");
  assert(answer.headers.get("WWW-Authenticate")?.includes("api_key_unknown"));
});

test("a request has one credential", async () => {
  const workspace = await createWorkspace();
  const key = await makeKey(workspace);
  const answer = await workspace.admin.api.get("/contacts", { "X-Api-Key": key.secret });
  assertProblem(answer, 400, "invalid_header");
  const token = await api().get("/contacts", { "X-Api-Key": workspace.admin.token });
  assertProblem(token, 401, "api_key_malformed");
});

test("a genuine token with the id of a key's member is nobody, at the gateway and at the Data API", async () => {
  const workspace = await createWorkspace();
  const key = await makeKey(workspace, { role: "admin" });
  const { user_id: sub } = (await key.api.get("/me")).body;
  await workspace.admin.api.post("/contacts", { last_name: "Lovelace" });
  const claims = {
    aud: "authenticated",
    role: "authenticated",
    iat: fromNow(0),
    exp: fromNow(300),
  };
  const iss = `${stack.apiUrl}/auth/v1`;
  const token = await sign({ ...claims, iss, sub }, stack.jwtSecret);
  assertProblem(await api(token).get("/contacts"), 403, "not_a_member");
  const headers = { apikey: stack.publishableKey, Authorization: `Bearer ${token}` };
  for (const table of ["contacts", "sales", "api_keys", "workspaces"]) {
    const answer = await answerOf(await fetch(`${stack.apiUrl}/rest/v1/${table}`, { headers }));
    assertEquals([answer.status, answer.body], [200, []], table);
  }
});

test("a key is no credential of the Data API", async () => {
  const workspace = await createWorkspace();
  const { secret } = await makeKey(workspace, { role: "admin" });
  await workspace.admin.api.post("/contacts", { last_name: "Lovelace" });
  const attempts: HeadersInit[] = [
    { apikey: secret },
    { apikey: stack.publishableKey, Authorization: `Bearer ${secret}` },
    { apikey: stack.publishableKey, "X-Api-Key": secret },
  ];
  for (const headers of attempts) {
    const answer = await answerOf(await fetch(`${stack.apiUrl}/rest/v1/contacts`, { headers }));
    assert(answer.status >= 400 || answer.body.length === 0, JSON.stringify(answer.body));
  }
});

test("no role reads or writes the hashes of keys directly", async () => {
  const { admin } = await createWorkspace();
  const claims = { role: "authenticated" as const, sub: admin.user_id };
  for (const caller of [{ claims }, { claims: { role: "anon" as const } }, service]) {
    const reading = asCaller(caller, (tx) => tx`select hash from gateway.api_key_secrets`);
    assertEquals((await refusalOf(reading)).code, "42501");
  }
  const gateway = postgres(testAddresses().gatewayDatabaseUrl, { max: 1 });
  try {
    for (const verb of ["select hash from", "delete from"]) {
      const statement = gateway.unsafe(`${verb} gateway.api_key_secrets`);
      assertEquals((await refusalOf(statement)).code, "42501");
    }
  } finally {
    await gateway.end();
  }
  for (const schema of ["gateway", "private"]) {
    const answer = await answerOf(
      await fetch(`${stack.apiUrl}/rest/v1/api_key_secrets`, {
        headers: { apikey: stack.secretKey, "Accept-Profile": schema },
      }),
    );
    assert(answer.status >= 400, schema);
  }
});

test("requests are counted per key, whichever of its secrets sends them", async () => {
  const workspace = await createWorkspace();
  const [key, other] = [await makeKey(workspace), await makeKey(workspace)];
  const { body: { secret } } = await workspace.admin.api.post(`/api_keys/${key.id}/rotate`);
  await withApp({ rateLimit: 20 }, async (app) => {
    const send = async (key: string) =>
      (await app.send("/api/me", { headers: { "X-Api-Key": key } })).status;
    // A new minute may begin between two requests.
    const isSpent = async () => {
      while (await send(key.secret) !== 429);
      return await send(secret) === 429;
    };
    while (!await isSpent());
    assertEquals(await send(other.secret), 200);
  });
});

test("the last use of a key is noted, once a minute", async () => {
  const workspace = await createWorkspace();
  const key = await makeKey(workspace);
  const lastUse = async () =>
    (await workspace.admin.api.get(`/api_keys/${key.id}`)).body.last_used_at;
  assertEquals(await lastUse(), null);
  const before = Date.now();
  await key.api.get("/me");
  const noted = await lastUse();
  assert(Date.parse(noted) >= before - 1_000);
  const headers = { "X-Api-Key": key.secret };
  await withApp({}, async (app) => void await app.send("/api/me", { headers }));
  assertEquals(await lastUse(), noted);
  await sql`
    update gateway.api_key_secrets set last_used_at = last_used_at - interval '2 minutes'
    where member_id = ${key.id}`;
  await withApp({}, async (app) => void await app.send("/api/me", { headers }));
  assert(Date.parse(await lastUse()) >= before - 1_000);
});
