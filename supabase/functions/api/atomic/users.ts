/**
 * `users` and `update_password` with the requests and the answers that Atomic CRM's clients expect.
 * Its forms send all their fields: unknown fields are ignored, and so are the fields for admins when another
 * user sends them unchanged.
 */
import * as z from "zod";
import { idText, shortText } from "../../_shared/fields.ts";
import { type Operation, saga, type SagaContext } from "../../_shared/operation.ts";
import { PHOTO_REQUEST_BYTES, PhotoInput } from "../pictures/schema.ts";
import { invite, INVITE_PROBLEMS } from "../users/invite.ts";
import { mailPasswordReset, RESET_PROBLEMS } from "../users/passwordReset.ts";
import { getUser } from "../users/queries.ts";
import { emailAddress, User, type UserPatch } from "../users/schema.ts";
import { ADMIN_FIELDS, changeUser, UPDATE_PROBLEMS } from "../users/update.ts";

const Sale = User.pick({
  id: true,
  first_name: true,
  last_name: true,
  email: true,
  administrator: true,
  user_id: true,
  avatar: true,
  disabled: true,
}).meta({ id: "Sale" });
const SaleAnswer = z.object({ data: Sale });

const flag = z.boolean().nullish();

const SaleInput = z.object({
  email: emailAddress,
  password: z.string().max(72).nullish().describe("Ignored: the invited user chooses it."),
  first_name: shortText,
  last_name: shortText,
  administrator: flag,
  disabled: flag,
}).meta({ id: "SaleInput" });

const SalePatch = z.object({
  sales_id: idText,
  email: emailAddress.nullish(),
  first_name: shortText,
  last_name: shortText,
  administrator: flag,
  disabled: flag,
  avatar: PhotoInput.nullish(),
}).meta({ id: "SalePatch" });
type SalePatch = z.output<typeof SalePatch>;

const create = saga({
  id: "atomic.create_user",
  surface: "atomic",
  method: "POST",
  path: "/users",
  summary: "Invite a user, for Atomic CRM's clients",
  access: "member",
  allowed: "admin",
  body: SaleInput,
  example: {
    email: "grace@example.com",
    first_name: "Grace",
    last_name: "Hopper",
    administrator: false,
    disabled: false,
  },
  output: SaleAnswer,
  problems: INVITE_PROBLEMS,
  run: async (context, { body }) => {
    const user = await invite(context, {
      email: body.email,
      first_name: body.first_name || undefined,
      last_name: body.last_name || undefined,
      role: body.administrator ? "admin" : "rep",
      disabled: body.disabled ?? false,
    });
    return toAnswer(user);
  },
});

const update = saga({
  id: "atomic.update_user",
  surface: "atomic",
  method: "PATCH",
  path: "/users",
  summary: "Change a user, for Atomic CRM's clients",
  description: "Unchanged values are accepted from every user.",
  access: "member",
  allowed: "self",
  restricted: { administrator: "admin", disabled: "admin" },
  body: SalePatch,
  maximumBytes: PHOTO_REQUEST_BYTES,
  example: { sales_id: 1, first_name: "Grace" },
  output: SaleAnswer,
  problems: ["not_found", ...UPDATE_PROBLEMS],
  run: async (context, { body }) => {
    const changes = await changesOf(context, body);
    return toAnswer(await changeUser(context, body.sales_id, changes));
  },
});

const updatePassword = saga({
  id: "atomic.update_password",
  surface: "atomic",
  method: "PATCH",
  path: "/update_password",
  summary: "Mail a link to a new password, for Atomic CRM's clients",
  access: "member",
  allowed: "self",
  body: z.object({ sales_id: idText.nullish() }).meta({ id: "PasswordUpdate" }),
  example: { sales_id: 1 },
  output: z.object({ data: z.object({}) }),
  problems: ["not_found", ...RESET_PROBLEMS],
  run: async (context, { body }) => {
    await mailPasswordReset(context, body.sales_id ?? undefined);
    return { data: {} };
  },
});

/**
 * Returns the changes that the request asks for. `null` keeps the value, except for the avatar, which it
 * clears.
 */
async function changesOf(context: SagaContext, patch: SalePatch): Promise<UserPatch> {
  const { sales_id, email, first_name, last_name, administrator, disabled, avatar } = patch;
  const { current, isAdmin } = await context.transaction(async (sql, member) => ({
    current: await getUser(sql, sales_id),
    isAdmin: member.role === "admin",
  }));
  const role = roleOf(administrator, current);
  const changes: UserPatch = {
    ...(email && { email }),
    ...(first_name && { first_name }),
    ...(last_name && { last_name }),
    ...(role && { role }),
    ...(typeof disabled === "boolean" && { disabled }),
    ...(avatar !== undefined && { avatar }),
  };
  // An admin who repeats `disabled` also repeats the ban at the auth server.
  for (const field of isAdmin ? ["email" as const] : ["email" as const, ...ADMIN_FIELDS]) {
    if (changes[field] === current[field]) delete changes[field];
  }
  return changes;
}

/** Returns the new role; undefined keeps the role. `administrator: false` keeps a manager. */
function roleOf(administrator: boolean | null | undefined, current: User): UserPatch["role"] {
  if (typeof administrator !== "boolean" || administrator === current.administrator) {
    return undefined;
  }
  return administrator ? "admin" : "rep";
}

/** Returns only the fields of a row in Atomic CRM. */
function toAnswer(user: User): z.output<typeof SaleAnswer> {
  return { data: Sale.parse(user) };
}

export const userOperations: readonly Operation[] = [create, update, updatePassword];
