/**
 * Checks the project's secret key, which a scheduler sends to call jobs: in `apikey`, as Supabase's
 * clients do, or as a bearer token. Source: Supabase, "API keys".
 */
import { Problem, type ProblemCode } from "../problem.ts";
import type { Settings } from "../settings.ts";

/** Throws 401 `secret_key_missing` or `secret_key_invalid` unless the headers carry the key. */
type RequireSecretKey = (headers: Headers) => Promise<void>;

/** Creates the check. It compares digests in constant time, so that timing reveals nothing. */
export function createRequireSecretKey({ acceptedSecretKeys }: Settings): RequireSecretKey {
  return async (headers) => {
    const keys = [headers.get("apikey"), bearer(headers)].filter((key) => key !== null);
    if (keys.length === 0) {
      throw refusal("secret_key_missing", "Send the project's secret key in the header `apikey`.");
    }
    for (const key of keys) {
      for (const accepted of acceptedSecretKeys) {
        if (areEqual(await digest(key), await digest(accepted))) return;
      }
    }
    throw refusal(
      "secret_key_invalid",
      "Send this project's secret key, not a publishable key or an access token.",
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
