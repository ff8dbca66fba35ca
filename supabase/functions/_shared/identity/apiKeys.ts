/**
 * API keys: `ptc_`, 256 random bits in base62, and a checksum. Scanners of code find a leaked key by its
 * prefix and its checksum, which is also compared before the database is asked. The database has
 * SHA-256 of a key: nobody can guess 256 random bits, so a slow hash would protect nothing more.
 */
import { Problem, type ProblemCode } from "../problem.ts";

/** The beginning of every key. */
export const KEY_PREFIX = "ptc_";

/** A new key, which is shown once. */
export interface NewKey {
  secret: string;
  /** SHA-256 in hexadecimal, which is stored. */
  hash: string;
  /** The first characters, by which people know the key. */
  hint: string;
}

/** The state of a stored key. */
export type KeyStatus = "active" | "expired" | "revoked";

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const SECRET_BYTES = 32;
/** Digits of 256 bits, and of a CRC-32. */
const SECRET_LENGTH = 43;
const CHECKSUM_LENGTH = 6;
const HINT_LENGTH = KEY_PREFIX.length + 6;
const FORMAT = new RegExp(`^${KEY_PREFIX}[0-9A-Za-z]{${SECRET_LENGTH + CHECKSUM_LENGTH}}$`);

/** Makes a key. */
export async function newKey(): Promise<NewKey> {
  const bytes = crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
  const number = bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  const unchecked = KEY_PREFIX + base62(number, SECRET_LENGTH);
  const secret = unchecked + checksumOf(unchecked);
  return { secret, hash: await hashOf(secret), hint: secret.slice(0, HINT_LENGTH) };
}

/**
 * Returns the SHA-256 of a key in hexadecimal.
 * @throws Problem `api_key_malformed` when the format or the checksum is wrong.
 */
export async function parseKey(text: string): Promise<string> {
  const unchecked = text.slice(0, -CHECKSUM_LENGTH);
  if (!FORMAT.test(text) || !text.endsWith(checksumOf(unchecked))) {
    throw keyProblem(
      "api_key_malformed",
      "Send the whole API key as it was shown when it was made.",
    );
  }
  return await hashOf(text);
}

/** Throws 401 with the reason unless the key is active. Undefined: no key has the secret. */
export function requireActive(status: KeyStatus | undefined): void {
  if (status === "active") return;
  if (status === undefined) {
    throw keyProblem("api_key_unknown", "Ask an administrator of your workspace for an API key.");
  }
  throw status === "expired"
    ? keyProblem("api_key_expired", "The key, or this secret of it, has ended. Use the new one.")
    : keyProblem("api_key_revoked", "Ask an administrator of your workspace for another API key.");
}

function keyProblem(code: ProblemCode, detail: string): Problem {
  const challenge = `Bearer realm="portico", error="invalid_token", error_description="${code}"`;
  return new Problem(code, detail, { headers: { "WWW-Authenticate": challenge } });
}

async function hashOf(secret: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(secret));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function checksumOf(text: string): string {
  return base62(BigInt(crc32(text)), CHECKSUM_LENGTH);
}

function base62(number: bigint, length: number): string {
  let text = "";
  for (let rest = number; text.length < length; rest /= 62n) {
    text = DIGITS[Number(rest % 62n)] + text;
  }
  return text;
}

/** CRC-32 of ASCII text (ISO 3309). */
function crc32(text: string): number {
  let crc = ~0;
  for (const character of text) {
    crc ^= character.charCodeAt(0);
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return ~crc >>> 0;
}
