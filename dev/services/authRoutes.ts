/** `/auth/v1`: the routes of Supabase Auth that the stack's auth server lacks or answers differently. */

import { Hono } from "hono";
import { adminUserRoutes } from "./adminUsers.ts";
import { updateOwnUser, verifyEmailChange } from "./emailChange.ts";
import { magicLink, recover, resend, signUp } from "./emailRoutes.ts";
import { AuthError, errorResponse, unexpectedFailure } from "./errors.ts";
import { requireAdmin, resolveCaller } from "./keys.ts";
import { generateLink, invite } from "./linkRoutes.ts";
import {
  assertBearerNotBanned,
  type Forward,
  forward,
  openSession,
  rewritten,
  token,
  verify,
} from "./sessions.ts";
import type { Settings } from "./settings.ts";

/** All routes below `/auth/v1`. Other requests are forwarded to the auth server unchanged. */
export function authRoutes(settings: Settings, send: Forward): Hono {
  const routes = new Hono().basePath("/auth/v1");
  routes.onError((error, c) => errorResponse(c.req.raw, asAuthError(settings, error)));
  addAdminRoutes(routes, settings);
  addMailRoutes(routes, settings, send);
  routes.post("/token", (c) => token(settings, c.req.raw, send));
  routes.on(["GET", "POST"], "/verify", async (c) => {
    const { raw } = c.req;
    return await verifyEmailChange(settings, raw.clone(), send) ??
      await verify(settings, raw, send);
  });
  routes.put("/user", async (c) => {
    await assertBearerNotBanned(settings, c.req.raw);
    return await updateOwnUser(settings, c.req.raw, send);
  });
  routes.post("/logout", async (c) => forward(settings, await withScope(c.req.raw), send));
  routes.on(["GET", "PUT"], ["/user", "/reauthenticate"], async (c) => {
    await assertBearerNotBanned(settings, c.req.raw);
    return await forward(settings, c.req.raw, send);
  });
  // Supabase's own local stack answers it without a key, and scripts wait for it.
  routes.get("/health", (c) => forward(settings, withKey(settings, c.req.raw), send));
  routes.all("/*", (c) => forward(settings, c.req.raw, send));
  return routes;
}

function withKey(settings: Settings, request: Request): Request {
  const keyed = rewritten(request, request.url);
  keyed.headers.set("apikey", settings.publishableKey);
  return keyed;
}

function addAdminRoutes(routes: Hono, settings: Settings): void {
  routes.use("/admin/*", async (c, next) => {
    await requireAdmin(settings, c.req.raw);
    await next();
  });
  routes.route("/admin/users", adminUserRoutes(settings));
  routes.post("/admin/generate_link", (c) => generateLink(settings, c.req.raw));
  routes.post("/invite", async (c) => {
    await requireAdmin(settings, c.req.raw);
    return await invite(settings, c.req.raw);
  });
}

function addMailRoutes(routes: Hono, settings: Settings, send: Forward): void {
  const handlers = { "/recover": recover, "/otp": magicLink, "/magiclink": magicLink };
  for (const [path, handle] of Object.entries({ ...handlers, "/resend": resend })) {
    routes.post(path, async (c) => {
      await resolveCaller(settings, c.req.raw);
      return await handle(settings, c.req.raw);
    });
  }
  routes.post("/signup", async (c) => {
    await resolveCaller(settings, c.req.raw);
    return await signUp(settings, c.req.raw, (user) => {
      return openSession(settings, c.req.raw, user, send);
    });
  });
}

/** A sign-out without a scope ends every session of the user. */
async function withScope(request: Request): Promise<Request> {
  const url = new URL(request.url);
  if (!url.searchParams.has("scope")) url.searchParams.set("scope", "global");
  return rewritten(request, url, await request.text());
}

function asAuthError(settings: Settings, error: Error): AuthError {
  if (error instanceof AuthError) return error;
  settings.log(`auth: ${error.stack ?? error.message}`);
  return unexpectedFailure("Unexpected failure, please check server logs for more information");
}
