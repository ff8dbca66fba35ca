/** deals.list: filter by contact, search, order. */
import { assertEquals } from "@std/assert";
import { createWorkspace, test } from "../../support/workspace.ts";
import { createDeals } from "./board.ts";

test("deals.list filters by contact, searches, and sorts the last changed deal first", async () => {
  const { admin: { api } } = await createWorkspace();
  const contact = (await api.post("/contacts", { first_name: "Ada" })).body.id;
  const [a, b] = await createDeals(api, "won", 2);
  await api.patch(`/deals/${a}`, { contact_ids: [contact], description: "Brass wheels" });
  await api.post(`/deals/${b}/archive`);
  const ids = async (query: string) =>
    (await api.get(`/deals?${query}`)).body.data.map(({ id }: { id: number }) => id);
  assertEquals(await ids(""), [b, a]);
  assertEquals(await ids(`contact_ids@cs=${contact}`), [a]);
  assertEquals(await ids("q=bras whe"), [a]);
  assertEquals(await ids("archived_at=is.null"), [a]);
  assertEquals(await ids("archived_at@is=not.null&closed_at@gte=2020-01-01"), [b]);
  assertEquals(await ids("sort=stage,index"), [a, b]);
});
