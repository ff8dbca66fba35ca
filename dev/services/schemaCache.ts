/**
 * Keeps the REST server's picture of the schema fresh. As PostgREST it listens for the notification
 * that every schema change sends (systemSchema.ts).
 * Source: https://docs.postgrest.org/en/stable/references/schema_cache.html
 */

import type { PostgresConnection } from "@supabase/lite/postgres";
import type { ListenMeta, Sql } from "postgres";

/** Watches for schema changes on behalf of the REST server. */
export class SchemaCache {
  #listening: ListenMeta | undefined;
  #suspect = false;

  constructor(private superuser: Sql, private connection: PostgresConnection) {}

  /** Starts listening. Throws when the database cannot be reached. */
  async watch(): Promise<void> {
    await this.#listening?.unlisten().catch(() => {});
    const clear = () => void this.connection.clearSchemaCache();
    this.#listening = await this.superuser.listen("pgrst", clear);
    await this.connection.clearSchemaCache();
  }

  /**
   * Sends a request on. A failure of the database ends the listening unnoticed, so that after one,
   * or after a 404, which may be a table not yet known, the next request looks anew.
   */
  async serve(request: Request, send: (request: Request) => Promise<Response>): Promise<Response> {
    if (this.#suspect) {
      this.#suspect = await this.watch().then(() => false, () => true);
    }
    const response = await send(request);
    this.#suspect ||= response.status === 404 || response.status >= 500;
    return response;
  }
}
