/**
 * Callers for refused requests, which change nothing: two workspaces, every role, a disabled member,
 * and a user who is no member. Made once per test process.
 */
import {
  auth,
  createWorkspace,
  freshEmail,
  PASSWORD,
  sql,
  type Workspace,
} from "../support/workspace.ts";

/** Tokens of every kind of caller. */
export interface Callers {
  own: Workspace;
  foreign: Workspace;
  admin: string;
  manager: string;
  rep: string;
  disabled: string;
  outsider: string;
}

let made: Promise<Callers> | undefined;

/** The callers, made on first use. */
export function callers(): Promise<Callers> {
  return made ??= makeCallers();
}

async function makeCallers(): Promise<Callers> {
  const [own, foreign] = await Promise.all([createWorkspace(), createWorkspace()]);
  const [manager, rep, disabled, outsider] = await Promise.all([
    own.addMember("manager"),
    own.addMember("rep"),
    own.addMember("rep"),
    tokenOfOutsider(),
  ]);
  await sql`update public.sales set disabled = true where id = ${disabled.id}`;
  return {
    own,
    foreign,
    admin: own.admin.token,
    manager: manager.token,
    rep: rep.token,
    disabled: disabled.token,
    outsider,
  };
}

/** A valid token of a user without a member row. */
export async function tokenOfOutsider(): Promise<string> {
  const email = freshEmail();
  await auth("/signup", { email, password: PASSWORD });
  const { body } = await auth("/token?grant_type=password", { email, password: PASSWORD });
  await sql.begin(async (tx) => {
    // As the superuser, because the guard of the last admin refuses this to callers.
    await tx`delete from public.sales where user_id = ${body.user.id}`;
  });
  return body.access_token;
}
