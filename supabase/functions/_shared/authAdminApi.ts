/**
 * The part of `auth-js` that manages users. Importing it alone leaves the rest of the library, its
 * sessions above all, out of the file that is deployed.
 */
export { AuthAdminApi } from "@supabase/auth-js";
