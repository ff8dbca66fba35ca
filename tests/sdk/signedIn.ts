/** SDK clients of users who are signed in through supabase-js, as in an app. */
import { createClient as createSupabase } from "@supabase/supabase-js";
import { type ClientOptions, createClient } from "../../client-sdk/src/mod.ts";
import { createWorkspace, PASSWORD, stack, type TestMember } from "../support/workspace.ts";

/** Signs a member in and returns the client. */
export async function clientOf(member: TestMember, options: Partial<ClientOptions> = {}) {
  const supabase = createSupabase(stack.apiUrl, stack.publishableKey, {
    auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
  });
  const { email } = member;
  const { error } = await supabase.auth.signInWithPassword({ email, password: PASSWORD });
  if (error) throw error;
  return createClient({
    url: stack.functionUrl,
    apiKey: stack.publishableKey,
    token: async () => (await supabase.auth.getSession()).data.session?.access_token,
    ...options,
  });
}

/** The founder of a new workspace, as a client. */
export async function newClient(options: Partial<ClientOptions> = {}) {
  return await clientOf((await createWorkspace()).admin, options);
}
