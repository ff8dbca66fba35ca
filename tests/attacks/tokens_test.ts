/**
 * Forged access tokens, one line each: every one is refused with 401 and a code of its own. Genuine
 * tokens with claims that are not valid are tested in tests/identity.
 */
import { assert, assertEquals, assertGreater } from "@std/assert";
import { createHmac } from "node:crypto";
import { exportSPKI } from "jose";
import type { JWTPayload } from "jose";
import { assertProblem } from "../support/answers.ts";
import { type AppUnderTest, withApp } from "../support/app.ts";
import { exactly } from "../support/exactly.ts";
import { fromNow, makeKey, serveKeys, sign } from "../identity/tokens.ts";
import { createWorkspace, stack, test } from "../support/workspace.ts";

const ISSUER = "https://project.example.com/auth/v1";
const SECRET = "the-hs256-secret-of-a-legacy-project";
const [es256, rs256, stranger] = await Promise.all([
  makeKey("ES256"),
  makeKey("RS256"),
  makeKey("ES256"),
]);
const pem = await exportSPKI(
  await crypto.subtle.importKey(
    "jwk",
    es256.publicJwk,
    { name: "ECDSA", namedCurve: "P-256" },
    true,
    ["verify"],
  ),
);
const SETTINGS = {
  jwtIssuer: ISSUER,
  jwtSecret: SECRET,
  jwks: { keys: [es256.publicJwk, rs256.publicJwk] },
  jwksUrl: "http://127.0.0.1:1/jwks.json",
};
const { admin } = await createWorkspace();
const claims: JWTPayload = {
  iss: ISSUER,
  aud: "authenticated",
  sub: admin.user_id,
  role: "authenticated",
  iat: fromNow(0),
  exp: fromNow(300),
};
const genuine = await sign(claims, es256);
const [header, payload, signature] = exactly(3, genuine.split("."));

function encoded(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** A token that is signed with HMAC by any secret, the empty one too. */
function hmac(secret: string, head: object = {}, body: object = claims): string {
  const text = `${encoded({ alg: "HS256", typ: "JWT", ...head })}.${encoded(body)}`;
  return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
}

/** The genuine signature and claims under another header. */
function headed(head: unknown): string {
  return `${encoded(head)}.${payload}.${signature}`;
}

/** The genuine header and signature over other claims. */
function claiming(changes: object): string {
  return `${header}.${encoded({ ...claims, ...changes })}.${signature}`;
}

const signedByStranger = (head: object = {}, changes: JWTPayload = {}) =>
  sign({ ...claims, ...changes }, stranger, { kid: es256.kid, ...head });

/** Name → token. */
const FORGERIES: Record<string, string | Promise<string>> = {
  // The algorithm
  "alg none in odd case": `${encoded({ alg: "nOnE" })}.${payload}.`,
  "alg none with blanks": `${encoded({ alg: " none " })}.${payload}.`,
  "alg none with the genuine signature": headed({ alg: "none", kid: es256.kid }),
  "no alg": headed({ kid: es256.kid }),
  "alg null": headed({ alg: null, kid: es256.kid }),
  "alg 0": headed({ alg: 0, kid: es256.kid }),
  "alg as array": headed({ alg: ["ES256"], kid: es256.kid }),
  "alg in lower case": headed({ alg: "es256", kid: es256.kid }),
  "alg with a NUL": headed({ alg: "ES256\0", kid: es256.kid }),
  "alg of another key": headed({ alg: "RS256", kid: es256.kid }),
  "alg __proto__": headed({ alg: "__proto__", kid: es256.kid }),
  "alg ES256K": headed({ alg: "ES256K", kid: es256.kid }),
  "alg of encryption": headed({ alg: "dir", enc: "A256GCM" }),
  // HMAC with what is public
  "HMAC by the public key as JWK": hmac(JSON.stringify(es256.publicJwk), { kid: es256.kid }),
  "HMAC by the public key as PEM": hmac(pem, { kid: es256.kid }),
  "HMAC by the public key as PEM without newline": hmac(pem.trim()),
  "HMAC by the key's coordinate": hmac(String(es256.publicJwk.x), { kid: es256.kid }),
  "HMAC by the modulus": hmac(String(rs256.publicJwk.n), { kid: rs256.kid }),
  "HMAC by the key's id": hmac(es256.kid, { kid: es256.kid }),
  "HMAC by the empty secret": hmac(""),
  "HMAC by the word secret": hmac("secret"),
  "HMAC by the publishable key": hmac(stack.publishableKey),
  "HMAC by the issuer": hmac(ISSUER),
  "HMAC by most of the secret": hmac(SECRET.slice(0, -1)),
  // The key
  "a stranger's signature": signedByStranger(),
  "a stranger's signature for another user": signedByStranger({}, { sub: crypto.randomUUID() }),
  "a stranger's signature as service_role": signedByStranger({}, { role: "service_role" }),
  "a stranger's signature, issued in the future": signedByStranger({}, { iat: fromNow(9_999) }),
  "a stranger's signature under the RSA key's id": signedByStranger({ kid: rs256.kid }),
  "an unknown kid of a path": hmac("x", { kid: "../../../../dev/null" }),
  "an unknown kid of SQL": hmac("x", { kid: "' union select 'x" }),
  "a kid that is no text": headed({ alg: "ES256", kid: { a: 1 } }),
  "the stranger's key as jwk": signedByStranger({ jwk: stranger.publicJwk }),
  "the stranger's key as x5c": signedByStranger({ x5c: ["MIIB"] }),
  "a genuine signature with crit": headed({ alg: "ES256", kid: es256.kid, crit: ["x"], x: 1 }),
  "an unencoded payload": headed({ alg: "ES256", kid: es256.kid, b64: false, crit: ["b64"] }),
  "a compressed payload": headed({ alg: "ES256", kid: es256.kid, zip: "DEF" }),
  // The signature
  "no signature": `${header}.${payload}.`,
  "no signature and no point": `${header}.${payload}`,
  "a signature of zeros": `${header}.${payload}.${"A".repeat(86)}`,
  "a shortened signature": `${header}.${payload}.${signature.slice(0, -4)}`,
  "a lengthened signature": `${genuine}AAAA`,
  "a signature as DER": `${header}.${payload}.${encoded("0\x06\x02\x01\x01\x02\x01\x01")}`,
  "the header as signature": `${header}.${payload}.${header}`,
  "a signature that is no base64": `${header}.${payload}.${"!".repeat(86)}`,
  // The claims
  "another sub": claiming({ sub: crypto.randomUUID() }),
  "another role": claiming({ role: "service_role" }),
  "a later exp": claiming({ exp: fromNow(999_999) }),
  "an infinite exp": `${header}.${encoded('{"exp":1e400}')}.${signature}`,
  "two subs": `${header}.${encoded(`{"sub":"${admin.user_id}","sub":"x"}`)}.${signature}`,
  "claims as array": `${header}.${encoded([claims])}.${signature}`,
  "claims null": `${header}.${encoded("null")}.${signature}`,
  "claims that are no JSON": `${header}.${encoded("{")}.${signature}`,
  "claims with __proto__": `${header}.${encoded('{"__proto__":{"sub":"x"}}')}.${signature}`,
  // The form
  "a header that is no JSON": `${encoded("{")}.${payload}.${signature}`,
  "a header null": headed("null"),
  "an empty header": `.${payload}.${signature}`,
  "only points": "..",
  "four parts": `${genuine}.${signature}`,
  "five parts, as of an encrypted token": `${header}.a.b.c.d`,
  "the first half": genuine.slice(0, genuine.length / 2),
  "the token twice": `${genuine}${genuine}`,
  "a token in quotes": `"${genuine}"`,
  "a percent-encoded token": encodeURIComponent(`${genuine} `),
  "100 kB of letters": "a".repeat(100_000),
  "100 kB of points": ".".repeat(100_000),
  "a header of 100 kB": headed({ alg: "ES256", kid: "k".repeat(100_000) }),
};

const CODE = /^(token_\w+|api_key_not_allowed)$/;

test("authenticate refuses every forged token", async () => {
  await using keys = serveKeys([es256, rs256]);
  await withApp({ ...SETTINGS, jwksUrl: keys.url }, async (app) => {
    assertEquals((await me(app, { Authorization: `Bearer ${genuine}` })).status, 200);
    for (const [name, token] of Object.entries(FORGERIES)) {
      const answer = await me(app, { Authorization: `Bearer ${await token}` });
      assertEquals(answer.status, 401, `${name}: ${JSON.stringify(answer.body)}`);
      assert(CODE.test(answer.body.code), name);
      assertProblem(answer, 401, answer.body.code);
    }
    assertGreater(Object.keys(FORGERIES).length, 50);
  });
});

test("authenticate fetches no key from an address that a token names", async () => {
  await using server = serveKeys([stranger]);
  await withApp(SETTINGS, async (app) => {
    for (const name of ["jku", "x5u", "iss", "kid"]) {
      const token = await sign(
        { ...claims, ...(name === "iss" && { iss: server.url }) },
        stranger,
        { kid: stranger.kid, ...(name !== "iss" && { [name]: server.url }) },
      );
      const { status } = await me(app, { Authorization: `Bearer ${token}` });
      // Unknown keys lead to the project's own key set, where no server listens here.
      assert([401, 503].includes(status), `${name}: ${status}`);
    }
    assertEquals(server.requests, 0);
  });
});

/** Headers, or a query, in which a genuine token does not count. */
const MISPLACED: [Record<string, string>, string?][] = [
  [{ Authorization: genuine }],
  [{ Authorization: `Token ${genuine}` }],
  [{ Authorization: `Basic ${btoa(`user:${genuine}`)}` }],
  [{ Authorization: `Bearer: ${genuine}` }],
  [{ Authorization: `Bearer=${genuine}` }],
  [{ Authorization: `Bearer ${genuine}, Bearer ${genuine}` }],
  [{ Authorization: `Bearer ${genuine} ${genuine}` }],
  [{ Authorization: `Bearer ${genuine};x` }],
  [{ Authorization: `Bearer\u00a0${genuine}x` }],
  [{ Cookie: `access_token=${genuine}; sb-access-token=${genuine}` }],
  [{ apikey: genuine }],
  [{ "X-Authorization": `Bearer ${genuine}` }],
  [{ "X-Forwarded-Authorization": `Bearer ${genuine}` }],
  [{ "Proxy-Authorization": `Bearer ${genuine}` }],
  [{ "X-Forwarded-User": admin.user_id, "X-User-Id": admin.user_id, "X-Role": "admin" }],
  [{ "Sec-WebSocket-Protocol": `bearer, ${genuine}` }],
  [{}, `access_token=${genuine}`],
  [{}, `token=${genuine}`],
  [{}, `jwt=${genuine}`],
  [{}, `authorization=Bearer%20${genuine}`],
  [{}, `apikey=${genuine}`],
];

test("authenticate reads a token from `Authorization: Bearer` alone", async () => {
  await withApp(SETTINGS, async (app) => {
    for (const [headers, query = ""] of MISPLACED) {
      const answer = await me(app, headers, query);
      const label = `${Object.keys(headers)} ${query.slice(0, 20)}`;
      assertEquals(answer.status, 401, label);
      assertProblem(answer, 401, answer.body.code);
    }
  });
});

function me(app: AppUnderTest, headers: HeadersInit, query = "") {
  return app.send(`/api/me${query && `?${query}`}`, { headers });
}
