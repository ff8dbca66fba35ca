/** Where the parts of a running stack are, and their keys. */

/** Coordinates of a running stack; plain data, so that they can be handed to other processes. */
export interface StackAddresses {
  apiUrl: string;
  functionUrl: string;
  mailUrl: string;
  /** As `postgres`, who owns the tables. */
  databaseUrl: string;
  /** As `supabase_admin`. */
  superuserUrl: string;
  /** As `portico_gateway`, the function's own login. */
  gatewayDatabaseUrl: string;
  publishableKey: string;
  secretKey: string;
  jwtSecret: string;
}
