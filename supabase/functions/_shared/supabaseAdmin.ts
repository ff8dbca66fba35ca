/**
 * Client of the auth server. It uses the secret key, so an operation checks the caller's permission
 * in the database first. The library loads on the first use, since it would double the cold start.
 * It is `auth-js`, the part of supabase-js for users: the whole library would be twice as large.
 */
import type { AuthAdminApi, AuthError } from "@supabase/auth-js";
import { Problem } from "./problem.ts";
import type { Settings } from "./settings.ts";

type AuthAdminClient = InstanceType<typeof AuthAdminApi>;
/** The members of an error of the auth server that a problem is made from. */
type AuthFailure = Pick<AuthError, "code" | "status" | "message">;

export interface AuthAdmin {
  /** Returns Supabase's admin client. Its methods return `{ data, error }`; see `authProblem`. */
  admin(): Promise<AuthAdminClient>;
  /** Mails a link to set a new password. Throws the problem of `authProblem` when this fails. */
  recover(email: string): Promise<void>;
  /** Returns when the auth server answers. Throws `auth_unavailable` when it does not. */
  ping(): Promise<void>;
}

/** Creates the client. It sends nothing yet. */
export function createAuthAdmin(settings: Settings): AuthAdmin {
  let client: Promise<AuthAdminClient> | undefined;
  return {
    admin: () => client ??= createAdminClient(settings),
    recover: (email) => requestRecovery(settings, email),
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

async function createAdminClient(settings: Settings): Promise<AuthAdminClient> {
  const { AuthAdminApi } = await import("./authAdminApi.ts");
  const url = `${settings.supabaseUrl}/auth/v1`;
  return new AuthAdminApi({ url, ...withSecretKey(settings) });
}

/** Source: Supabase Auth, `POST /recover`. */
async function requestRecovery(settings: Settings, email: string): Promise<void> {
  const { headers, fetch } = withSecretKey(settings);
  const address = new URL(`${settings.supabaseUrl}/auth/v1/recover`);
  if (settings.siteUrl) address.searchParams.set("redirect_to", settings.siteUrl);
  const response = await fetch(address, {
    method: "POST",
    headers: { ...headers, "Content-Type": "application/json" },
    body: JSON.stringify({ email }),
  }).catch((cause) => {
    throw unavailable(cause);
  });
  if (!response.ok) throw authProblem(await failureOf(response));
  await response.body?.cancel();
}

/** An error of the auth server has `error_code` and `msg`. Something else may have answered. */
async function failureOf(response: Response): Promise<AuthFailure> {
  const body: unknown = await response.json().catch(() => null);
  const { error_code, msg } = Object(body);
  return {
    status: response.status,
    code: typeof error_code === "string" ? error_code : undefined,
    message: typeof msg === "string" ? msg : "",
  };
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
export function authProblem(error: AuthFailure): Problem {
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
