/** The auth provider of react-admin, over a session of supabase-js. */
import { createClient as createSupabase } from "@supabase/supabase-js";
import { assertEquals, assertRejects } from "@std/assert";
import { createClient } from "../../client-sdk/src/mod.ts";
import { createAuthProvider } from "../../client-sdk/src/reactAdmin.ts";
import { createWorkspace, PASSWORD, stack, test } from "../support/workspace.ts";

function newProvider() {
  const supabase = createSupabase(stack.apiUrl, stack.publishableKey, {
    auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
  });
  const portico = createClient({ supabase, url: stack.functionUrl });
  return { portico, provider: createAuthProvider({ supabase, portico }) };
}

test("authProvider: signs in, tells who it is and what the role is, and signs out", async () => {
  const { admin, addMember } = await createWorkspace();
  const { portico, provider } = newProvider();
  await assertRejects(() => provider.checkAuth());
  assertEquals(await provider.getPermissions(), null);
  await provider.login({ username: admin.email, password: PASSWORD });
  await provider.checkAuth();
  const me = await portico.me.get();
  const { id, fullName, email } = await provider.getIdentity();
  assertEquals([id, fullName, email], [me.id, `${me.first_name} ${me.last_name}`, admin.email]);
  assertEquals(await provider.getPermissions(), "admin");
  await provider.logout();
  await assertRejects(() => provider.checkAuth());
  await provider.login({ email: (await addMember("rep")).email, password: PASSWORD });
  assertEquals(await provider.getPermissions(), "rep");
});

test("authProvider: a wrong password is the auth server's error", async () => {
  const { admin } = await createWorkspace();
  const { provider } = newProvider();
  await assertRejects(() => provider.login({ username: admin.email, password: "wrong" }), Error);
});

test("authProvider: only 401 signs the user out", async () => {
  const { portico, provider } = newProvider();
  const error = await assertRejects(() => portico.contacts.list());
  await assertRejects(() => provider.checkError(error));
  for (const status of [400, 403, 404, 409, 422, 429, 500]) await provider.checkError({ status });
  await provider.checkError(new Error("no connection"));
  await provider.checkError(undefined);
});
