/**
 * Settings: the environment variables as typed values. Only `api/index.ts` reads the environment.
 * New names of Supabase take precedence over legacy names.
 */
import type { JSONWebKeySet } from "jose";

export interface Settings {
  /** Without a slash at the end: `https://abc.supabase.co`. */
  supabaseUrl: string;
  /** The same server's address for clients, where functions use an internal address. */
  publicUrl: string;
  databaseUrl: string;
  /** Maximum number of connections per isolate. */
  databaseConnections: number;
  /** In milliseconds. No variable sets them; tests lower them. */
  timeLimits: TimeLimits;
  /** For the body of a request, in milliseconds. No variable sets it. */
  bodyTimeLimit: number;
  /** The secret key that the function uses. */
  secretKey: string;
  /** The secret keys that schedulers may send, so that a new one can replace the old one. */
  acceptedSecretKeys: string[];
  publishableKey: string;
  /** Accepted issuer of access tokens. */
  jwtIssuer: string;
  /** HS256 secret, for legacy projects and the local stack. */
  jwtSecret?: string;
  /** Key set from the environment. Without it, the key set is fetched from `jwksUrl`. */
  jwks?: JSONWebKeySet;
  jwksUrl: string;
  /** Exact origins, or patterns such as `https://*.example.com`, where `*` is one label or a port. */
  allowedOrigins: string[];
  /** Target of links in mails. Default: the project's Site URL. */
  siteUrl?: string;
  /** Requests per minute and caller; 0 = no limit. */
  rateLimit: number;
  /** Days after which entries of the log are dropped. */
  logRetentionDays: number;
  /** Where a job may look for missing pictures. Without one it looks nowhere. */
  pictureSources: PictureSource[];
  /** Where spans of requests are sent. Undefined: nowhere. */
  spans?: SpanSettings;
}

/** A collector of OpenTelemetry. The variables are those of its specification. */
export interface SpanSettings {
  /** Address for traces: `https://collector.example.com/v1/traces`. */
  url: string;
  headers: Record<string, string>;
  serviceName: string;
}

interface TimeLimits {
  /**
   * For an answer of the auth or storage server, for a free connection to the database, and for the
   * first answer on it.
   */
  answer: number;
  /**
   * For the transactions of one request together, with the waiting for their connections. Jobs and
   * exports have it for each transaction. Longer than one statement may take.
   */
  transaction: number;
}

const BODY_TIME_LIMIT = 30_000;
const TIME_LIMITS: TimeLimits = { answer: 4_000, transaction: 15_000 };

export type PictureSource = (typeof PICTURE_SOURCES)[number];

const PICTURE_SOURCES = ["gravatar", "favicons"] as const;

type Environment = Record<string, string | undefined>;

/** Every port of the machine, because each development server chooses its own. */
const LOCAL_ORIGINS = ["localhost", "127.0.0.1"].flatMap((host) => [
  `http://${host}`,
  `http://${host}:*`,
]);

/**
 * Returns the settings of an environment. Secrets have no defaults.
 * @throws Error naming the variable that is missing or malformed.
 */
export function readSettings(environment: Environment): Settings {
  const production = environment.ENVIRONMENT !== "development";
  const supabaseUrl = required(environment, "SUPABASE_URL").replace(/\/+$/, "");
  const listed = splitList(environment.ALLOWED_ORIGINS);
  const secretKeys = apiKeys(environment, "SUPABASE_SECRET_KEYS", "SUPABASE_SERVICE_ROLE_KEY");
  const [publishableKey] = apiKeys(environment, "SUPABASE_PUBLISHABLE_KEYS", "SUPABASE_ANON_KEY");
  return {
    supabaseUrl,
    publicUrl: (environment.PUBLIC_URL || supabaseUrl).replace(/\/+$/, ""),
    databaseUrl: environment.DATABASE_URL || required(environment, "SUPABASE_DB_URL"),
    databaseConnections: count(environment, "DATABASE_CONNECTIONS", 2),
    timeLimits: TIME_LIMITS,
    bodyTimeLimit: BODY_TIME_LIMIT,
    secretKey: secretKeys[0],
    acceptedSecretKeys: secretKeys,
    publishableKey,
    jwtIssuer: environment.JWT_ISSUER || `${supabaseUrl}/auth/v1`,
    jwtSecret: environment.JWT_SECRET || undefined,
    jwks: keySet(environment.SUPABASE_JWKS),
    jwksUrl: `${supabaseUrl}/auth/v1/.well-known/jwks.json`,
    allowedOrigins: production ? listed : [...listed, ...LOCAL_ORIGINS],
    siteUrl: environment.SITE_URL || undefined,
    rateLimit: count(environment, "RATE_LIMIT_PER_MINUTE", 600),
    logRetentionDays: count(environment, "LOG_RETENTION_DAYS", 400),
    pictureSources: splitList(environment.PICTURE_SOURCES).map(pictureSource),
    spans: spanSettings(environment),
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

/** Reads the variables of OpenTelemetry ("OpenTelemetry Protocol Exporter"). */
function spanSettings(environment: Environment): SpanSettings | undefined {
  const endpoint = environment.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (!endpoint) return undefined;
  const headers = splitList(environment.OTEL_EXPORTER_OTLP_HEADERS).map((pair) => {
    const [name = "", ...value] = pair.split("=");
    return [name.trim(), decodeURIComponent(value.join("=").trim())];
  });
  return {
    url: `${endpoint.replace(/\/+$/, "")}/v1/traces`,
    headers: Object.fromEntries(headers),
    serviceName: environment.OTEL_SERVICE_NAME || "portico",
  };
}

function pictureSource(name: string): PictureSource {
  const source = PICTURE_SOURCES.find((known) => known === name);
  if (source) return source;
  throw new Error(`PICTURE_SOURCES has an unknown source. Use ${PICTURE_SOURCES.join(" or ")}`);
}

function count(environment: Environment, name: string, fallback: number): number {
  const text = environment[name];
  if (!text) return fallback;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new Error(`${name} is not a whole number`);
  return value;
}

/**
 * New variables are JSON `{"default": "sb_…"}` (Supabase, "API keys"). A legacy one is the key
 * itself.
 */
/** Returns the keys of a variable, the default one first, or the one of the legacy variable. */
function apiKeys(
  environment: Environment,
  name: string,
  legacyName: string,
): [string, ...string[]] {
  const keys = environment[name];
  if (!keys) return [required(environment, legacyName)];
  const parsed: unknown = JSON.parse(keys);
  const { default: preferred, ...others } = Object(parsed) as Record<string, unknown>;
  const [first, ...further] = [preferred, ...Object.values(others)].filter(isText);
  if (first !== undefined && preferred !== "") return [first, ...further];
  throw new Error(`${name} contains no key`);
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

function keySet(text: string | undefined): JSONWebKeySet | undefined {
  if (!text) return undefined;
  const parsed: unknown = JSON.parse(text);
  const keys = Array.isArray(parsed) ? parsed : (parsed as { keys?: unknown } | null)?.keys;
  if (!Array.isArray(keys)) throw new Error("SUPABASE_JWKS is not a JSON Web Key Set");
  return keys.length > 0 ? { keys } : undefined;
}
