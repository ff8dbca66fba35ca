/** The auth provider of react-admin 5, over the session of supabase-js. */
import type { Portico } from "./portico.ts";

/** What is used of a client of supabase-js 2. */
export interface SupabaseAuthLike {
  auth: {
    getSession(): Promise<{ data: { session: object | null } }>;
    signInWithPassword(
      credentials: { email: string; password: string },
    ): Promise<{ error: Error | null }>;
    signOut(): Promise<{ error: Error | null }>;
  };
}

/** What the form of a sign-in has. react-admin's own form calls the address `username`. */
export interface Credentials {
  email?: string | undefined;
  username?: string | undefined;
  password?: string | undefined;
}

/** An auth provider for react-admin, whose types fit `AuthProvider` of `ra-core`. */
export type PorticoAuthProvider = {
  /** Rejects with the auth server's error. */
  login(credentials: Credentials): Promise<void>;
  logout(): Promise<void>;
  /** Rejects when nobody is signed in. */
  checkAuth(): Promise<void>;
  /** Rejects, so that react-admin signs the user out, at 401 alone. */
  checkError(error: unknown): Promise<void>;
  getIdentity(): Promise<{ id: number; fullName: string; avatar?: string; email: string }>;
  /** `admin`, `manager` or `rep`; null when nobody is signed in. */
  getPermissions(): Promise<"admin" | "manager" | "rep" | null>;
};

/** Creates an auth provider of a client and of the client of supabase-js that has its session. */
export function createAuthProvider(
  { supabase: { auth }, portico }: { supabase: SupabaseAuthLike; portico: Portico },
): PorticoAuthProvider {
  const isSignedIn = async () => (await auth.getSession()).data.session !== null;
  return {
    async login({ email, username, password }) {
      const credentials = { email: email ?? username ?? "", password: password ?? "" };
      const { error } = await auth.signInWithPassword(credentials);
      if (error) throw error;
    },
    async logout() {
      // supabase-js forgets the session also when the auth server cannot be reached.
      await auth.signOut();
    },
    async checkAuth() {
      if (!await isSignedIn()) throw new Error("Sign in.");
    },
    async checkError(error) {
      const status = typeof error === "object" && error !== null && "status" in error &&
        error.status;
      if (status === 401) throw error;
      await Promise.resolve();
    },
    async getIdentity() {
      const { id, first_name, last_name, avatar, email } = await portico.me.get();
      const src = avatar?.src;
      return { id, fullName: `${first_name} ${last_name}`, email, ...(src && { avatar: src }) };
    },
    getPermissions: async () => await isSignedIn() ? (await portico.me.get()).role : null,
  };
}
