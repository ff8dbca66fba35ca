/**
 * The auth server with the secret key: for users alone, after the database has said that the caller
 * may. The client loads on the first route that needs it, since it would double the cold start. It is the
 * part of supabase-js for users; the whole of supabase-js would be twice as large.
 */
import type { AuthError, GoTrueClient } from "@supabase/auth-js";
import { Problem } from "./problem.ts";
import type { Settings } from "./settings.ts";

export type AuthAdminClient = GoTrueClient["admin"];

export interface AuthAdmin {
  /** Supabase's admin client; its calls return `{ data, error }`, see `authProblem`. */
  admin(): Promise<AuthAdminClient>;
  /** Mails a link to set a new password. Throws a problem when that fails. */
  recover(email: string): Promise<void>;
  /** Resolves when the auth server answers. */
  ping(): Promise<void>;
}

const ANSWER_WITHIN_MS = 4_000;
const NO_SESSION = { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false };

/** Creates the client lazily. */
export function createAuthAdmin(settings: Settings): AuthAdmin {
  let client: Promise<GoTrueClient> | undefined;
  const connect = () => client ??= createAuthClient(settings);
  return {
    admin: async () => (await connect()).admin,
    recover: async (email) => {
      const auth = await connect();
      const { error } = await auth.resetPasswordForEmail(email, { redirectTo: settings.siteUrl });
      if (error) throw authProblem(error);
    },
    ping: async () => {
      const headers = { apikey: settings.publishableKey };
      const response = await fetchPromptly(`${settings.supabaseUrl}/auth/v1/health`, { headers })
        .catch((cause) => {
          throw unavailable(cause);
        });
      await response.body?.cancel();
      if (response.status >= 500) throw unavailable(response.status);
    },
  };
}

async function createAuthClient(settings: Settings): Promise<GoTrueClient> {
  const { AuthClient } = await import("@supabase/auth-js");
  const url = `${settings.supabaseUrl}/auth/v1`;
  return new AuthClient({ url, ...NO_SESSION, ...withSecretKey(settings) });
}

/** Headers and fetch of Supabase's clients, as supabase-js sets them for a secret key. */
export function withSecretKey({ secretKey }: Settings) {
  const headers = { apikey: secretKey, Authorization: `Bearer ${secretKey}` };
  return { headers, fetch: fetchPromptly };
}

function fetchPromptly(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  return fetch(input, { ...init, signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
}

/** An error of the auth server as a problem; operations handle the codes they expect before this. */
export function authProblem(error: AuthError): Problem {
  const { code, status } = error;
  if (code === "email_exists") {
    return new Problem("email_taken", "An account with this address exists. Use another address.", {
      errors: { email: "This address is taken." },
      cause: error,
    });
  }
  if (code === "over_email_send_rate_limit" || status === 429) {
    return new Problem(
      "auth_rate_limited",
      "Too many mails were sent. Try again in a few minutes.",
      {
        headers: { "Retry-After": "60" },
        cause: error,
      },
    );
  }
  if (code === "weak_password") {
    const detail = "The password is too weak. Choose a longer one.";
    return new Problem("invalid_value", detail, { errors: { password: detail }, cause: error });
  }
  if (code === "email_address_invalid" || code === "validation_failed") {
    const detail = "The auth server refuses this address. Check it.";
    return new Problem("invalid_value", detail, { errors: { email: detail }, cause: error });
  }
  if (!status || status === 502 || status === 503 || status === 504) return unavailable(error);
  if (/sending.*(e-?mail|mail)/i.test(error.message)) {
    return new Problem("mail_failed", "The mail server refused. Send the same request again.", {
      cause: error,
    });
  }
  return new Problem("internal", "The auth server failed. Try again, and quote the request id.", {
    cause: error,
  });
}

function unavailable(cause: unknown): Problem {
  return new Problem(
    "auth_unavailable",
    "The auth server cannot be reached. Try again in a moment.",
    {
      headers: { "Retry-After": "5" },
      cause,
    },
  );
}
