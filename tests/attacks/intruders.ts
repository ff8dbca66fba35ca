/** Callers without a right to a workspace, from nobody to the admin of another one. */
import * as z from "zod";
import { newKey } from "../../supabase/functions/_shared/authentication.ts";
import { makeKey } from "../api/api_keys/key.ts";
import { tokenOfOutsider } from "../conformance/callers.ts";
import { sign } from "../identity/tokens.ts";
import { createWorkspace, freshEmail, sql, stack, type Workspace } from "../support/workspace.ts";

/** A kind of caller. */
export interface Intruder {
  name: string;
  /** The credentials of the caller's requests. */
  headers: Record<string, string>;
  /** Nobody: no valid token. User: a valid token without rights. Member: of another workspace. */
  kind: "nobody" | "user" | "member";
}

/** The callers, and the workspace of those who are members. */
export interface Intruders {
  callers: Intruder[];
  own: Workspace;
  admin: Intruder;
}

/** Makes the callers. */
export async function createIntruders(victim: Workspace): Promise<Intruders> {
  const own = await createWorkspace();
  const [rep, disabled, outsider] = await Promise.all([
    own.addMember("rep"),
    victim.addMember("admin"),
    tokenOfOutsider(),
  ]);
  await sql`update public.sales set disabled = true where id = ${disabled.id}`;
  const claims = claimsOf(victim.admin.token);
  const past = { iat: 1_600_000_000, exp: 1_600_003_600 };
  const admin = bearer("an admin of another workspace", own.admin.token, "member");
  const callers: Intruder[] = [
    { name: "nobody", headers: {}, kind: "nobody" },
    { name: "the publishable key", headers: { apikey: stack.publishableKey }, kind: "nobody" },
    bearer("the publishable key as token", stack.publishableKey, "nobody"),
    bearer("a forged token", await sign(claims, "x".repeat(40)), "nobody"),
    bearer("an expired token", await sign({ ...claims, ...past }, stack.jwtSecret), "nobody"),
    bearer("a user without membership", outsider, "user"),
    bearer("an invited user who has not joined", await invitedToken(victim, claims), "user"),
    bearer("a disabled admin", disabled.token, "user"),
    ...await keysOf(victim, claims),
    bearer(
      "an admin's API key of another workspace",
      (await makeKey(own, { role: "admin" })).secret,
      "member",
    ),
    bearer("a rep of another workspace", rep.token, "member"),
    admin,
  ];
  return { callers, own, admin };
}

function bearer(name: string, token: string, kind: Intruder["kind"]): Intruder {
  return {
    name,
    headers: { apikey: stack.publishableKey, Authorization: `Bearer ${token}` },
    kind,
  };
}

/** API keys of the victim that are no longer valid, an invented one, and a token that names a key. */
async function keysOf(
  victim: Workspace,
  claims: Record<string, unknown>,
): Promise<Intruder[]> {
  const body = { role: "admin" };
  const [revoked, expired, valid] = await Promise.all([
    makeKey(victim, body),
    makeKey(victim, body),
    makeKey(victim, body),
  ]);
  await victim.admin.api.delete(`/api_keys/${revoked.id}`);
  await sql`update public.api_keys set expires_at = now() where id = ${expired.id}`;
  const [member] = await sql<{ sub: string }[]>`
    select user_id as sub from public.sales where id = ${valid.id}`;
  return [
    bearer("a revoked API key", revoked.secret, "nobody"),
    bearer("an expired API key", expired.secret, "nobody"),
    bearer("an invented API key", (await newKey()).secret, "nobody"),
    bearer(
      "a token that names an API key",
      await sign({ ...claims, ...member }, stack.jwtSecret),
      "user",
    ),
  ];
}

function claimsOf(token: string): Record<string, unknown> {
  const [, payload = ""] = token.split(".");
  const text = atob(payload.replaceAll("-", "+").replaceAll("_", "/"));
  return z.record(z.string(), z.unknown()).parse(JSON.parse(text));
}

/** A token under the id of an invitation whose auth user does not exist yet. */
async function invitedToken(
  { id: workspace_id }: Workspace,
  claims: Record<string, unknown>,
): Promise<string> {
  const id = crypto.randomUUID();
  await sql`
    insert into public.invitations (id, workspace_id, email, role)
    values (${id}, ${workspace_id}, ${freshEmail()}, 'admin')`;
  return await sign({ ...claims, sub: id }, stack.jwtSecret);
}
