/**
 * Restoring: an offboarded or disabled user is let in again. The role is what the request says, rep
 * without a word: nobody becomes an admin again unseen. Records that went to somebody else stay there.
 */
import type { Sql } from "../../_shared/database/database.ts";
import type { SagaContext } from "../../_shared/operation.ts";
import { setBanned } from "./authUsers.ts";
import { getUser, lockUser, setUser } from "./queries.ts";
import type { User } from "./schema.ts";

/** Lets a user in again; an active one stays as they are. */
export async function restoreUser(
  context: SagaContext,
  id: number,
  role: User["role"],
): Promise<User> {
  const user = await context.transaction((sql) => enable(sql, id, role));
  await setBanned(context.auth, user.user_id, false);
  return user;
}

async function enable(sql: Sql, id: number, role: User["role"]): Promise<User> {
  const user = await lockUser(sql, id);
  if (!user.disabled) return user;
  await setUser(sql, id, { disabled: false, role });
  await sql`
    update invitations set withdrawn_at = null, member_id = null
    where id = ${user.user_id} and accepted_at is null`;
  return await getUser(sql, id);
}
