/** Imports files in tests, and waits for their end by the events of the import. */
import { assertEquals } from "@std/assert";
import { present } from "../../support/exactly.ts";
import type { Answer, TestMember } from "../../support/workspace.ts";

/** Creates an import. Throws unless it is created. */
export async function createImport(
  { api }: Pick<TestMember, "api">,
  body: Record<string, unknown>,
): Promise<Answer["body"]> {
  const answer = await api.post("/imports", { record_type: "contacts", ...body });
  assertEquals(answer.status, 201, JSON.stringify(answer.body));
  return answer.body;
}

/** Runs an import. Returns it when it has ended. */
export async function runImport(
  member: Pick<TestMember, "api">,
  id: string,
  body: Record<string, unknown> = {},
): Promise<Answer["body"]> {
  const answer = await member.api.post(`/imports/${id}/run`, body);
  assertEquals(answer.status, 202, JSON.stringify(answer.body));
  return await ended(member, id);
}

/** Returns the import when it has ended. */
export async function ended({ api }: Pick<TestMember, "api">, id: string): Promise<Answer["body"]> {
  const { status, body } = await api.get(`/imports/${id}`, { Accept: "text/event-stream" });
  assertEquals(status, 200);
  const events = String(body).trim().split("\n\n");
  const [, data] = present(events.at(-1), "event").split("data: ");
  return JSON.parse(present(data, "data"));
}

/** Creates and runs an import. Returns it when it has ended. */
export async function importFile(
  member: Pick<TestMember, "api">,
  body: Record<string, unknown>,
): Promise<Answer["body"]> {
  const { id } = await createImport(member, body);
  return await runImport(member, id);
}

/** The counts of an import. */
export function countsOf(body: Answer["body"]): Record<string, number> {
  const { created_count, updated_count, skipped_count, rejected_count } = body;
  return {
    created: created_count,
    updated: updated_count,
    skipped: skipped_count,
    rejected: rejected_count,
  };
}

/** Bytes as base64. */
export function base64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

/** The lines of a CSV. */
export function csv(...lines: string[]): string {
  return lines.map((line) => `${line}\r\n`).join("");
}
