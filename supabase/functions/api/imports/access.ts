/** Which import a request names, and who may change it. */
import * as z from "zod";
import type { Member, Sql } from "../../_shared/database/database.ts";
import { Problem } from "../../_shared/problem.ts";
import { lockImport, type StoredImport } from "./queries.ts";

export const importParams = z.object({ id: z.uuid("Use the id of an import.") });

/**
 * Locks an import that the caller may change: its member, managers and admins.
 * @throws Problem `not_found`, `forbidden`.
 */
export async function managedImport(sql: Sql, member: Member, id: string): Promise<StoredImport> {
  const stored = await lockImport(sql, id);
  if (stored.member_id === member.id || member.role !== "rep") return stored;
  throw new Problem("forbidden", "Ask the member who made the import, a manager or an admin.");
}
