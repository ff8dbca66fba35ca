/** contacts.create: fields as they are stored, and references to companies, owners and tags. */
import { assertEquals } from "@std/assert";
import { assertProblem } from "../../support/answers.ts";
import { everythingIn, insertRow } from "../../support/records.ts";
import { createWorkspace, test } from "../../support/workspace.ts";

test("contacts.create and update answer 422 naming references that do not exist or are foreign", async () => {
  const [workspace, elsewhere] = await Promise.all([createWorkspace(), createWorkspace()]);
  const { api } = workspace.admin;
  const { body: contact } = await api.post("/contacts", { first_name: "Ada" });
  const before = await everythingIn(workspace.id);
  const foreign = {
    company_id: await insertRow(elsewhere, "companies", { name: "Acme" }),
    sales_id: elsewhere.admin.id,
    tags: [await insertRow(elsewhere, "tags", { name: "red", color: "red" })],
  };
  const unknown = { company_id: 999_999_999, sales_id: 999_999_999, tags: [999_999_999] };
  for (const references of [foreign, unknown]) {
    for (const [field, value] of Object.entries(references)) {
      for (
        const answer of [
          await api.post("/contacts", { [field]: value }),
          await api.patch(`/contacts/${contact.id}`, { [field]: value }),
        ]
      ) {
        assertProblem(answer, 422, field === "tags" ? "unknown_tag" : "unknown_reference");
        assertEquals(Object.keys(answer.body.errors), [field]);
      }
    }
  }
  assertEquals(await everythingIn(workspace.id), before);
});

test("contacts.create stores every field, and addresses in lower case", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const rep = await workspace.addMember("rep");
  const values = {
    first_name: "  Ada ",
    last_name: "Lovelace",
    gender: "female",
    title: "Analyst",
    background: " keeps\nits spaces ",
    avatar: { src: "https://example.com/a.png", title: "a" },
    first_seen: "2024-05-01T10:00:00.123456+02:00",
    last_seen: "2024-05-02T00:00:00Z",
    has_newsletter: false,
    status: "hot",
    tags: [await insertRow(workspace, "tags", { name: "red", color: "red" })],
    company_id: await insertRow(workspace, "companies", { name: "Acme" }),
    sales_id: rep.id,
    linkedin_url: "https://linkedin.example/ada",
    external_ids: [{ source: "hubspot", id: "4711" }],
    email_jsonb: [{ email: "Ada@Example.COM", type: "Work" }],
    phone_jsonb: [{ number: " 020 7946 ", type: "Home" }],
  };
  const { status, body } = await api.post("/contacts", values);
  assertEquals(status, 201, JSON.stringify(body));
  const { id: _, created_at: _created, updated_at: _updated, ...stored } = body;
  assertEquals(stored, {
    ...values,
    first_name: "Ada",
    first_seen: "2024-05-01T08:00:00.123456+00:00",
    last_seen: "2024-05-02T00:00:00+00:00",
    email_jsonb: [{ email: "ada@example.com", type: "Work" }],
    phone_jsonb: [{ number: "020 7946", type: "Home" }],
    company_name: "Acme",
    nb_tasks: 0,
  });
  const changed = await api.patch(`/contacts/${body.id}`, {
    email_jsonb: [{ email: "NEW@x.example" }],
  });
  assertEquals(changed.body.email_jsonb, [{ email: "new@x.example" }]);
});
