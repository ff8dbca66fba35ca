/** The operations on users, the members of a workspace. */
import { idParams } from "../../_shared/fields.ts";
import { list, type Operation, read, saga } from "../../_shared/operation.ts";
import { MAIL_PROBLEMS } from "./authUsers.ts";
import { INVITE_PROBLEMS, inviteUser, resendInvitation } from "./invite.ts";
import { OffboardQuery, offboardUser } from "./offboard.ts";
import { mailPasswordReset, RESET_PROBLEMS } from "./passwordReset.ts";
import { getUser, usersList } from "./queries.ts";
import { restoreUser } from "./restore.ts";
import { Offboarding, RestoreInput, User, UserInput, UserPatch } from "./schema.ts";
import { UPDATE_PROBLEMS, updateUser } from "./update.ts";

const get = read({
  id: "users.get",
  method: "GET",
  path: "/users/:id",
  summary: "Get a user",
  access: "member",
  params: idParams,
  output: User,
  run: ({ sql }, { params }) => getUser(sql, params.id),
});

const invite = saga({
  id: "users.invite",
  method: "POST",
  path: "/users",
  summary: "Invite a user",
  description: "Mails a link to join the workspace. After a failure, send the same request again.",
  access: "member",
  allowed: "admin",
  body: UserInput,
  example: { email: "grace@example.com", first_name: "Grace", last_name: "Hopper", role: "rep" },
  output: User,
  status: 201,
  location: ({ id }) => `users/${id}`,
  problems: INVITE_PROBLEMS,
  run: (context, { body }) => inviteUser(context, body),
});

const resendInvite = saga({
  id: "users.resend_invite",
  method: "POST",
  path: "/users/:id/resend_invite",
  summary: "Mail an invitation again",
  access: "member",
  allowed: "admin",
  params: idParams,
  output: User,
  status: 202,
  problems: ["member_active", "user_disabled", ...MAIL_PROBLEMS],
  run: (context, { params }) => resendInvitation(context, params.id),
});

const resetPassword = saga({
  id: "users.reset_password",
  method: "POST",
  path: "/users/:id/password_reset",
  summary: "Mail a link to a new password",
  access: "member",
  allowed: "self",
  params: idParams,
  output: User,
  status: 202,
  problems: RESET_PROBLEMS,
  run: (context, { params }) => mailPasswordReset(context, params.id),
});

const update = saga({
  id: "users.update",
  method: "PATCH",
  path: "/users/:id",
  summary: "Change a user",
  description:
    "Omitted fields keep their value. Disabling a user ends their sessions. A new e-mail " +
    "address needs no confirmation.",
  access: "member",
  allowed: "self",
  restricted: { email: "admin", role: "admin", disabled: "admin" },
  ifMatch: true,
  params: idParams,
  body: UserPatch,
  example: { role: "manager" },
  output: User,
  problems: UPDATE_PROBLEMS,
  run: (context, { params, body, ifMatch }) => updateUser(context, params.id, body, ifMatch),
});

const offboard = saga({
  id: "users.offboard",
  method: "DELETE",
  path: "/users/:id",
  summary: "Offboard a user",
  description:
    "`reassign_to` becomes the owner of the user's records. The user is disabled and all their " +
    "sessions end. A user who has not joined yet is deleted. Repeating it succeeds.",
  access: "member",
  allowed: "admin",
  dryRun: "query",
  params: idParams,
  query: OffboardQuery,
  output: Offboarding,
  problems: [
    "reassign_required",
    "unknown_reference",
    "forbidden",
    "last_admin",
    "auth_unavailable",
  ],
  run: (context, { params, query }) => offboardUser(context, params.id, query),
});

const restore = saga({
  id: "users.restore",
  method: "POST",
  path: "/users/:id/restore",
  summary: "Enable a disabled user",
  description: "Default of `role`: rep. An active user keeps the role.",
  access: "member",
  allowed: "admin",
  params: idParams,
  body: RestoreInput,
  example: { role: "rep" },
  output: User,
  problems: ["auth_unavailable"],
  run: (context, { params, body }) => restoreUser(context, params.id, body.role),
});

export const operations: readonly Operation[] = [
  list({
    id: "users.list",
    path: "/users",
    summary: "List users",
    description: "`q` searches names and e-mail addresses.",
    of: usersList,
  }),
  get,
  invite,
  resendInvite,
  resetPassword,
  update,
  offboard,
  restore,
];
