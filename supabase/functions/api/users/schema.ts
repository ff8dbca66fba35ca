/** The schemas of users: the members of a workspace, as the view `members` shows them. */
import * as z from "zod";
import { recordId, requiredName } from "../../_shared/fields.ts";
import { members } from "../../_shared/schema.ts";
import { PhotoInput, Picture } from "../pictures/schema.ts";

const role = z.enum(["admin", "manager", "rep"]);

/** The auth server compares and stores e-mail addresses in lower case, and so does the database. */
export const emailAddress = z.string().trim().toLowerCase()
  .pipe(z.email("Use an e-mail address.").max(255))
  // The members of API keys have these addresses.
  .refine((address) => !address.endsWith("@key.invalid"), "Use an address that receives mail.");

/** A member in another record, as `?include=owner` and `?include=member` show it. */
export const MemberReference = z.object({
  id: recordId,
  first_name: z.string(),
  last_name: z.string(),
  key_of: z.object({ id: recordId, first_name: z.string(), last_name: z.string() }).optional()
    .describe("Who made the API key. Present when the member is a key."),
}).nullable();

export const User = z.object({
  ...members.row,
  id: recordId,
  user_id: z.uuid(),
  email: z.string(),
  first_name: z.string(),
  last_name: z.string(),
  avatar: Picture.nullable(),
  role,
  administrator: z.boolean(),
  disabled: z.boolean(),
  status: z.enum(["active", "invited", "disabled"])
    .describe("`invited`: has not signed in yet."),
  created_at: z.string(),
  updated_at: z.string(),
}).meta({ id: "User" });
export type User = z.output<typeof User>;

export const Me = User.extend({
  kind: z.enum(["user", "key"]).describe("`key`: the caller is an API key."),
  workspace: z.object({ id: z.uuid(), name: z.string() }),
  permissions: z.object({
    manage_users: z.boolean(),
    manage_configuration: z.boolean(),
    manage_all_records: z.boolean().describe(
      "Whether you may delete, merge and restore records of other owners.",
    ),
  }),
}).meta({ id: "Me" });
export type Me = z.output<typeof Me>;

export const ProfilePatch = z.strictObject({
  first_name: requiredName.optional(),
  last_name: requiredName.optional(),
  avatar: PhotoInput.nullish(),
}).meta({ id: "ProfilePatch" });

export const UserPatch = ProfilePatch.extend({
  email: emailAddress.optional(),
  role: role.optional(),
  disabled: z.boolean().optional(),
}).meta({ id: "UserPatch" });
export type UserPatch = z.output<typeof UserPatch>;

export const UserInput = z.strictObject({
  email: emailAddress,
  first_name: requiredName,
  last_name: requiredName,
  role: role.default("rep"),
  disabled: z.boolean().default(false).describe(
    "`true`: no mail is sent. Enable the user, then mail the invitation again.",
  ),
}).meta({ id: "UserInput" });

/** A user to invite. Atomic CRM's clients may omit the names. */
export interface NewUser {
  email: string;
  first_name?: string;
  last_name?: string;
  role: User["role"];
  disabled: boolean;
}

export const RestoreInput = z.strictObject({ role: role.default("rep") })
  .prefault({}).meta({ id: "UserRestoreInput" });

export const Offboarding = z.object({
  id: recordId,
  outcome: z.enum(["disabled", "withdrawn"])
    .describe(
      "`withdrawn`: the user had not joined yet. The invitation is withdrawn and the address is free.",
    ),
  reassigned_to: recordId.nullable(),
  reassigned: z.object({
    companies: z.int(),
    contacts: z.int(),
    contact_notes: z.int(),
    deals: z.int(),
    deal_notes: z.int(),
    tasks: z.int(),
  }).describe("Number of records that changed their owner, by table."),
  dry_run: z.boolean(),
}).meta({ id: "Offboarding" });
export type Offboarding = z.output<typeof Offboarding>;
