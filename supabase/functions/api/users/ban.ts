/** The ban of a user at the auth server, which follows the member's `disabled`. */
import type { SagaContext } from "../../_shared/operation.ts";
import { setBanned } from "./authUsers.ts";
import type { User } from "./schema.ts";

/** More requests than this rarely change one user at the same time. */
const ATTEMPTS = 5;

/**
 * Bans a disabled user, and removes the ban of any other. Repeats it when another request has changed the
 * member meanwhile, because the auth server may get the two requests in the other order.
 * @throws Problem `auth_unavailable`.
 */
export async function alignBan(
  { auth, transaction }: SagaContext,
  user: Pick<User, "id" | "user_id" | "disabled">,
): Promise<void> {
  let { disabled } = user;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    await setBanned(auth, user.user_id, disabled);
    const [member] = await transaction((sql) =>
      sql<{ disabled: boolean }[]>`select disabled from sales where id = ${user.id}`
    ).catch(() => []); // A caller who has disabled themself may not read any more.
    if (!member || member.disabled === disabled) return;
    disabled = member.disabled;
  }
}
