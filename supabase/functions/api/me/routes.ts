/** The operations on the caller's profile. */
import { type Operation, read, write } from "../../_shared/operation.ts";
import { requireMatch } from "../../_shared/records/records.ts";
import { getMe, lockUser, setUser } from "../users/queries.ts";
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

const update = write({
  id: "me.update",
  method: "PATCH",
  path: "/me",
  summary: "Change your profile",
  description:
    "Omitted fields keep their value. An `avatar` of `null` clears it. Change your e-mail " +
    "address at the auth server, which asks for a confirmation.",
  access: "member",
  ifMatch: true,
  body: ProfilePatch,
  example: { first_name: "Ada", last_name: "Lovelace" },
  output: Me,
  run: async ({ sql, member }, { body, ifMatch }) => {
    requireMatch(await lockUser(sql, member.id), ifMatch);
    await setUser(sql, member.id, body);
    return await getMe(sql);
  },
});

export const operations: readonly Operation[] = [get, update];
