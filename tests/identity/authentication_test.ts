/** Access tokens: accepted with every algorithm of Supabase, else 401 with a specific code. */
import { assert, assertEquals } from "@std/assert";
import type { JWTPayload } from "jose";
import { assertProblem } from "../support/answers.ts";
import { type AppUnderTest, withApp } from "../support/app.ts";
import {
  type Answer,
  createWorkspace,
  stack,
  test,
  type TestMember,
} from "../support/workspace.ts";
import { fromNow, makeKey, serveKeys, sign, unsigned } from "./tokens.ts";

const ISSUER = "https://project.example.com/auth/v1";
const [es256, rs256, stranger] = await Promise.all([
  makeKey("ES256"),
  makeKey("RS256"),
  makeKey("ES256"),
]);
const SECRET = "the-hs256-secret-of-a-legacy-project";
const KEYS = { keys: [es256.publicJwk, rs256.publicJwk] };
const SETTINGS = {
  jwtIssuer: ISSUER,
  jwtSecret: SECRET,
  jwks: KEYS,
  // No server listens here, so that a test fails when it fetches keys unexpectedly.
  jwksUrl: "http://127.0.0.1:1/jwks.json",
};

function claimsOf(member: TestMember, changes: JWTPayload = {}): JWTPayload {
  return {
    iss: ISSUER,
    aud: "authenticated",
    sub: member.user_id,
    role: "authenticated",
    iat: fromNow(0),
    exp: fromNow(300),
    ...changes,
  };
}

function me(app: AppUnderTest, authorization?: string): Promise<Answer> {
  return app.send("/api/me", {
    headers: authorization === undefined ? {} : { Authorization: authorization },
  });
}

async function assertRefused(
  app: AppUnderTest,
  token: string,
  code: string,
): Promise<void> {
  const answer = await me(app, `Bearer ${token}`);
  assertProblem(answer, 401, code);
  assertEquals(
    answer.headers.get("WWW-Authenticate"),
    `Bearer realm="portico", error="invalid_token", error_description="${code}"`,
  );
}

test("authenticate accepts ES256, RS256 and HS256", async () => {
  const { admin } = await createWorkspace();
  await withApp(SETTINGS, async (app) => {
    for (const key of [es256, rs256, SECRET]) {
      const answer = await me(app, `Bearer ${await sign(claimsOf(admin), key)}`);
      assertEquals([answer.status, answer.body.id], [200, admin.id]);
    }
    const lowerCase = await me(app, `bearer  ${await sign(claimsOf(admin), es256)}`);
    assertEquals(lowerCase.status, 200);
    const several = claimsOf(admin, { aud: ["other", "authenticated"] });
    assertEquals((await me(app, `Bearer ${await sign(several, es256)}`)).status, 200);
  });
});

test("authenticate answers token_missing and token_malformed to headers without a token", async () => {
  await withApp(SETTINGS, async (app) => {
    const missing = await me(app);
    assertProblem(missing, 401, "token_missing");
    assertEquals(missing.headers.get("WWW-Authenticate"), 'Bearer realm="portico"');
    for (
      const header of ["Bearer", "Basic dXNlcjpwYXNz", "token", "Bearer a b", "Bearer a.b.c d"]
    ) {
      assertProblem(await me(app, header), 401, "token_malformed");
    }
    for (const token of ["garbage", "a.b", "a.b.c", "e30.e30.e30", "..", "null", "undefined"]) {
      const answer = await me(app, `Bearer ${token}`);
      assertEquals(answer.status, 401);
      assert(/^token_(malformed|algorithm_not_allowed)$/.test(answer.body.code), token);
    }
  });
});

test("authenticate answers api_key_not_allowed to API keys", async () => {
  await withApp(SETTINGS, async (app) => {
    for (const key of [stack.publishableKey, stack.secretKey, "sb_secret_", "sb_publishable_x"]) {
      await assertRefused(app, key, "api_key_not_allowed");
      const inHeader = await app.send("/api/me", { headers: { "X-Api-Key": key } });
      assertProblem(inHeader, 401, "api_key_not_allowed");
    }
  });
});

test("authenticate answers token_algorithm_not_allowed to none and to unpinned algorithms", async () => {
  const { admin } = await createWorkspace();
  await withApp(SETTINGS, async (app) => {
    const claims = claimsOf(admin);
    for (const alg of ["none", "None", "NONE", "HS512", "ES384", "PS256", "EdDSA", ""]) {
      await assertRefused(app, unsigned(claims, { alg, kid: es256.kid }), NOT_ALLOWED);
    }
    const [, payload, signature] = (await sign(claims, es256)).split(".");
    const [header] = unsigned(claims, { alg: "none" }).split(".");
    await assertRefused(app, `${header}.${payload}.${signature}`, NOT_ALLOWED);
  });
});
const NOT_ALLOWED = "token_algorithm_not_allowed";

test("authenticate refuses HS256 without a secret, and with the public key as secret", async () => {
  const { admin } = await createWorkspace();
  const publicKey = JSON.stringify(es256.publicJwk);
  await withApp({ ...SETTINGS, jwtSecret: undefined }, async (app) => {
    for (const secret of [SECRET, publicKey]) {
      const token = await sign(claimsOf(admin), secret, { kid: es256.kid });
      await assertRefused(app, token, "token_algorithm_not_allowed");
    }
  });
  await withApp(SETTINGS, async (app) => {
    const token = await sign(claimsOf(admin), publicKey, { kid: es256.kid });
    await assertRefused(app, token, "token_signature_invalid");
  });
});

test("authenticate answers token_signature_invalid to forged and changed tokens", async () => {
  const { admin } = await createWorkspace();
  await withApp(SETTINGS, async (app) => {
    const forged = await sign(claimsOf(admin), stranger, { kid: es256.kid });
    await assertRefused(app, forged, "token_signature_invalid");
    await assertRefused(
      app,
      await sign(claimsOf(admin), "wrong secret"),
      "token_signature_invalid",
    );
    const genuine = await sign(claimsOf(admin), es256);
    assertEquals((await me(app, `Bearer ${genuine}`)).status, 200);
    const [header, , signature] = genuine.split(".");
    const [, other] = unsigned(claimsOf(admin, { sub: crypto.randomUUID() }), {}).split(".");
    await assertRefused(app, `${header}.${other}.${signature}`, "token_signature_invalid");
    await assertRefused(app, `${genuine.slice(0, -8)}AAAAAAAA`, "token_signature_invalid");
  });
});

test("authenticate answers a specific code to each claim that is not valid", async () => {
  const { admin } = await createWorkspace();
  const cases: [JWTPayload, string][] = [
    [{ exp: fromNow(-60) }, "token_expired"],
    [{ exp: undefined }, "token_malformed"],
    [{ nbf: fromNow(60) }, "token_not_yet_valid"],
    [{ iss: "https://other.example.com/auth/v1" }, "token_issuer_invalid"],
    [{ iss: undefined }, "token_issuer_invalid"],
    [{ iss: `${ISSUER}/` }, "token_issuer_invalid"],
    [{ aud: "anon" }, "token_audience_invalid"],
    [{ aud: undefined }, "token_audience_invalid"],
    [{ sub: undefined }, "token_subject_missing"],
    [{ sub: "42" }, "token_subject_missing"],
    [{ sub: `${admin.user_id}' or true --` }, "token_subject_missing"],
    [{ role: "anon" }, "token_role_not_allowed"],
    [{ role: "service_role" }, "token_role_not_allowed"],
    [{ role: "supabase_admin" }, "token_role_not_allowed"],
    [{ role: undefined }, "token_role_not_allowed"],
    [{ role: ["authenticated"] }, "token_role_not_allowed"],
  ];
  await withApp(SETTINGS, async (app) => {
    for (const [changes, code] of cases) {
      for (const key of [es256, rs256, SECRET]) {
        await assertRefused(app, await sign(claimsOf(admin, changes), key), code);
      }
    }
  });
});

test("authenticate refuses the project's legacy anon and service_role keys", async () => {
  await withApp({}, async (app) => {
    for (const role of ["anon", "service_role"]) {
      const key = await sign({ role, iss: "supabase", exp: fromNow(3_600) }, stack.jwtSecret);
      const answer = await me(app, `Bearer ${key}`);
      assertEquals(answer.status, 401);
    }
  });
});

test("authenticate fetches the keys again when a token names an unknown key", async () => {
  const { admin } = await createWorkspace();
  await using server = serveKeys([es256]);
  await withApp({ ...SETTINGS, jwksUrl: server.url }, async (app) => {
    assertEquals((await me(app, `Bearer ${await sign(claimsOf(admin), rs256)}`)).status, 200);
    assertEquals(server.requests, 0);
    server.keys.push(stranger.publicJwk);
    assertEquals((await me(app, `Bearer ${await sign(claimsOf(admin), stranger)}`)).status, 200);
    assertEquals(server.requests, 1);
  });
});

test("authenticate fetches unknown keys at most every 30 seconds, and then finds new ones", async () => {
  const { admin } = await createWorkspace();
  await using server = serveKeys([es256]);
  const realNow = Date.now;
  await withApp({ ...SETTINGS, jwks: undefined, jwksUrl: server.url }, async (app) => {
    const token = await sign(claimsOf(admin), stranger);
    for (let times = 0; times < 5; times++) await assertRefused(app, token, "token_key_unknown");
    assertEquals(server.requests, 1);
    server.keys.push(stranger.publicJwk);
    try {
      Date.now = () => realNow() + 31_000;
      assertEquals((await me(app, `Bearer ${token}`)).status, 200);
    } finally {
      Date.now = realNow;
    }
    assertEquals(server.requests, 2);
  });
});

test("authenticate answers 503 when the keys cannot be fetched, and recovers", async () => {
  const { admin } = await createWorkspace();
  await using server = serveKeys([es256]);
  await withApp({ ...SETTINGS, jwks: undefined, jwksUrl: server.url }, async (app) => {
    const token = `Bearer ${await sign(claimsOf(admin), es256)}`;
    server.status = 500;
    const answer = await me(app, token);
    assertProblem(answer, 503, "auth_unavailable");
    assertEquals(answer.headers.get("Retry-After"), "5");
    server.status = 200;
    assertEquals((await me(app, token)).status, 200);
  });
  await withApp({ ...SETTINGS, jwks: undefined }, async (app) => {
    const token = `Bearer ${await sign(claimsOf(admin), es256)}`;
    assertProblem(await me(app, token), 503, "auth_unavailable");
  });
});

test("authenticate forgets a remembered token when it expires", async () => {
  const { admin } = await createWorkspace();
  await withApp({ ...SETTINGS, rateLimit: 0 }, async (app) => {
    await me(app, `Bearer ${await sign(claimsOf(admin), es256)}`);
    // The token stays valid for five more seconds, because clocks may differ. On a busy machine the
    // first request may take longer. Then the next token lives longer.
    let expires = 0;
    let token = "";
    let answer: Awaited<ReturnType<typeof me>>;
    let life = 0;
    do {
      expires = fromNow(life);
      token = `Bearer ${await sign(claimsOf(admin, { exp: expires }), es256)}`;
      answer = await me(app, token);
      life += 5;
    } while (answer.status === 401 && Date.now() / 1_000 >= expires + 5);
    assertEquals(answer.status, 200);
    while (answer.status === 200) {
      const sent = Date.now() / 1_000;
      answer = await me(app, token);
      if (sent >= expires + 5) assertProblem(answer, 401, "token_expired");
    }
    assertProblem(answer, 401, "token_expired");
  });
});

test("authenticate never returns the caller of another token", async () => {
  const members = (await Promise.all([createWorkspace(), createWorkspace()])).map((w) => w.admin);
  await withApp(SETTINGS, async (app) => {
    for (let round = 0; round < 3; round++) {
      const answers = await Promise.all(
        members.map(async (member) =>
          await me(app, `Bearer ${await sign(claimsOf(member), SECRET)}`)
        ),
      );
      assertEquals(answers.map(({ body }) => body.id), members.map(({ id }) => id));
    }
  });
});
