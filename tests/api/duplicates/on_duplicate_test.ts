/** contacts.create and companies.create with on_duplicate. */
import { assertEquals } from "@std/assert";
import { assertProblem } from "../../support/answers.ts";
import { countRows } from "../../support/records.ts";
import { createWorkspace, test } from "../../support/workspace.ts";

const ADA = { first_name: "Ada", last_name: "Lovelace", email_jsonb: [{ email: "a@example.com" }] };

test("contacts.create allows, warns of or rejects a similar contact, as on_duplicate says", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const first = await api.post("/contacts?on_duplicate=reject", ADA);
  assertEquals([first.status, first.body.duplicates], [201, []]);
  const allowed = await api.post("/contacts", ADA);
  assertEquals([allowed.status, allowed.body.duplicates], [201, undefined]);
  const warned = await api.post("/contacts?on_duplicate=warn", ADA);
  assertEquals(warned.status, 201);
  assertEquals(
    warned.body.duplicates.map(({ record }: { record: { id: number } }) => record.id),
    [first.body.id, allowed.body.id],
  );
  assertEquals(warned.body.duplicates[0].reasons, ["same_email", "similar_name_same_domain"]);
  const rejected = await api.post("/contacts?on_duplicate=reject", ADA);
  assertProblem(rejected, 409, "duplicate");
  assertEquals(rejected.body.duplicates.length, 3);
  assertEquals(rejected.body.duplicates[0].record.email_jsonb, [{ email: "a@example.com" }]);
  const counts = await countRows(workspace.id, ["contacts"]);
  assertEquals(counts, { contacts: 3 });
  const other = await api.post("/contacts?on_duplicate=reject", { first_name: "Grace" });
  assertEquals(other.status, 201);
  assertProblem(await api.post("/contacts?on_duplicate=ask", ADA), 400, "invalid_parameter");
});

test("companies.create rejects a similar company, and creates it with allow", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const first = await api.post("/companies", { name: "Acme Ltd" });
  const rejected = await api.post("/companies?on_duplicate=reject", { name: "ACME" });
  assertProblem(rejected, 409, "duplicate");
  assertEquals(rejected.body.duplicates[0].record.id, first.body.id);
  const warned = await api.post("/companies?on_duplicate=warn", { name: "ACME" });
  assertEquals([warned.status, warned.body.duplicates.length], [201, 1]);
  assertEquals((await api.post("/companies?on_duplicate=allow", { name: "ACME" })).status, 201);
});

test("contacts.create creates one of many equal contacts at the same time with reject", async () => {
  const workspace = await createWorkspace();
  const answers = await Promise.all(
    Array.from({ length: 6 }, () => workspace.admin.api.post("/contacts?on_duplicate=reject", ADA)),
  );
  const statuses = answers.map(({ status }) => status).toSorted();
  assertEquals(statuses, [201, 409, 409, 409, 409, 409]);
});
