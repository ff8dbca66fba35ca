/** Tags, and contacts that carry them. */
import { create, insertRows, rowOf } from "../../support/records.ts";
import type { Workspace } from "../../support/workspace.ts";

/** A valid colour. */
export const color = "#eddcd2";

/** Creates a tag as the admin. Returns its id. */
export function tag(workspace: Workspace, name: string): Promise<number> {
  return create(workspace.admin.api, "/tags", { name, color });
}

/** Inserts a contact for each list of tags. Returns their ids. */
export function tagged(workspace: Workspace, ...tags: number[][]): Promise<number[]> {
  return insertRows(workspace, "contacts", tags.map((tags) => ({ last_name: "A", tags })));
}

/** The tags that each contact carries. */
export async function tagsOf(ids: number[]): Promise<unknown[]> {
  return (await Promise.all(ids.map((id) => rowOf("contacts", id)))).map((row) => row?.tags);
}
