/**
 * Settings: the environment as typed values. Pure; the one reader of the environment is
 * `api/index.ts`. New Supabase names come first, legacy names second.
 */
import type { JSONWebKeySet } from "jose";

export interface Settings {
  production: boolean;
  /** e.g. `https://abc.supabase.co`, without a slash at the end. */
  supabaseUrl: string;
  /** The same as clients reach it; differs where functions run in a network of their own. */
  publicUrl: string;
  databaseUrl: string;
  /** At most so many connections per isolate. */
  databaseConnections: number;
  secretKey: string;
  publishableKey: string;
  /** Accepted issuer of access tokens. */
  jwtIssuer: string;
  /** HS256 secret of legacy projects and of the local stack. */
  jwtSecret?: string;
  /** Key set given by the platform; else it is fetched from the issuer. */
  jwks?: JSONWebKeySet;
  jwksUrl: string;
  /** Exact origins, or `https://*.example.com` for one label. */
  allowedOrigins: string[];
  /** Where links in mails lead; undefined = the project's Site URL. */
  siteUrl?: string;
  /** Requests per minute and caller; 0 = unlimited. */
  rateLimit: number;
}

type Environment = Record<string, string | undefined>;

const LOCAL_ORIGINS = [
  "http://localhost:3000",
  "http://localhost:5173",
  "http://127.0.0.1:3000",
  "http://127.0.0.1:5173",
];

/**
 * Reads the environment.
 * @throws Error naming the variable that is missing or malformed; there are no default secrets.
 */
export function readSettings(environment: Environment): Settings {
  const production = environment.ENVIRONMENT !== "development";
  const supabaseUrl = required(environment, "SUPABASE_URL").replace(/\/+$/, "");
  const listed = splitList(environment.ALLOWED_ORIGINS);
  return {
    production,
    supabaseUrl,
    publicUrl: (environment.PUBLIC_URL || supabaseUrl).replace(/\/+$/, ""),
    databaseUrl: environment.DATABASE_URL || required(environment, "SUPABASE_DB_URL"),
    databaseConnections: count(environment, "DATABASE_CONNECTIONS", 2),
    secretKey: apiKey(environment, "SUPABASE_SECRET_KEYS", "SUPABASE_SERVICE_ROLE_KEY"),
    publishableKey: apiKey(environment, "SUPABASE_PUBLISHABLE_KEYS", "SUPABASE_ANON_KEY"),
    jwtIssuer: environment.JWT_ISSUER || `${supabaseUrl}/auth/v1`,
    jwtSecret: environment.JWT_SECRET || undefined,
    jwks: keySet(environment.SUPABASE_JWKS),
    jwksUrl: `${supabaseUrl}/auth/v1/.well-known/jwks.json`,
    allowedOrigins: production ? listed : [...listed, ...LOCAL_ORIGINS],
    siteUrl: environment.SITE_URL || undefined,
    rateLimit: count(environment, "RATE_LIMIT_PER_MINUTE", 600),
  };
}

function required(environment: Environment, name: string): string {
  const value = environment[name];
  if (!value) throw new Error(`The environment variable ${name} is not set`);
  return value;
}

function splitList(text: string | undefined): string[] {
  return (text ?? "").split(",").map((item) => item.trim()).filter((item) => item !== "");
}

function count(environment: Environment, name: string, otherwise: number): number {
  const text = environment[name];
  if (!text) return otherwise;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new Error(`${name} is not a whole number`);
  return value;
}

/** New keys are JSON `{"default": "sb_…"}` (Supabase, "API keys"); legacy ones are bare. */
function apiKey(environment: Environment, name: string, legacyName: string): string {
  const keys = environment[name];
  if (!keys) return required(environment, legacyName);
  const parsed: unknown = JSON.parse(keys);
  if (typeof parsed === "object" && parsed !== null) {
    const [first] = "default" in parsed ? [parsed.default] : Object.values(parsed);
    if (typeof first === "string" && first !== "") return first;
  }
  throw new Error(`${name} holds no key`);
}

function keySet(text: string | undefined): JSONWebKeySet | undefined {
  if (!text) return undefined;
  const parsed: unknown = JSON.parse(text);
  const keys = Array.isArray(parsed) ? parsed : (parsed as { keys?: unknown } | null)?.keys;
  if (!Array.isArray(keys)) throw new Error("SUPABASE_JWKS is not a JSON Web Key Set");
  return keys.length > 0 ? { keys } : undefined;
}
