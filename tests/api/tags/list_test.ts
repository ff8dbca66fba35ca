/** tags.list: numbers of contacts, names, older colours. */
import { assertEquals } from "@std/assert";
import { insertRow } from "../../support/records.ts";
import { createWorkspace, test } from "../../support/workspace.ts";
import { tag, tagged } from "./tagged.ts";

test("tags.list counts contacts, finds names by q, and shows colours that were stored without a check", async () => {
  const workspace = await createWorkspace();
  const [a, b] = [await tag(workspace, "Big fish"), await tag(workspace, "Äpfel")];
  const legacy = await insertRow(workspace, "tags", { name: "old", color: "lightblue" });
  await tagged(workspace, [a, b], [a], []);
  const { body } = await workspace.admin.api.get("/tags?sort=-nb_contacts,id");
  const shown = body.data.map((row: Record<string, unknown>) => [row.id, row.nb_contacts]);
  assertEquals(shown, [[a, 2], [b, 1], [legacy, 0]]);
  assertEquals(body.data[2].color, "lightblue");
  for (const query of ["q=apfel", "q=%C3%84p", "name@ilike=*pfel", `id=${b}`]) {
    const found = (await workspace.admin.api.get(`/tags?${query}`)).body.data;
    assertEquals(found.map((row: { id: number }) => row.id), [b], query);
  }
});
