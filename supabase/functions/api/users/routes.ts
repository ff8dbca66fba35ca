/** Users over HTTP: oneself, the list, and what admins do with the members of their workspace. */
import { idParams } from "../../_shared/fields.ts";
import { type Operation, read, saga } from "../../_shared/operation.ts";
import { atomicUserOperations } from "./atomic.ts";
import { inviteUser, resendInvitation } from "./invite.ts";
import { meOperations } from "./me.ts";
import { OffboardQuery, offboardUser } from "./offboard.ts";
import { mailPasswordReset } from "./passwordReset.ts";
import { getUser, usersListing } from "./queries.ts";
import { restoreUser } from "./restore.ts";
import { Offboarding, RestoreInput, User, UserInput, UserPatch } from "./schema.ts";
import { updateUser } from "./update.ts";

const list = read({
  id: "users.list",
  method: "GET",
  path: "/users",
  summary: "List users",
  description: "`q` searches names and e-mail addresses.",
  access: "member",
  listing: usersListing,
  query: usersListing.query,
  output: usersListing.partialPage,
  run: ({ sql }, { query }) => usersListing.answer(sql, query),
});

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
  description: "Mails a link to join the workspace. After a failure send the same request again.",
  access: "admin",
  body: UserInput,
  example: { email: "grace@example.com", first_name: "Grace", last_name: "Hopper", role: "rep" },
  output: User,
  status: 201,
  location: ({ id }) => `users/${id}`,
  problems: [
    "member_exists",
    "user_exists_elsewhere",
    "request_in_flight",
    "mail_failed",
    "auth_rate_limited",
    "auth_unavailable",
  ],
  run: (context, { body }) => inviteUser(context, body),
});

const resendInvite = saga({
  id: "users.resend_invite",
  method: "POST",
  path: "/users/:id/resend_invite",
  summary: "Mail an invitation again",
  access: "admin",
  params: idParams,
  output: User,
  status: 202,
  problems: [
    "member_active",
    "user_disabled",
    "mail_failed",
    "auth_rate_limited",
    "auth_unavailable",
  ],
  run: (context, { params }) => resendInvitation(context, params.id),
});

const resetPassword = saga({
  id: "users.reset_password",
  method: "POST",
  path: "/users/:id/password_reset",
  summary: "Mail a link to a new password",
  access: "member",
  permission: "oneself; admins for everybody",
  params: idParams,
  output: User,
  status: 202,
  problems: [
    "admin_required",
    "member_pending",
    "user_disabled",
    "mail_failed",
    "auth_rate_limited",
    "auth_unavailable",
  ],
  run: (context, { params }) => mailPasswordReset(context, params.id),
});

const update = saga({
  id: "users.update",
  method: "PATCH",
  path: "/users/:id",
  summary: "Change a user",
  description: "What is absent stays. Disabling ends the sessions at once; a changed address " +
    "holds without a confirmation.",
  access: "member",
  permission: "oneself for names and avatar; admins for everybody and everything",
  params: idParams,
  body: UserPatch,
  example: { role: "manager" },
  output: User,
  problems: ["admin_required", "last_admin", "email_taken", "auth_unavailable"],
  run: (context, { params, body, ifMatch }) => updateUser(context, params.id, body, ifMatch),
});

const offboard = saga({
  id: "users.offboard",
  method: "DELETE",
  path: "/users/:id",
  summary: "Offboard a user",
  description: "All records of the user go to `reassign_to`, the sessions end, the account is " +
    "banned. Somebody who has not joined yet is removed. Repeating it succeeds.",
  access: "admin",
  params: idParams,
  query: OffboardQuery,
  output: Offboarding,
  problems: ["reassign_required", "unknown_reference", "last_admin", "auth_unavailable"],
  run: (context, { params, query }) => offboardUser(context, params.id, query),
});

const restore = saga({
  id: "users.restore",
  method: "POST",
  path: "/users/:id/restore",
  summary: "Let a disabled user in again",
  description: "With the role that the request says, `rep` without one; never silently an admin.",
  access: "admin",
  params: idParams,
  body: RestoreInput,
  example: { role: "rep" },
  output: User,
  problems: ["auth_unavailable"],
  run: (context, { params, body }) => restoreUser(context, params.id, body.role),
});

export const userOperations: readonly Operation[] = [
  ...meOperations,
  list,
  get,
  invite,
  resendInvite,
  resetPassword,
  update,
  offboard,
  restore,
  ...atomicUserOperations,
];
