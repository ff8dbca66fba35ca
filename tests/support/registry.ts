/** All operations, loaded once, for tests that are made from the registry. */
import "../../supabase/functions/api/problems.ts";
import { allOperations } from "../../supabase/functions/api/resources.ts";

export const operations = await allOperations();
