/** SQL of API keys: the resource, and giving a key its secret. */
import { newKey } from "../../_shared/authentication.ts";
import type { Sql } from "../../_shared/database/database.ts";
import { listing } from "../../_shared/list/list.ts";
import { readBack, resource } from "../../_shared/records/records.ts";
import { api_keys_summary } from "../../_shared/schema.ts";
import { memberSql } from "../users/queries.ts";
import { ApiKey, ApiKeyInput, ApiKeyPatch, type ApiKeyWithSecret } from "./schema.ts";

export const apiKeys = resource({
  table: "api_keys",
  name: "API key",
  title: "an API key",
  withoutTrash: true,
  record: ApiKey,
  input: ApiKeyInput,
  patch: ApiKeyPatch,
  problems: [],
  list: listing({
    relation: api_keys_summary,
    record: ApiKey,
    defaultSort: "-created_at,-id",
    include: { maker: (sql) => memberSql(sql, sql`record.created_by`) },
  }),
});

/**
 * Gives a key a new secret, and returns the key with it. The earlier secrets end at the given time. The
 * database gets the hash alone.
 */
export async function withNewSecret(
  sql: Sql,
  id: number,
  oldExpireAt: string,
): Promise<ApiKeyWithSecret> {
  const { secret, hash, hint } = await newKey();
  await sql`select private.add_api_key_secret(${id}, ${hash}, ${hint}, ${oldExpireAt}::timestamptz)`;
  return { ...await readBack(sql, apiKeys, id), secret };
}
