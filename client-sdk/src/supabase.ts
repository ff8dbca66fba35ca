/** Options of a client that uses a client of supabase-js. */
import type { ClientOptions } from "./runtime.ts";

/** What is used of a client of supabase-js 2. */
export interface SupabaseClientLike {
  auth: {
    getSession(): Promise<{ data: { session: { access_token: string } | null } }>;
  };
}

/** Options with a client of supabase-js. They take precedence over what the client has. */
export interface SupabaseOptions extends Partial<ClientOptions> {
  supabase: SupabaseClientLike;
}

/** Returns the options with the address, the key and the session of the Supabase client. */
export function withSupabase({ supabase, ...options }: SupabaseOptions): ClientOptions {
  const read = (name: string) => {
    const value: unknown = Reflect.get(supabase, name);
    return typeof value === "string" ? value : undefined;
  };
  const project = read("supabaseUrl");
  const apiKey = read("supabaseKey");
  return {
    url: project === undefined ? "" : `${project.replace(/\/+$/, "")}/functions/v1/api`,
    token: async () => (await supabase.auth.getSession()).data.session?.access_token,
    ...(apiKey !== undefined && { apiKey }),
    ...options,
  };
}
