/** The demo user of a local stack, who signs up like any other user and founds a workspace. */

import type { Stack } from "./stack.ts";

const EMAIL = "demo@portico.local";

/** Signs the demo user up unless there is one. Returns the e-mail address. */
export async function ensureDemoUser(stack: Stack): Promise<string> {
  const credentials = { email: EMAIL, password: stack.demoPassword };
  const known = await call(stack, "token?grant_type=password", credentials);
  if (known.ok) return EMAIL;
  const data = { first_name: "Dana", last_name: "Demo" };
  const created = await call(stack, "signup", { ...credentials, data });
  if (!created.ok) {
    throw new Error(`The demo user could not sign up: ${created.status} ${created.text}`);
  }
  return EMAIL;
}

async function call(stack: Stack, path: string, body: unknown) {
  const response = await fetch(`${stack.apiUrl}/auth/v1/${path}`, {
    method: "POST",
    headers: { "apikey": stack.publishableKey, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return { ok: response.ok, status: response.status, text: await response.text() };
}
