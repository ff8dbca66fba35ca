/**
 * Restoring a user: enables an offboarded or disabled user. The request sets the role. The default is rep,
 * so that a former admin does not become one again by mistake. Reassigned records keep their new owner.
 */
import type { Sql } from "../../_shared/database/database.ts";
import { idParams } from "../../_shared/fields.ts";
import { saga, type SagaContext } from "../../_shared/operation.ts";
import { alignBan } from "./ban.ts";
import { getUser, lockUser, setUser } from "./queries.ts";
import { RestoreInput, User } from "./schema.ts";

export const restoreUser = saga({
  id: "users.restore",
  method: "POST",
  path: "/users/:id/restore",
  summary: "Enable a disabled user",
  description: "Default of `role`: rep. An active user keeps the role.",
  access: "member",
  keys: false,
  allowed: "admin",
  params: idParams,
  body: RestoreInput,
  example: { role: "rep" },
  output: User,
  problems: ["auth_unavailable"],
  run: (context, { params, body }) => restore(context, params.id, body.role),
});

async function restore(
  context: SagaContext,
  id: number,
  role: User["role"],
): Promise<User> {
  const user = await context.transaction((sql) => enable(sql, id, role));
  await alignBan(context, user);
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
