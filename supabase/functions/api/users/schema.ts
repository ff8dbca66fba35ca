/** Wire shapes of users: the members of a workspace, as the view `members` shows them. */
import * as z from "zod";
import { recordId } from "../../_shared/fields.ts";
import { members } from "../../_shared/schema.ts";

const role = z.enum(["admin", "manager", "rep"]);
const avatar = z.looseObject({ src: z.string().max(700_000) }).nullable();
const name = z.string().trim().min(1, "Use a name.").max(500);

/** Compared and stored in lower case, as the auth server does. */
export const emailAddress = z.string().trim().toLowerCase()
  .pipe(z.email("Use an e-mail address.").max(255));

/** Who owns a record, as `?include=owner` shows it. */
export const Owner = z.object({ id: recordId, first_name: z.string(), last_name: z.string() })
  .nullable();

export const User = z.object({
  ...members.row,
  id: recordId,
  user_id: z.uuid(),
  email: z.string(),
  first_name: z.string(),
  last_name: z.string(),
  role,
  administrator: z.boolean(),
  disabled: z.boolean(),
  status: z.enum(["active", "invited", "disabled"])
    .describe("`invited` until the first sign-in."),
  created_at: z.string(),
  updated_at: z.string(),
}).meta({ id: "User" });
export type User = z.output<typeof User>;

export const Me = User.extend({
  workspace: z.object({ id: z.uuid(), name: z.string() }),
  permissions: z.object({
    manage_users: z.boolean(),
    manage_configuration: z.boolean(),
    manage_all_records: z.boolean().describe("Delete and merge records of other owners."),
  }),
}).meta({ id: "Me" });
export type Me = z.output<typeof Me>;

export const ProfilePatch = z.strictObject({
  first_name: name.optional(),
  last_name: name.optional(),
  avatar: avatar.optional(),
}).meta({ id: "ProfilePatch" });

export const UserPatch = ProfilePatch.extend({
  email: emailAddress.optional(),
  role: role.optional(),
  disabled: z.boolean().optional(),
}).meta({ id: "UserPatch" });
export type UserPatch = z.output<typeof UserPatch>;

export const UserInput = z.strictObject({
  email: emailAddress,
  first_name: name,
  last_name: name,
  role: role.default("rep"),
  disabled: z.boolean().default(false).describe("Disabled members get their mail once enabled."),
}).meta({ id: "UserInput" });

/** Somebody to invite. Atomic CRM's clients may choose a password, and leave names out. */
export interface NewUser {
  email: string;
  first_name?: string;
  last_name?: string;
  role: User["role"];
  disabled: boolean;
  password?: string;
}

export const RestoreInput = z.strictObject({ role: role.default("rep") })
  .prefault({}).meta({ id: "RestoreInput" });

export const Offboarding = z.object({
  id: recordId,
  outcome: z.enum(["disabled", "withdrawn"])
    .describe("`withdrawn`: had not joined yet; the invitation is taken back, the address free."),
  reassigned_to: recordId.nullable(),
  reassigned: z.object({
    companies: z.int(),
    contacts: z.int(),
    contact_notes: z.int(),
    deals: z.int(),
    deal_notes: z.int(),
    tasks: z.int(),
  }).describe("Records that got another owner, by table."),
  dry_run: z.boolean(),
}).meta({ id: "Offboarding" });
export type Offboarding = z.output<typeof Offboarding>;
