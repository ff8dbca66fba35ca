/** deals.delete and deals.restore: permissions, and the column afterwards. */
import { assertEquals } from "@std/assert";
import { assertProblem } from "../../support/answers.ts";
import { createWorkspace, sql, test } from "../../support/workspace.ts";
import { columnOf, createDeals } from "./board.ts";

test("deals.delete is for owner, managers and admins, closes the gap, and can be repeated", async () => {
  const workspace = await createWorkspace();
  const { admin, addMember } = workspace;
  const [rep, manager] = await Promise.all([addMember("rep"), addMember("manager")]);
  const [a, b, c] = await createDeals(admin.api, "won", 3);
  const [own] = await createDeals(rep.api, "won", 1);
  assertProblem(await rep.api.delete(`/deals/${b}`), 403, "forbidden");
  assertEquals(await columnOf(workspace, "won"), [own, c, b, a]);
  assertEquals((await rep.api.delete(`/deals/${own}`)).status, 204);
  assertEquals((await manager.api.delete(`/deals/${b}`)).status, 204);
  assertEquals((await manager.api.delete(`/deals/${b}`)).status, 204);
  assertEquals(await columnOf(workspace, "won"), [c, a]);
  assertProblem(await admin.api.get(`/deals/${b}`), 410, "deleted");
  assertProblem(await admin.api.delete("/deals/999999999"), 404, "not_found");
});

test("deals.restore restores the deal with its notes, in its column", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const [a, b, c] = await createDeals(api, "won", 3);
  await sql`
    insert into public.deal_notes (workspace_id, deal_id, text) values (${workspace.id}, ${b}, 'n')`;
  const before = (await api.get(`/deals/${b}`)).body;
  await api.delete(`/deals/${b}`);
  const { status, body } = await api.post(`/deals/${b}/restore`);
  assertEquals(status, 200);
  assertEquals(body, { ...before, nb_notes: 1, updated_at: body.updated_at });
  const column = await columnOf(workspace, "won");
  assertEquals(column.toSorted(), [a, b, c].toSorted());
  assertEquals((await api.post(`/deals/${b}/restore`)).status, 200);
});
