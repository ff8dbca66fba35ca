/** The schemas of API keys. The secret of a key is in one answer alone. */
import * as z from "zod";
import { recordId, requiredName, timestamp } from "../../_shared/fields.ts";
import { api_keys_summary } from "../../_shared/schema.ts";
import { SCOPES } from "../scopes.ts";
import { MemberReference } from "../users/schema.ts";

const role = z.enum(["admin", "manager", "rep"]);

const scopes = z.array(z.enum(SCOPES)).max(200)
  .transform((given) => [...new Set(given)].sort())
  .nullable().describe(
    "The groups of operations that the key may call. `null`: all operations that are open to keys.",
  );

const expires_at = timestamp
  .refine((text) => Date.parse(text) > Date.now(), "Use a time in the future.")
  .nullable().describe("When the key ends. `null`: never.");

const Secret = z.object({
  hint: z.string().describe("The first characters of the secret."),
  created_at: z.string(),
  expires_at: z.string().nullable()
    .describe("When the secret ends, because a newer one replaced it. `null`: with its key."),
  last_used_at: z.string().nullable().describe("To the minute. `null`: never used."),
});

export const ApiKey = z.object({
  ...api_keys_summary.row,
  id: recordId.describe("Id of the key, and of its member: the owner of what it makes."),
  name: z.string(),
  role,
  scopes: z.array(z.string()).nullable(),
  expires_at: z.string().nullable(),
  status: z.enum(["active", "expired"]),
  last_used_at: z.string().nullable().describe("To the minute. `null`: never used."),
  secrets: z.array(Secret).describe("The secrets that the key has now, the newest first."),
  rotated_at: z.string().nullable(),
  created_by: recordId.nullable(),
  created_at: z.string(),
  updated_at: z.string(),
  maker: MemberReference.optional(),
}).meta({ id: "ApiKey" });
export type ApiKey = z.output<typeof ApiKey>;

export const ApiKeyWithSecret = ApiKey.extend({
  secret: z.string().nullable().describe(
    "The key itself. No other answer has it, and the database only its hash. `null` in the answer to " +
      "a repeated request.",
  ),
}).meta({ id: "ApiKeyWithSecret" });
export type ApiKeyWithSecret = z.output<typeof ApiKeyWithSecret>;

const fields = {
  name: requiredName,
  role: role.describe("What the key may do with the records of others. Default: rep."),
  scopes,
  expires_at,
};

export const ApiKeyInput = z.strictObject({
  ...fields,
  role: fields.role.optional(),
  scopes: fields.scopes.optional(),
  expires_at: fields.expires_at.optional(),
}).refine(({ role, scopes }) => role !== undefined || scopes !== undefined, {
  path: ["scopes"],
  message: "Send role, scopes or both.",
}).meta({ id: "ApiKeyInput" });

export const ApiKeyPatch = z.strictObject(fields).partial().meta({ id: "ApiKeyPatch" });

/** The longest time for which a replaced secret stays valid, in days. */
const MAXIMUM_OVERLAP_DAYS = 7;
const DAY_MS = 86_400_000;

export const RotateInput = z.strictObject({
  old_expires_at: timestamp.refine(
    (text) => Date.parse(text) <= Date.now() + MAXIMUM_OVERLAP_DAYS * DAY_MS,
    "Use a time within the next 7 days.",
  ).optional().describe(
    "When the present secrets end. Default: in 24 hours. Now, or a time in the past: at once.",
  ),
}).prefault({}).meta({ id: "ApiKeyRotateInput" });
export type RotateInput = z.output<typeof RotateInput>;

/** Returns when the replaced secrets end. */
export function endOfOverlap({ old_expires_at }: RotateInput): string {
  return old_expires_at ?? new Date(Date.now() + DAY_MS).toISOString();
}
