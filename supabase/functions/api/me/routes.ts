/** The operations on the caller's profile. */
import { type Operation, read, saga } from "../../_shared/operation.ts";
import { requireMatch } from "../../_shared/records/records.ts";
import { PHOTO_REQUEST_BYTES } from "../pictures/schema.ts";
import { AVATAR_PROBLEMS, withStoredAvatar } from "../users/avatar.ts";
import { getMe, getUser, lockUser, setUser } from "../users/queries.ts";
import { Me, ProfilePatch } from "../users/schema.ts";

const get = read({
  id: "me.get",
  method: "GET",
  path: "/me",
  summary: "Get your profile, workspace and permissions",
  access: "member",
  output: Me,
  run: ({ sql }) => getMe(sql),
});

const update = saga({
  id: "me.update",
  method: "PATCH",
  path: "/me",
  summary: "Change your profile",
  description:
    "Omitted fields keep their value. An `avatar` of `null` clears it. Change your e-mail " +
    'address at the auth server, `PUT /auth/v1/user` with `{"email": …}`, which mails links to both addresses.',
  access: "member",
  keys: false,
  ifMatch: true,
  body: ProfilePatch,
  maximumBytes: PHOTO_REQUEST_BYTES,
  example: { first_name: "Ada", last_name: "Lovelace" },
  output: Me,
  problems: AVATAR_PROBLEMS,
  run: async (context, { body, ifMatch }) => {
    const changes = await withStoredAvatar(context, body, async (sql, member) => {
      requireMatch(await getUser(sql, member.id), ifMatch);
    });
    return await context.transaction(async (sql, member) => {
      requireMatch(await lockUser(sql, member.id), ifMatch);
      await setUser(sql, member.id, changes);
      return await getMe(sql);
    });
  },
});

export const operations: readonly Operation[] = [get, update];
