/** Contacts and what they refer to: companies, owners, tags; addresses as they are stored. */
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

test("contacts.update lets the owner, managers and admins alone give a contact away", async () => {
  const workspace = await createWorkspace();
  const [rep, other] = [await workspace.addMember("rep"), await workspace.addMember("rep")];
  const id = await insertRow(workspace, "contacts", { sales_id: rep.id });
  const refused = await other.api.patch(`/contacts/${id}`, { sales_id: other.id, title: "x" });
  assertProblem(refused, 403, "owner_change_not_allowed");
  assertEquals((await other.api.patch(`/contacts/${id}`, { title: "x" })).status, 200);
  const given = await rep.api.patch(`/contacts/${id}`, { sales_id: other.id });
  assertEquals([given.status, given.body.sales_id, given.body.title], [200, other.id, "x"]);
});

test("contacts.get answers 400 for what is no id, and includes what is asked for", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const company_id = await insertRow(workspace, "companies", { name: "Acme" });
  const id = await insertRow(workspace, "contacts", { company_id });
  for (
    const wrong of [
      "x",
      "0",
      "-1",
      "1.5",
      "1e3",
      "01",
      "9007199254740992",
      "99999999999999999999",
      "%00",
    ]
  ) {
    assertProblem(await api.get(`/contacts/${wrong}`), 400, "invalid_parameter");
  }
  const { body } = await api.get(`/contacts/${id}?include=company,owner,tag_records`);
  assertEquals(body.company, { id: company_id, name: "Acme", website: null });
  assertEquals([body.owner.id, body.tag_records], [workspace.admin.id, []]);
  assertProblem(await api.get(`/contacts/${id}?include=nope`), 400, "invalid_parameter");
  assertProblem(await api.get(`/contacts/${id}?nope=1`), 400, "unknown_parameter");
});
