/**
 * Keeps the REST server's schema cache up to date. Like PostgREST it listens for the notification that
 * every schema change sends (systemSchema.ts).
 * Source: https://docs.postgrest.org/en/stable/references/schema_cache.html
 */

import type { PostgresConnection } from "@supabase/lite/postgres";
import type { ListenMeta, Sql } from "postgres";

/** Clears the REST server's schema cache after schema changes. */
export class SchemaCache {
  #listening: ListenMeta | undefined;
  #mayBeStale = false;

  constructor(private superuser: Sql, private connection: PostgresConnection) {}

  /** Starts listening. Throws when the database cannot be reached. */
  async watch(): Promise<void> {
    await this.#listening?.unlisten().catch(() => {});
    const clear = () => void this.connection.clearSchemaCache();
    this.#listening = await this.superuser.listen("pgrst", clear);
    await this.connection.clearSchemaCache();
  }

  /**
   * Forwards a request. A failure of the database ends the listening without a notice. A 404 may be
   * a table that is not in the cache yet. After either, the next request clears the cache first.
   */
  async serve(request: Request, send: (request: Request) => Promise<Response>): Promise<Response> {
    if (this.#mayBeStale) {
      this.#mayBeStale = await this.watch().then(() => false, () => true);
    }
    const response = await send(request);
    this.#mayBeStale ||= response.status === 404 || response.status >= 500;
    return response;
  }
}
