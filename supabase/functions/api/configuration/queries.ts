/** SQL of the configuration. */
import type { Sql } from "../../_shared/database/database.ts";
import { invariant } from "../../_shared/problem.ts";
import type { Configuration } from "./schema.ts";

/** Returns the workspace's configuration: the stored keys, and the defaults of the others. */
export async function getConfiguration(sql: Sql): Promise<Configuration> {
  const [row] = await sql<{ record: Configuration }[]>`
    select json_build_object(
      'id', id,
      'config', private.effective_configuration(config),
      'updated_at', updated_at
    ) as record
    from configuration`;
  return invariant(row?.record, "The workspace has no configuration");
}

/** Stores these keys. A key with the value null is removed. */
export async function storeConfig(sql: Sql, config: object): Promise<void> {
  await sql`
    update configuration
    set config = (
      select coalesce(jsonb_object_agg(key, value), '{}')
      from jsonb_each(configuration.config || ${JSON.stringify(config)}::text::jsonb)
      where jsonb_typeof(value) <> 'null'
    )`;
}
