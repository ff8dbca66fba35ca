/**
 * Restoring a user: enables an offboarded or disabled user. The request sets the role. The default is rep,
 * so that a former admin does not become one again by mistake. Reassigned records keep their new owner.
 */
import type { Sql } from "../../_shared/database/database.ts";
import type { SagaContext } from "../../_shared/operation.ts";
import { setBanned } from "./authUsers.ts";
import { getUser, lockUser, setUser } from "./queries.ts";
import type { User } from "./schema.ts";

/**
 * Enables a user. An active user keeps the role.
 * @throws Problem `not_found`, `admin_required`, `auth_unavailable`.
 */
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
