/**
 * Records the statement that the function sends for its default list, so that the bare peer runs the
 * same text.
 */
import postgres from "postgres";
import { contacts } from "../supabase/functions/api/contacts/queries.ts";

/** The text of the list's statement, reading `relation`. It has no parameters. */
export async function captureListStatement(databaseUrl: string, relation: string): Promise<string> {
  const statements: string[] = [];
  const sql = postgres(databaseUrl, {
    max: 1,
    debug: (_connection, text) => void statements.push(text),
  });
  try {
    const reserved = await sql.reserve();
    await contacts.list.answer(reserved, contacts.list.query.parse({}));
    reserved.release();
  } finally {
    await sql.end();
  }
  const statement = statements.find((text) => text.includes('"contacts_summary"'));
  if (!statement) throw new Error("The list sent no statement on contacts_summary");
  return statement.replace('"contacts_summary"', relation);
}
