/**
 * The mails of the auth server: texts, and the project's own templates from `supabase/templates`.
 * Source: https://supabase.com/docs/guides/auth/auth-email-templates
 */

import type { AuthConfig } from "./authConfig.ts";

/** The kinds of mail, named as their templates and as `[auth.email.template.…]`. */
export type MailType =
  | "invite"
  | "confirmation"
  | "recovery"
  | "magic_link"
  | "email_change"
  | "reauthentication";

/** A mail that is ready to be sent. */
export interface Mail {
  to: string;
  subject: string;
  html: string;
  text: string;
  link: string | null;
}

/** A caught mail. */
export interface CaughtMail extends Mail {
  id: string;
  from: string;
  sent_at: string;
}

/** The values that a template can show. */
export interface MailContent {
  to: string;
  /** The new address, when a user changes it. */
  newEmail?: string;
  siteUrl: string;
  otp: string;
  tokenHash: string;
  link: string | null;
  redirectTo: string;
  data: Record<string, unknown>;
}

/** Thrown when the mail server refuses a mail. */
export class MailRefused extends Error {}

interface Wording {
  subject: string;
  text: string;
  button: string;
}

const WORDINGS: Record<MailType, Wording> = {
  invite: {
    subject: "You have been invited",
    text: "You have been invited to join a workspace. Accept the invitation and choose a password.",
    button: "Accept the invitation",
  },
  confirmation: {
    subject: "Confirm your e-mail address",
    text: "Welcome! Please confirm that this is your e-mail address.",
    button: "Confirm address",
  },
  recovery: {
    subject: "Reset your password",
    text: "Somebody, probably you, asked to reset your password. If it was not you, do nothing.",
    button: "Choose a new password",
  },
  magic_link: {
    subject: "Your sign-in link",
    text: "Here is your link to sign in. It works once.",
    button: "Sign in",
  },
  email_change: {
    subject: "Confirm your new e-mail address",
    text: "Please confirm the change of your e-mail address.",
    button: "Confirm new address",
  },
  reauthentication: {
    subject: "Your confirmation code",
    text: "Enter this code to confirm that it is you.",
    button: "",
  },
};

const TEMPLATES = new URL("../../supabase/templates/", import.meta.url);

/** Renders a mail, from the project's template when there is one. */
export async function renderMail(
  config: AuthConfig,
  type: MailType,
  content: MailContent,
): Promise<Mail> {
  const { text, button } = WORDINGS[type];
  const subject = config.email.template[type]?.subject ?? WORDINGS[type].subject;
  const template = await readTemplate(type) ?? defaultTemplate(WORDINGS[type]);
  const ways = [content.link ? `${button}: ${content.link}` : "", `Code: ${content.otp}`];
  return {
    to: content.to,
    subject: fillTemplate(subject, content, String),
    html: fillTemplate(template, content),
    text: [text, ...ways.filter(Boolean)].join("\n\n"),
    link: content.link,
  };
}

async function readTemplate(type: MailType): Promise<string | null> {
  try {
    return await Deno.readTextFile(new URL(`${type}.html`, TEMPLATES));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

function defaultTemplate({ subject, text, button }: Wording): string {
  const link = button && `<p><a href="{{ .ConfirmationURL }}">${button}</a></p>`;
  return `<h2>${subject}</h2>\n<p>${text}</p>\n${link}\n<p>Code: {{ .Token }}</p>\n`;
}

function fillTemplate(
  template: string,
  content: MailContent,
  escape: (text: string) => string = escapeHtml,
): string {
  const values: Record<string, unknown> = {
    ConfirmationURL: content.link,
    Token: content.otp,
    TokenHash: content.tokenHash,
    SiteURL: content.siteUrl,
    Email: content.to,
    NewEmail: content.newEmail,
    RedirectTo: content.redirectTo,
    Data: content.data,
  };
  const value = (path: string) => valueAt(values, path.slice(1).split("."));
  return template
    .replace(CONDITION, (_, path: string, then: string, otherwise = "") => {
      return value(path) === "" || value(path) === "false" ? otherwise : then;
    })
    .replace(VARIABLE, (_, path: string) => escape(value(path)));
}

const VARIABLE = /\{\{-?\s*((?:\.\w+)+)\s*-?\}\}/g;
/** `{{ if .Path }}…{{ else }}…{{ end }}`, not nested: what Go's templates offer and this project uses. */
const CONDITION =
  /\{\{\s*if ((?:\.\w+)+)\s*\}\}(.*?)(?:\{\{\s*else\s*\}\}(.*?))?\{\{\s*end\s*\}\}/gs;

function valueAt(values: unknown, [name, ...rest]: string[]): string {
  const isObject = typeof values === "object" && values !== null;
  const value: unknown = isObject
    ? Object.entries(values).find(([key]) => key === name)?.[1]
    : null;
  if (rest.length > 0) return valueAt(value, rest);
  if (value === undefined || value === null) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** Escapes text for HTML, in elements and in quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
