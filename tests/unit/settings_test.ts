/** Settings from the environment: new and legacy names, and no defaults for secrets. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { originMatcher } from "../../supabase/functions/_shared/cors.ts";
import { readSettings } from "../../supabase/functions/_shared/settings.ts";

const ENVIRONMENT = {
  SUPABASE_URL: "https://abc.supabase.co/",
  SUPABASE_DB_URL: "postgresql://a:b@db/postgres",
  SUPABASE_SECRET_KEYS: '{"default":"sb_secret_x","other":"sb_secret_y"}',
  SUPABASE_PUBLISHABLE_KEYS: '{"default":"sb_publishable_x"}',
};

Deno.test("readSettings allows localhost in development only, and development must be set", () => {
  const production = readSettings({ ...ENVIRONMENT, ALLOWED_ORIGINS: " https://a.test ,, " });
  assertEquals(production.allowedOrigins, ["https://a.test"]);
  const local = readSettings({ ...ENVIRONMENT, ENVIRONMENT: "development" });
  const allows = originMatcher(local.allowedOrigins);
  for (const origin of ["http://localhost", "http://localhost:5173", "http://127.0.0.1:61234"]) {
    assert(allows(origin), origin);
  }
});

Deno.test("readSettings derives the issuer and the key set's address", () => {
  const { supabaseUrl, publicUrl, jwtIssuer, jwksUrl } = readSettings(ENVIRONMENT);
  assertEquals({ supabaseUrl, publicUrl, jwtIssuer, jwksUrl }, {
    supabaseUrl: "https://abc.supabase.co",
    publicUrl: "https://abc.supabase.co",
    jwtIssuer: "https://abc.supabase.co/auth/v1",
    jwksUrl: "https://abc.supabase.co/auth/v1/.well-known/jwks.json",
  });
});

Deno.test("readSettings prefers DATABASE_URL and the new API keys", () => {
  const { databaseUrl, secretKey, publishableKey } = readSettings({
    ...ENVIRONMENT,
    DATABASE_URL: "postgresql://pooler",
    SUPABASE_SERVICE_ROLE_KEY: "legacy",
    SUPABASE_ANON_KEY: "legacy",
  });
  assertEquals({ databaseUrl, secretKey, publishableKey }, {
    databaseUrl: "postgresql://pooler",
    secretKey: "sb_secret_x",
    publishableKey: "sb_publishable_x",
  });
  const { SUPABASE_SECRET_KEYS: _, ...legacy } = ENVIRONMENT;
  const { secretKey: bare } = readSettings({ ...legacy, SUPABASE_SERVICE_ROLE_KEY: "legacy" });
  assertEquals(bare, "legacy");
  const { acceptedSecretKeys } = readSettings(ENVIRONMENT);
  assertEquals(acceptedSecretKeys, ["sb_secret_x", "sb_secret_y"]);
});

Deno.test("readSettings looks for pictures only where it is told to", () => {
  assertEquals(readSettings(ENVIRONMENT).pictureSources, []);
  const { pictureSources } = readSettings({
    ...ENVIRONMENT,
    PICTURE_SOURCES: "favicons, gravatar",
  });
  assertEquals(pictureSources, ["favicons", "gravatar"]);
});

Deno.test("readSettings names what is missing", () => {
  for (const name of Object.keys(ENVIRONMENT)) {
    assertThrows(() => readSettings({ ...ENVIRONMENT, [name]: "" }), Error, "is not set", name);
  }
});

Deno.test("readSettings names what is malformed", () => {
  for (
    const [name, value] of [
      ["SUPABASE_SECRET_KEYS", "{}"],
      ["SUPABASE_SECRET_KEYS", '{"default":""}'],
      ["SUPABASE_JWKS", "{}"],
      ["RATE_LIMIT_PER_MINUTE", "many"],
      ["RATE_LIMIT_PER_MINUTE", "-1"],
      ["PICTURE_SOURCES", "gravatar,somewhere"],
      ["DATABASE_CONNECTIONS", "1.5"],
    ] as const
  ) {
    assertThrows(() => readSettings({ ...ENVIRONMENT, [name]: value }), Error, name, value);
  }
});

Deno.test("readSettings accepts a key set with keys, and leaves out an empty one", () => {
  const key = { kty: "oct" };
  const read = (jwks: string) => readSettings({ ...ENVIRONMENT, SUPABASE_JWKS: jwks }).jwks;
  assertEquals(read(JSON.stringify({ keys: [key] })), { keys: [key] });
  assertEquals(read(JSON.stringify([key])), { keys: [key] });
  assertEquals(read('{"keys":[]}'), undefined);
});
