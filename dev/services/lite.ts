/**
 * The PostgREST-, Auth- and Storage-compatible server under the stack, `@supabase/lite`, set up to
 * behave like a hosted project.
 */

import { App, type EmailDriver, setExperimental } from "@supabase/lite";
import { createPostgresConnection, type PostgresConnection } from "@supabase/lite/postgres";
import { roleOfApiKey } from "./keys.ts";
import { type MailContent, type MailType, renderMail } from "./mail.ts";
import { verifyLink } from "./links.ts";
import type { Settings } from "./settings.ts";
import { BCRYPT_COST, findUserByEmail } from "./users.ts";

/** Where uploaded files are kept; lite does not export the type by name. */
export type StorageAdapter = NonNullable<App["_storageAdapter"]>;

const CONNECTIONS = 5;

/** One server per concern, since each acts under its own database role. */
export interface LiteServers {
  auth: App;
  data: App;
  dataConnection: PostgresConnection;
  stop(): Promise<void>;
}

/** `databaseUrl` is a superuser's; `/auth/v1` narrows it to `supabase_auth_admin`. */
export function createLiteServers(
  settings: Settings,
  databaseUrl: string,
  storage: StorageAdapter,
): LiteServers {
  setExperimental("storage", true);
  Deno.env.set("LITE_AUTH_BCRYPT_COST", String(BCRYPT_COST));
  const authConnection = connect(databaseUrl, "supabase_auth_admin");
  const dataConnection = connect(databaseUrl);
  const auth = createApp(settings, authConnection);
  const data = createApp(settings, dataConnection);
  data._storageAdapter = storage;
  return {
    auth,
    data,
    dataConnection,
    stop: async () => void await Promise.all([authConnection.close(), dataConnection.close()]),
  };
}

function connect(url: string, role?: string): PostgresConnection {
  const connection = createPostgresConnection({
    url,
    postgresOptions: { max: CONNECTIONS, onnotice: () => {}, connection: role ? { role } : {} },
  });
  // On its first request lite would otherwise grant everything on every table with RLS to anon and
  // authenticated. What they may do is for the migrations to say.
  Reflect.set(connection, "rlsState", "active");
  return connection;
}

function createApp(settings: Settings, connection: PostgresConnection): App {
  return new App({
    connection,
    api: { schemas: ["public"] },
    storage: { enabled: true, file_size_limit: "50MiB" },
    studio: { enabled: false },
    auth: {
      enabled: true,
      jwt_secret: settings.jwtSecret,
      publishable_key: settings.publishableKey,
      secret_key: settings.secretKey,
      site_url: settings.siteUrl,
      additional_redirect_urls: ["http://localhost:*/**", "http://127.0.0.1:*/**"],
      email: {
        enable_confirmations: settings.confirmEmail,
        double_confirm_changes: false,
        template: { email_change: { subject: MAIL_SUBJECT.email_change } },
      },
    },
    options: {
      drivers: { email: mailDriver(settings) },
      server: {
        disableStudio: true,
        disableFallback: true,
        apiKeys: { resolver: async (key) => await resolveApiKey(settings, key) },
      },
    },
  });
}

async function resolveApiKey(settings: Settings, key: string) {
  const role = await roleOfApiKey(settings, key);
  if (!role) return null;
  const type = role === "anon" ? "publishable" as const : "secret" as const;
  return { type, claims: { role } };
}

/**
 * Lite renders its mails itself; a subject made of the template's variables brings these out, so
 * that the mail is written in the project's words and its link leads to the API.
 */
const MAIL_SUBJECT = {
  email_change: "email_change {{ .Token }} {{ .TokenHash }} {{ .Email }} {{ .NewEmail }}",
};

function mailDriver(settings: Settings): EmailDriver {
  return {
    send: async ({ to, subject, text }) => {
      const [type, content] = subject.startsWith("email_change ")
        ? await emailChange(settings, to, subject)
        : codeOnly(settings, to, text ?? "");
      settings.mail.send(await renderMail(type, content));
    },
  };
}

async function emailChange(
  settings: Settings,
  to: string,
  subject: string,
): Promise<[MailType, MailContent]> {
  const [type = "", otp = "", tokenHash = "", email = "", newEmail = ""] = subject.split(" ");
  const link = verifyLink(settings, tokenHash, type, settings.siteUrl);
  const data = (await findUserByEmail(settings.sql, email))?.raw_user_meta_data ?? {};
  const { siteUrl } = settings;
  const content = { to, newEmail, siteUrl, otp, tokenHash, link, redirectTo: siteUrl, data };
  return ["email_change", content];
}

/** The only other mail of lite's that is left: the code to confirm a change of password. */
function codeOnly(settings: Settings, to: string, text: string): [MailType, MailContent] {
  const otp = text.match(/\d{6}/)?.[0] ?? "";
  const { siteUrl } = settings;
  const content = { to, siteUrl, otp, tokenHash: "", link: null, redirectTo: siteUrl, data: {} };
  return ["reauthentication", content];
}
