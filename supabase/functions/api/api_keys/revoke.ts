/**
 * Revoking an API key: from the commit on, no request with it succeeds. Its member stays, disabled, since
 * records and the history name it. The records stay with it, or another member becomes their owner.
 */
import * as z from "zod";
import type { Sql } from "../../_shared/database/database.ts";
import { idParams, idText, nothing } from "../../_shared/fields.ts";
import { write } from "../../_shared/operation.ts";
import { found } from "../../_shared/problem.ts";
import { requireMatch } from "../../_shared/records/records.ts";
import { lockMembers, moveOwned, requireNewOwner } from "../users/ownership.ts";
import { apiKeys } from "./queries.ts";

const RevokeQuery = z.object({
  reassign_to: idText.optional().describe(
    "Id of the new owner of the key's records. Without one they stay with the revoked key.",
  ),
});

export const revokeApiKey = write({
  id: "api_keys.delete",
  method: "DELETE",
  path: "/api_keys/:id",
  summary: "Revoke an API key",
  description:
    "The key ends at once, with all its secrets, and never returns: the undo of this is refused. A " +
    "repeated request succeeds.",
  access: "member",
  allowed: "admin",
  keys: false,
  ifMatch: true,
  params: idParams,
  query: RevokeQuery,
  output: nothing,
  status: 204,
  problems: ["unknown_reference"],
  run: ({ sql }, { params, query, ifMatch }) => revoke(sql, params.id, query.reassign_to, ifMatch),
});

async function revoke(
  sql: Sql,
  id: number,
  reassign_to: number | undefined,
  ifMatch: string[] | undefined,
): Promise<void> {
  await sql`select from api_keys where id = ${id} for update`;
  const key = await apiKeys.list.find(sql, id);
  if (key === undefined) found(await findRevoked(sql, id), apiKeys.name);
  else requireMatch(key, ifMatch);
  await lockMembers(sql, id, reassign_to);
  if (reassign_to !== undefined) {
    await requireNewOwner(sql, reassign_to, id);
    await moveOwned(sql, id, reassign_to);
  }
  await sql`delete from api_keys where id = ${id}`;
}

async function findRevoked(sql: Sql, id: number): Promise<object | undefined> {
  const [member] = await sql`select id from sales where id = ${id} and kind = 'key'`;
  return member;
}
