/** Deals of another workspace. */
import { assertEquals } from "@std/assert";
import { assertProblem } from "../../support/answers.ts";
import { createWorkspace, test } from "../../support/workspace.ts";
import { columnOf, createDeals } from "./board.ts";

test("deals of another workspace answer 404 to every operation, and do not change", async () => {
  const [workspace, other] = await Promise.all([createWorkspace(), createWorkspace()]);
  const [id] = await createDeals(workspace.admin.api, "won", 1);
  const { api } = other.admin;
  const path = `/deals/${id}`;
  const answers = [
    await api.get(path),
    await api.patch(path, { amount: 1 }),
    await api.patch(path, { stage: "lost" }),
    await api.delete(path),
    await api.post(`${path}/restore`),
    await api.post(`${path}/archive`),
    await api.post(`${path}/unarchive`),
    await api.post(`${path}/move`, { stage: "lost" }),
  ];
  for (const answer of answers) assertProblem(answer, 404, "not_found");
  assertEquals((await api.get("/deals")).body.data, []);
  const board = (await api.get("/deals/board")).body.data;
  assertEquals(board.reduce((sum: number, { count }: { count: number }) => sum + count, 0), 0);
  assertEquals(await columnOf(workspace, "won"), [id]);
});
