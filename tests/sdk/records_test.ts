/** Records that were read can be sent back. */
import { assertEquals, assertRejects } from "@std/assert";
import { type Portico, PorticoError } from "../../client-sdk/src/mod.ts";
import { createWorkspace, test } from "../support/workspace.ts";
import { clientOf, newClient } from "./signedIn.ts";

/** Creates one record of each kind. */
async function createRecords(portico: Portico) {
  const company = await portico.companies.create({
    name: "Acme",
    logo: { src: "https://a.example/a.png" },
  });
  const contact = await portico.contacts.create({
    first_name: "Ada",
    company_id: company.id,
    email_jsonb: [{ email: "ada@example.com", type: "Work" }],
    phone_jsonb: [{ number: "123" }],
    avatar: { src: "https://a.example/ada.png" },
  });
  const deal = await portico.deals.create({
    name: "Engine",
    stage: "opportunity",
    contact_ids: [contact.id],
  });
  return {
    company,
    contact,
    deal,
    tag: await portico.tags.create({ name: "vip", color: "#eddcd2" }),
    task: await portico.tasks.create({ contact_id: contact.id, text: "Call", type: "call" }),
    contactNote: await portico.contactNotes.create({ contact_id: contact.id, text: "Hello" }),
    dealNote: await portico.dealNotes.create({ deal_id: deal.id, text: "Hello" }),
  };
}

test("sdk: a record that was read can be sent back unchanged, by every member", async () => {
  const workspace = await createWorkspace();
  const admin = await clientOf(workspace.admin);
  const created = await createRecords(admin);
  const rep = await clientOf(await workspace.addMember("rep"));
  for (const portico of [admin, rep]) {
    const { contacts, companies, deals, tags, tasks, contactNotes, dealNotes, me } = portico;
    const contact = await contacts.get(created.contact.id, {
      include: ["company", "owner", "tag_records"],
    });
    const company = await companies.get(created.company.id, { include: ["owner"] });
    const profile = await me.get();
    const changes = await Promise.all([
      contacts.update(contact.id, contact).changeId,
      companies.update(company.id, company).changeId,
      deals.update(created.deal.id, await deals.get(created.deal.id)).changeId,
      tags.update(created.tag.id, await tags.get(created.tag.id)).changeId,
      tasks.update(created.task.id, await tasks.get(created.task.id)).changeId,
      contactNotes.update(created.contactNote.id, created.contactNote).changeId,
      dealNotes.update(created.dealNote.id, created.dealNote).changeId,
      me.update(profile).changeId,
    ]);
    assertEquals(changes.filter((change) => change !== undefined), []);
    const user = await portico.users.get(profile.id);
    assertEquals((await portico.users.update(profile.id, user)).id, profile.id);
  }
  const configuration = await admin.configuration.get();
  assertEquals(
    (await admin.configuration.update(configuration)).config,
    configuration.config,
  );
});

test("sdk: of a record that is sent back, the changed fields change", async () => {
  const portico = await newClient();
  const { contact } = await createRecords(portico);
  const changed = await portico.contacts.update(contact.id, { ...contact, title: "Countess" });
  assertEquals([changed.title, changed.email_jsonb], ["Countess", contact.email_jsonb]);
});

test("sdk: a field that no record has is refused", async () => {
  const portico = await newClient();
  const { id } = await portico.contacts.create({ first_name: "Ada" });
  const typo = { first_name: "Ada", frist_name: "Ada" };
  const error = await assertRejects(() => portico.contacts.update(id, typo), PorticoError);
  assertEquals([error.code, Object.keys(error.errors)], ["validation_failed", ["frist_name"]]);
});
