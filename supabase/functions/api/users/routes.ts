/** The operations on users, the members of a workspace. */
import { idParams } from "../../_shared/fields.ts";
import { list, type Operation, read } from "../../_shared/operation.ts";
import { inviteUser, resendInvitation } from "./invite.ts";
import { offboardUser } from "./offboard.ts";
import { resetPassword } from "./passwordReset.ts";
import { getUser, usersList } from "./queries.ts";
import { restoreUser } from "./restore.ts";
import { User } from "./schema.ts";
import { updateUser } from "./update.ts";

export const operations: readonly Operation[] = [
  list({
    id: "users.list",
    path: "/users",
    summary: "List users",
    description: "`q` searches names and e-mail addresses.",
    of: usersList,
  }),
  read({
    id: "users.get",
    method: "GET",
    path: "/users/:id",
    summary: "Get a user",
    access: "member",
    params: idParams,
    output: User,
    run: ({ sql }, { params }) => getUser(sql, params.id),
  }),
  inviteUser,
  resendInvitation,
  resetPassword,
  updateUser,
  offboardUser,
  restoreUser,
];
