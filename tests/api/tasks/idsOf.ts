/** Lists of tasks by their ids. */
import { assertEquals } from "@std/assert";
import type { Api } from "../../support/workspace.ts";

/** The ids of the tasks that a query finds, in its order. */
export async function idsOf(api: Api, query: string): Promise<number[]> {
  const { status, body } = await api.get(`/tasks?select=id&limit=200&${query}`);
  assertEquals(status, 200, JSON.stringify(body));
  return body.data.map(({ id }: { id: number }) => id);
}
