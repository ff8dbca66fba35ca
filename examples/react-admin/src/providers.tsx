/** The client of Portico, and react-admin's providers over it. */
import { createClient as createSupabase } from "@supabase/supabase-js";
import { createClient } from "@portico/client";
import { createAuthProvider, createDataProvider } from "@portico/client/react-admin";

const { VITE_SUPABASE_URL: url, VITE_SUPABASE_KEY: key } = import.meta.env;

const supabase = createSupabase(url, key);
const portico = createClient({ supabase });

export const authProvider = createAuthProvider({ supabase, portico });
export const dataProvider = createDataProvider(portico);
