/** The problems of the pipeline before an operation runs, for every operation in the registry. */
import type { JWTPayload } from "jose";
import type { Operation } from "../../supabase/functions/_shared/operation.ts";
import type { ProblemCode } from "../../supabase/functions/_shared/problem.ts";
import type { Settings } from "../../supabase/functions/_shared/settings.ts";
import { fromNow, makeKey, serveKeys, sign, unsigned } from "../identity/tokens.ts";
import { assertProblem } from "../support/answers.ts";
import { withApp } from "../support/app.ts";
import { isForMembers, requestTo } from "../support/operations.ts";
import { operationForms } from "../support/registry.ts";
import { createWorkspace, test } from "../support/workspace.ts";
import { accepted, assertEach, withToken } from "./everyOperation.ts";

const ISSUER = "https://project.example.com/auth/v1";
const UNREACHABLE = "postgresql://a:b@127.0.0.1:1/c";
const NO_RATE_LIMIT = { rateLimit: 0 };
const { admin } = await createWorkspace();
const [key, stranger] = await Promise.all([makeKey("ES256"), makeKey("ES256")]);
const claims: JWTPayload = {
  iss: ISSUER,
  aud: "authenticated",
  sub: admin.user_id,
  role: "authenticated",
  iat: fromNow(0),
  exp: fromNow(300),
};
const signed = (changes: JWTPayload) => sign({ ...claims, ...changes }, key);

/** Code → a token that has it. */
const TOKENS: Partial<Record<ProblemCode, string>> = {
  token_malformed: "a.b",
  token_algorithm_not_allowed: unsigned(claims, { alg: "none" }),
  token_key_unknown: await sign(claims, stranger),
  token_signature_invalid: await sign(claims, stranger, { kid: key.kid }),
  token_expired: await signed({ exp: fromNow(-300) }),
  token_not_yet_valid: await signed({ nbf: fromNow(300) }),
  token_issuer_invalid: await signed({ iss: "https://other.example.com" }),
  token_audience_invalid: await signed({ aud: "other" }),
  token_subject_missing: await signed({ sub: undefined }),
  token_role_not_allowed: await signed({ role: "anon" }),
};

test("every operation refuses an origin that is not allowed", async () => {
  const headers = { Origin: "https://evil.example.com" };
  const among = operationForms.filter(({ anyOrigin }) => !anyOrigin);
  await withApp(
    {},
    (app) => assertEach(app, "origin_not_allowed", 403, () => ({ headers }), among),
  );
});

test("every operation for members refuses tokens by their defect", async () => {
  await using keys = serveKeys([key]);
  const settings = { jwtIssuer: ISSUER, jwtSecret: undefined, jwks: undefined, jwksUrl: keys.url };
  await withApp(settings, async (app) => {
    for (const [code, token] of Object.entries(TOKENS)) {
      await assertEach(app, code as ProblemCode, 401, (operation) => withToken(operation, token));
    }
  });
});

test("every operation for members answers 503 while the key set cannot be read", async () => {
  const settings = { jwtSecret: undefined, jwks: undefined, jwksUrl: "http://127.0.0.1:1/keys" };
  const token = await sign(claims, stranger);
  const among = operationForms.filter(isForMembers);
  await withApp(
    settings,
    (app) =>
      assertEach(app, "auth_unavailable", 503, (operation) => withToken(operation, token), among),
  );
});

test("every operation for members counts requests", async () => {
  await withApp({ rateLimit: 1 }, async (app) => {
    const { admin: busy } = await createWorkspace();
    const headers = { Authorization: `Bearer ${busy.token}` };
    const isRefused = async () => (await app.send("/api/me", { headers })).status === 429;
    while (!await isRefused());
    for (const operation of operationForms.filter(isForMembers)) {
      const { path } = requestTo(operation);
      const answer = await app.send(path, {
        method: operation.method,
        ...withToken(operation, busy.token),
      });
      // A new period has begun: its first request is free.
      if (answer.body.code !== "rate_limited" && await isRefused()) continue;
      assertProblem(answer, 429, "rate_limited");
    }
  });
});

test("every operation with a body refuses one that is too large, and one that is late", async () => {
  const endless = () =>
    new ReadableStream({ start: (stream) => stream.enqueue(new Uint8Array(1)) });
  const post = (operation: Operation, changes: RequestInit): RequestInit => {
    const { headers } = accepted(operation, admin.token);
    return { headers, ...changes };
  };
  await withApp(
    { ...NO_RATE_LIMIT, bodyTimeLimit: 20 },
    (app) =>
      assertEach(app, "body_timeout", 408, (operation) => post(operation, { body: endless() })),
  );
  await withApp(NO_RATE_LIMIT, (app) =>
    assertEach(app, "body_too_large", 413, (operation) => {
      const headers = new Headers(accepted(operation, admin.token).headers);
      headers.set("Content-Length", "99999999");
      return { headers, body: "x" };
    }));
});

test("every operation that needs the database answers 503 without it", async () => {
  const settings: Partial<Settings> = {
    ...NO_RATE_LIMIT,
    databaseUrl: UNREACHABLE,
    // Without a source the job has nothing to look for.
    pictureSources: ["gravatar"],
  };
  await withApp(
    settings,
    (app) =>
      assertEach(app, "database_unavailable", 503, (operation) => accepted(operation, admin.token)),
  );
});
