/** Addresses and keys of a running stack. */

/** Addresses and keys as plain data, so that they can be passed to other processes. */
export interface StackAddresses {
  apiUrl: string;
  functionUrl: string;
  mailUrl: string;
  /** Connects as `postgres`, the owner of the tables. */
  databaseUrl: string;
  /** Connects as `supabase_admin`, a superuser. */
  superuserUrl: string;
  /** Connects as `portico_gateway`, the login role of the function. */
  gatewayDatabaseUrl: string;
  publishableKey: string;
  secretKey: string;
  jwtSecret: string;
}
