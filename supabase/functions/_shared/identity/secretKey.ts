/**
 * The project's secret key, with which a scheduler calls jobs: in `apikey`, as Supabase's own clients
 * send it, or as a bearer. Source: Supabase, "API keys".
 */
import { Problem, type ProblemCode } from "../problem.ts";
import type { Settings } from "../settings.ts";

/** Throws 401 `secret_key_missing` or `secret_key_invalid` unless the headers carry the key. */
export type RequireSecretKey = (headers: Headers) => Promise<void>;

/** Makes the check; what is compared are digests, bit by bit to their end, so that time tells nothing. */
export function createRequireSecretKey({ secretKey }: Settings): RequireSecretKey {
  return async (headers) => {
    const given = [headers.get("apikey"), bearer(headers)].filter((key) => key !== null);
    if (given.length === 0) {
      throw refusal("secret_key_missing", "Send the project's secret key in the header `apikey`.");
    }
    for (const key of given) {
      if (areEqual(await digest(key), await digest(secretKey))) return;
    }
    throw refusal(
      "secret_key_invalid",
      "Send this project's secret key, not a public or user's one.",
    );
  };
}

function bearer(headers: Headers): string | null {
  return /^bearer\s+(\S+)$/i.exec(headers.get("Authorization")?.trim() ?? "")?.[1] ?? null;
}

async function digest(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}

function areEqual(left: Uint8Array, right: Uint8Array): boolean {
  return left.reduce((difference, byte, index) => difference | (byte ^ (right[index] ?? 0)), 0) ===
    0;
}

function refusal(code: ProblemCode, detail: string): Problem {
  return new Problem(code, detail, { headers: { "WWW-Authenticate": 'Bearer realm="portico"' } });
}
