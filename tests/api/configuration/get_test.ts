/** configuration.get: the defaults of a new workspace. */
import { assertEquals } from "@std/assert";
import { createWorkspace, test } from "../../support/workspace.ts";

const KEYS = [
  "closedStages",
  "companySectors",
  "currency",
  "darkModeLogo",
  "dealCategories",
  "dealPipelineStatuses",
  "dealStages",
  "lightModeLogo",
  "noteStatuses",
  "taskTypes",
  "title",
];

test("configuration.get answers with the defaults of a new workspace, to every member", async () => {
  const { addMember } = await createWorkspace();
  const rep = await addMember("rep");
  const { status, body, headers } = await rep.api.get("/configuration");
  assertEquals([status, body.id, Object.keys(body.config).sort()], [200, 1, KEYS]);
  assertEquals(headers.get("ETag"), `"${body.updated_at}"`);
  const { config } = body;
  const values = (list: { value: string }[]) => list.map(({ value }) => value);
  assertEquals(values(config.noteStatuses), ["cold", "warm", "hot", "in-contract"]);
  assertEquals(values(config.taskTypes).length, 9);
  assertEquals(config.closedStages, { won: ["won"], lost: ["lost"] });
  assertEquals(config.dealPipelineStatuses, ["won"]);
});
