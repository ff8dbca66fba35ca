/**
 * Client of the auth server. It uses the secret key, so an operation checks the caller's permission
 * in the database first. The library loads on the first use, since it would double the cold start.
 * It is `auth-js`, the part of supabase-js for users: the whole library would be twice as large.
 */
import type { AuthError, GoTrueClient } from "@supabase/auth-js";
import { Problem } from "./problem.ts";
import type { Settings } from "./settings.ts";

type AuthAdminClient = GoTrueClient["admin"];

export interface AuthAdmin {
  /** Returns Supabase's admin client. Its methods return `{ data, error }`; see `authProblem`. */
  admin(): Promise<AuthAdminClient>;
  /** Mails a link to set a new password. Throws the problem of `authProblem` when this fails. */
  recover(email: string): Promise<void>;
  /** Returns when the auth server answers. Throws `auth_unavailable` when it does not. */
  ping(): Promise<void>;
}

const NO_SESSION = { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false };

/** Creates the client. It sends nothing yet. */
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
      const url = `${settings.supabaseUrl}/auth/v1/health`;
      const headers = { apikey: settings.publishableKey };
      const response = await fetchWithin(settings)(url, { headers }).catch((cause) => {
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

/**
 * Returns the options `headers` and `fetch` of Supabase's libraries, for calls with the secret key.
 */
export function withSecretKey(settings: Settings) {
  const { secretKey } = settings;
  const headers = { apikey: secretKey, Authorization: `Bearer ${secretKey}` };
  return { headers, fetch: fetchWithin(settings) };
}

function fetchWithin({ timeLimits }: Settings): typeof fetch {
  return (input, init) => fetch(input, { ...init, signal: AbortSignal.timeout(timeLimits.answer) });
}

/**
 * Returns an error of the auth server as a problem. Operations handle the errors they expect first.
 */
export function authProblem(error: AuthError): Problem {
  const { code, status } = error;
  if (code === "email_exists") {
    return new Problem("email_taken", "This address cannot be used. Use another address.", {
      errors: { email: "This address cannot be used." },
      cause: error,
    });
  }
  if (code === "over_email_send_rate_limit" || status === 429) {
    const detail = "Too many mails were sent. Try again in a few minutes.";
    return new Problem("auth_rate_limited", detail, {
      headers: { "Retry-After": "60" },
      cause: error,
    });
  }
  if (code === "weak_password") {
    const detail = "The password is too weak. Choose a longer one.";
    return new Problem("invalid_value", detail, { errors: { password: detail }, cause: error });
  }
  if (code === "email_address_invalid" || code === "validation_failed") {
    const detail = "The auth server does not accept this address. Check it.";
    return new Problem("invalid_value", detail, { errors: { email: detail }, cause: error });
  }
  if (/sending.*(e-?mail|mail)/i.test(error.message)) {
    const detail = "The mail server refused the mail. Send the same request again.";
    return new Problem("mail_failed", detail, { cause: error });
  }
  // Without a status there was no answer, or something else than the auth server answered.
  if (!status || status >= 500) return unavailable(error);
  const detail = "The auth server refused the request. Report the request id.";
  return new Problem("internal", detail, { cause: error });
}

function unavailable(cause: unknown): Problem {
  const detail = "The auth server cannot be reached, or fails. Try again in a moment.";
  return new Problem("auth_unavailable", detail, { headers: { "Retry-After": "5" }, cause });
}
