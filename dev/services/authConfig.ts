/** The settings in the `[auth]` section of `supabase/config.toml` that the stack follows. */

import { parse } from "@std/toml";
import * as z from "zod";

const FILE = new URL("../../supabase/config.toml", import.meta.url);

const authSchema = z.object({
  site_url: z.string().default("http://127.0.0.1:3000"),
  enable_signup: z.boolean().default(true),
  jwt_expiry: z.int().default(3600),
  minimum_password_length: z.int().default(6),
  additional_redirect_urls: z.array(z.string()).default([]),
  email: z.object({
    enable_confirmations: z.boolean().default(false),
    double_confirm_changes: z.boolean().default(true),
    otp_expiry: z.int().default(3600),
    template: z.record(z.string(), z.object({ subject: z.string().optional() })).default({}),
  }).prefault({}),
}).prefault({});

/** The settings, with Supabase's defaults. */
export type AuthConfig = z.output<typeof authSchema>;

/**
 * Reads the settings. A missing file gives the defaults. `enable_confirmations` replaces the file's value.
 * Throws when a value has a wrong type.
 */
export async function readAuthConfig(enable_confirmations = false): Promise<AuthConfig> {
  const text = await Deno.readTextFile(FILE).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  });
  const config = authSchema.parse(parse(text).auth);
  return { ...config, email: { ...config.email, enable_confirmations } };
}
