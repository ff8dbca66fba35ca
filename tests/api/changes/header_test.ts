/** Portico-Change: the answer of a write names the change that it made. */
import { assertEquals, assertMatch } from "@std/assert";
import { createWorkspace, headerOf, test } from "../../support/workspace.ts";
import { changeOf } from "./changeOf.ts";

test("Portico-Change names the change of a write, also for another origin", async () => {
  const { admin } = await createWorkspace();
  const origin = { Origin: "https://app.example.com" };
  const answer = await admin.api.post("/tags", { name: "VIP", color: "#eddcd2" }, origin);
  assertMatch(headerOf(answer, "Access-Control-Expose-Headers"), /portico-change/i);
  const { body } = await admin.api.get(`/changes/${changeOf(answer)}`);
  assertEquals(body.operation, "tags.create");
  assertEquals(body.member_id, admin.id);
  assertEquals(body.request_id, headerOf(answer, "X-Request-Id"));
  assertEquals(body.touched, { tags: 1 });
});

test("Portico-Change is absent when a request changed nothing", async () => {
  const { admin } = await createWorkspace();
  const { body } = await admin.api.post("/contacts", { first_name: "Ada" });
  const repeated = await admin.api.patch(`/contacts/${body.id}`, { first_name: "Ada" });
  assertEquals([repeated.status, repeated.headers.get("Portico-Change")], [200, null]);
  const read = await admin.api.get(`/contacts/${body.id}`);
  assertEquals(read.headers.get("Portico-Change"), null);
});

test("Portico-Change is absent from a dry run", async () => {
  const { admin } = await createWorkspace();
  const { body } = await admin.api.post("/contacts", { first_name: "Ada" });
  const dry = await admin.api.post("/contacts/bulk", {
    ids: [body.id],
    set: { first_name: "Grace" },
    dry_run: true,
  });
  assertEquals([dry.status, dry.headers.get("Portico-Change")], [200, null]);
});

test("Portico-Change of a repeated idempotent request is that of the first", async () => {
  const { admin } = await createWorkspace();
  const headers = { "Idempotency-Key": crypto.randomUUID() };
  const first = await admin.api.post("/contacts", { first_name: "Ada" }, headers);
  const second = await admin.api.post("/contacts", { first_name: "Ada" }, headers);
  assertEquals(second.headers.get("Idempotency-Replayed"), "true");
  assertEquals(changeOf(second), changeOf(first));
});
