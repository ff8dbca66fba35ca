/**
 * What users of Atomic CRM do, page by page, in the requests that its frontend sends. Every test
 * signs up a user of its own.
 */
import { assert, assertEquals, assertGreater, assertLess, assertRejects } from "@std/assert";
import { startStack } from "../../dev/stack.ts";
import { removeStackData, temporaryDirectory } from "../../dev/stackData.ts";
import { only, present } from "../support/exactly.ts";
import { AtomicFrontend, PASSWORD, RequestFailed, type Row } from "./atomicFrontend.ts";
import { followLink, freshEmail, newestMail, stack } from "./stackUnderTest.ts";

const PNG =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADh" +
  "gGAWjR9awAAAABJRU5ErkJggg==";

async function signedUp() {
  const email = freshEmail();
  const frontend = await AtomicFrontend.signUp(stack, email);
  return { frontend, email, me: await frontend.identity() };
}

/** The form of a contact, with everything that it can send. */
function contactForm(values: Row = {}): Row {
  const now = new Date().toISOString();
  return {
    first_name: "Grace",
    last_name: "Hopper",
    gender: "female",
    title: "Rear admiral",
    background: "Wrote the first compiler",
    email_jsonb: [{ email: "Grace@Example.com", type: "Work" }],
    phone_jsonb: [{ number: "555 0100", type: "Work" }],
    linkedin_url: "https://www.linkedin.com/in/grace",
    has_newsletter: false,
    first_seen: now,
    last_seen: now,
    status: "cold",
    tags: [],
    ...values,
  };
}

Deno.test("Atomic CRM's first page of an empty instance leads to the sign-up of its admin", async () => {
  const directory = await temporaryDirectory();
  const empty = await startStack({ directory, durable: false });
  try {
    const browser = new AtomicFrontend(empty);
    assertEquals(await browser.isInitialized(), false);
    await browser.supabase.auth.signOut();
    const first = await AtomicFrontend.signUp(empty, "ada@example.test");
    assertEquals(await browser.isInitialized(), true);
    const { administrator, ...me } = await first.identity();
    assertEquals(administrator, true);
    assertEquals(me, { id: 1, first_name: "Ada", last_name: "Lovelace", avatar: null });
    assertEquals((await first.getOne("configuration", 1)).config, {});
    assertEquals((await first.supabase.auth.signOut()).error, null);
    await assertRejects(() => browser.getOne("sales", 1), RequestFailed);
  } finally {
    await empty.stop();
    await removeStackData(directory);
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("Atomic CRM's pages of companies list, filter, show, edit and delete them", async () => {
  const { frontend, me } = await signedUp();
  const created_at = new Date().toISOString();
  const logo = await frontend.upload("logo.png", new Blob(["logo"], { type: "image/png" }));
  const engines = await frontend.create("companies", {
    name: "Engines, Ltd (UK)",
    sector: "information-technology",
    size: 50,
    website: "https://engines.example",
    phone_number: "555 0101",
    city: "London",
    zipcode: "W1",
    state_abbr: "LN",
    revenue: "1M",
    context_links: ["https://news.example/1"],
    sales_id: me.id,
    logo,
    created_at,
  });
  // The database sets the time, close to that of the client.
  assertGreater(Date.parse(engines.created_at), Date.parse(created_at) - 1_000);
  assertLess(Date.parse(engines.created_at), Date.now() + 1_000);
  assertEquals(await (await fetch(engines.logo.src)).text(), "logo");
  await frontend.create("companies", { name: "Mills", created_at, sales_id: me.id });

  const { data, total } = await frontend.getList("companies", { order: "name.asc" });
  assertEquals([total, data.map(({ name }) => name)], [2, ["Engines, Ltd (UK)", "Mills"]]);
  assertEquals([data[0]?.nb_deals, data[0]?.nb_contacts, data[0]?.search], [0, 0, undefined]);
  const filter = { size: "eq.50", sector: "eq.information-technology", sales_id: `eq.${me.id}` };
  assertEquals((await frontend.getList("companies", { filter })).total, 1);
  const columns = ["name", "phone_number", "website", "zipcode", "city", "state_abbr"];
  const or = `(${columns.map((column) => `${column}.ilike.*london*`).join(",")})`;
  assertEquals((await frontend.getList("companies", { filter: { or } })).total, 1);
  for (const order of ["nb_contacts.desc.nullslast", "created_at.desc.nullslast"]) {
    assertEquals((await frontend.getList("companies", { order, limit: 1, offset: 1 })).total, 2);
  }

  await frontend.create("contacts", contactForm({ company_id: engines.id, sales_id: me.id }));
  const shown = await frontend.getOne("companies", engines.id);
  assertEquals([shown.nb_contacts, shown.revenue], [1, "1M"]);
  const cards = await frontend.getManyReference("contacts", "company_id", engines.id);
  assertEquals([cards.total, cards.data[0]?.company_id], [1, engines.id]);
  const edited = await frontend.update("companies", shown, { ...shown, size: 250, address: null });
  assertEquals([edited.size, edited.name], [250, "Engines, Ltd (UK)"]);
  assertEquals((await frontend.getMany("companies", [engines.id])).length, 1);

  assertEquals((await frontend.delete("companies", engines.id)).id, engines.id);
  const gone = await assertRejects(() => frontend.getOne("companies", engines.id), RequestFailed);
  assertEquals(gone.status, 406);
  // Its contacts go with it, as by the foreign key of Atomic CRM's schema.
  assertEquals((await frontend.getList("contacts", {})).total, 0);
});

Deno.test("Atomic CRM's pages of contacts list, filter, tag, edit and delete them", async () => {
  const { frontend, me } = await signedUp();
  const company = await frontend.create("companies", { name: "Navy", sales_id: me.id });
  const tag = await frontend.create("tags", { name: "vip", color: "#eddcd2" });
  const form = contactForm({ company_id: company.id, sales_id: me.id, avatar: null });
  const grace = await frontend.create("contacts", form);
  assertEquals(grace.email_jsonb, [{ email: "grace@example.com", type: "Work" }]);
  assertEquals(new Date(grace.first_seen).toISOString(), form.first_seen);
  const old = "2024-07-01T00:00:00.000Z";
  const alan = await frontend.create("contacts", {
    ...contactForm({ first_name: "Alan", status: "hot", sales_id: me.id }),
    last_seen: old,
    email_jsonb: null,
    phone_jsonb: [{ number: 5550102, type: "Home" }],
  });
  assertEquals(alan.last_seen, "2024-07-01T00:00:00+00:00");

  const listed = await frontend.getList("contacts", { order: "last_seen.desc.nullslast" });
  assertEquals(listed.data.map(({ id }) => id), [grace.id, alan.id]);
  const [first] = listed.data;
  assertEquals([first?.company_name, first?.nb_tasks, first?.search], ["Navy", 0, undefined]);
  assertEquals(first?.email_fts, '["grace@example.com"]');

  // The list of tags in the filter, a tag on the page of the contact, and tags for several contacts.
  assertEquals((await frontend.getList("tags", { order: "name.asc", limit: 10 })).total, 1);
  const tagged = await frontend.update("contacts", grace, { tags: [tag.id] });
  assertEquals(tagged.tags, [tag.id]);
  for (const contact of await frontend.getMany("contacts", [grace.id, alan.id])) {
    const tags = [...new Set([...(contact.tags ?? []), tag.id])];
    await frontend.update("contacts", contact, { tags });
  }
  const found = async (filter: Record<string, string>) =>
    (await frontend.getList("contacts", { filter })).data.map(({ id }) => id).sort();
  assertEquals(await found({ tags: `cs.{${tag.id}}` }), [grace.id, alan.id]);
  assertEquals(await found({ status: "eq.hot", sales_id: `eq.${me.id}` }), [alan.id]);
  assertEquals(await found({ last_seen: "gte.2025-01-01T00:00:00.000Z" }), [grace.id]);
  assertEquals(await found({ last_seen: "lte.2025-01-01T00:00:00.000Z" }), [alan.id]);
  assertEquals(await found({ nb_tasks: "gt.0" }), []);
  const columns = "first_name,last_name,company_name,title,email_fts,phone_fts,background".split(
    ",",
  );
  const words = (text: string) => ({
    or: `(${columns.map((column) => `${column}.ilike.*${text}*`).join(",")})`,
  });
  assertEquals(await found(words("navy")), [grace.id]);
  assertEquals(await found(words("5550102")), [alan.id]);
  assertEquals(await found(words("grace@ex")), [grace.id]);

  const renamed = await frontend.update("tags", tag, { name: "partner" });
  assertEquals([renamed.name, renamed.color], ["partner", "#eddcd2"]);
  assertEquals(
    only(await frontend.updateMany("contacts", [alan.id], { status: "warm" })).status,
    "warm",
  );
  const page = await frontend.getOne("contacts", grace.id);
  const edited = await frontend.update("contacts", page, {
    ...page,
    title: null,
    background: "New",
  });
  assertEquals([edited.title, edited.background], [null, "New"]);
  assertEquals((await frontend.delete("contacts", grace.id)).id, grace.id);
  const ids = (await frontend.deleteMany("contacts", [alan.id, 0])).map(({ id }) => id);
  assertEquals(ids, [alan.id]);
});

Deno.test("Atomic CRM's notes keep files, and move the contact's status and last visit", async () => {
  const { frontend, me } = await signedUp();
  const contact = await frontend.create("contacts", contactForm({ sales_id: me.id }));
  const attachments = [
    await frontend.upload('plan "B".txt', new Blob(["hello"], { type: "text/plain" })),
    await frontend.upload("photo.png", new Blob(["pixels"], { type: "image/png" })),
  ];
  const date = new Date().toISOString();
  const form = { contact_id: contact.id, sales_id: me.id, text: "Sent the plan", date };
  const note = await frontend.create("contact_notes", { ...form, status: "hot", attachments });
  assertEquals(note.attachments, attachments);
  const last_seen = new Date().toISOString();
  const seen = await frontend.update("contacts", contact, { last_seen, status: note.status });
  assertEquals([seen.status, Date.parse(seen.last_seen)], ["hot", Date.parse(last_seen)]);
  for (const { src } of note.attachments) {
    assertEquals((await fetch(src).then(consumed)).status, 200);
  }

  const filter = { contact_id: `eq.${contact.id}` };
  const read = () => frontend.getList("contact_notes", { filter, order: "date.desc.nullslast" });
  assertEquals(only((await read()).data).attachments, attachments);
  const edited = await frontend.update("contact_notes", note, {
    text: "Sent",
    attachments: attachments.slice(0, 1),
  });
  assertEquals([edited.text, edited.attachments], ["Sent", attachments.slice(0, 1)]);
  assertEquals((await frontend.getOne("contact_notes", note.id)).text, "Sent");
  await frontend.delete("contact_notes", note.id);
  assertEquals((await read()).total, 0);
});

async function consumed(response: Response): Promise<Response> {
  await response.body?.cancel();
  return response;
}

Deno.test("Atomic CRM's tasks are added, done, moved and deleted", async () => {
  const { frontend, me } = await signedUp();
  const contact = await frontend.create("contacts", contactForm({ sales_id: me.id }));
  const due_date = "2024-07-01T00:00:00.000Z";
  const form = { contact_id: contact.id, type: "call", text: "Call back", sales_id: me.id };
  const task = await frontend.create("tasks", { ...form, due_date });
  assertEquals([task.due_date, task.done_date], ["2024-07-01T00:00:00+00:00", null]);
  const read = await frontend.getOne("contacts", contact.id);
  assertEquals(read.nb_tasks, 1);
  await frontend.update("contacts", read, { last_seen: new Date().toISOString() });

  const open = { sales_id: `eq.${me.id}` };
  const dashboard = await frontend.getList("tasks", {
    filter: open,
    order: "due_date.asc",
    limit: 1000,
  });
  assertEquals(dashboard.data.map(({ id }) => id), [task.id]);
  const aside = await frontend.getManyReference("tasks", "contact_id", contact.id, {
    order: "due_date.asc",
    limit: 1000,
  });
  assertEquals(aside.total, 1);

  const done_date = new Date().toISOString();
  const done = await frontend.update("tasks", task, { done_date });
  assertEquals(Date.parse(done.done_date), Date.parse(done_date));
  assertEquals((await frontend.getOne("contacts", contact.id)).nb_tasks, 0);
  assertEquals((await frontend.update("tasks", done, { done_date: null })).done_date, null);
  const tomorrow = new Date(Date.parse(due_date) + 86_400_000).toISOString();
  const moved = await frontend.update("tasks", task, { due_date: tomorrow, type: "meeting" });
  assertEquals([moved.due_date, moved.type], ["2024-07-02T00:00:00+00:00", "meeting"]);
  await frontend.delete("tasks", task.id);
  assertEquals((await frontend.getList("tasks", { filter: open })).total, 0);
});

/** The deals of a stage in the order of the board. */
async function columnOf(frontend: AtomicFrontend, stage: string): Promise<Row[]> {
  const filter = { stage: `eq.${stage}` };
  return (await frontend.getList("deals", { filter, order: "index.asc", limit: 100 })).data;
}

/** Drops a deal on another column: one request per deal that moves, all at once. */
async function drop(frontend: AtomicFrontend, deal: Row, stage: string, index: number) {
  const [source, target] = await Promise.all(
    [deal.stage, stage].map((name) => columnOf(frontend, name)),
  );
  const above = present(source, "column").filter((other) => other.index > deal.index);
  const below = present(target, "column").filter((other) => other.index >= index);
  await Promise.all([
    ...above.map((other) => frontend.update("deals", other, { index: other.index - 1 })),
    ...below.map((other) => frontend.update("deals", other, { index: other.index + 1 })),
    frontend.update("deals", deal, { index, stage }),
  ]);
}

/** Drops a deal further up in its column. */
async function raise(frontend: AtomicFrontend, deal: Row, index: number): Promise<void> {
  const between = (await columnOf(frontend, deal.stage))
    .filter((other) => other.index >= index && other.index < deal.index);
  await Promise.all([
    ...between.map((other) => frontend.update("deals", other, { index: other.index + 1 })),
    frontend.update("deals", deal, { index }),
  ]);
}

Deno.test("Atomic CRM's board keeps the order of dropped deals, and archives them", async () => {
  const { frontend, me } = await signedUp();
  const company = await frontend.create("companies", { name: "Engines", sales_id: me.id });
  const contact = await frontend.create("contacts", contactForm({ sales_id: me.id }));
  const board = () =>
    frontend.getList("deals", {
      filter: { archived_at: "is.null" },
      order: "index.desc.nullslast",
      limit: 100,
    });
  for (const name of ["A", "B", "C", "D"]) {
    const { data } = await board();
    const deal = await frontend.create("deals", {
      name,
      company_id: company.id,
      contact_ids: [contact.id],
      category: "other",
      stage: "opportunity",
      description: "An engine",
      amount: 17000,
      expected_closing_date: "2024-08-01",
      sales_id: me.id,
      index: 0,
    });
    assertEquals([deal.expected_closing_date, deal.amount], ["2024-08-01", 17000]);
    await Promise.all(
      data.map((other) => frontend.update("deals", other, { index: other.index + 1 })),
    );
  }
  const names = async (stage: string) => (await columnOf(frontend, stage)).map(({ name }) => name);
  assertEquals(await names("opportunity"), ["D", "C", "B", "A"]);

  await raise(frontend, await dealOf(frontend, "A"), 1);
  assertEquals(await names("opportunity"), ["D", "A", "C", "B"]);
  await drop(frontend, await dealOf(frontend, "A"), "won", 0);
  await drop(frontend, await dealOf(frontend, "D"), "won", 0);
  await drop(frontend, await dealOf(frontend, "B"), "won", 1);
  assertEquals([await names("opportunity"), await names("won")], [["C"], ["D", "B", "A"]]);
  assertEquals((await columnOf(frontend, "won")).map(({ index }) => index), [0, 1, 2]);

  const c = await dealOf(frontend, "C");
  await frontend.update("deals", c, { archived_at: new Date().toISOString() });
  assertEquals((await board()).total, 3);
  const archived = await frontend.getList("deals", {
    filter: { archived_at: "not.is.null" },
    order: "archived_at.desc.nullslast",
    limit: 1000,
  });
  assertEquals(archived.data.map(({ name }) => name), ["C"]);
  await frontend.update("deals", only(archived.data), { archived_at: null });
  const filter = { company_id: `eq.${company.id}`, category: "eq.other", sales_id: `eq.${me.id}` };
  assertEquals((await frontend.getList("deals", { filter, order: "name.asc" })).total, 4);
  const or = "(name.ilike.*engine*,category.ilike.*engine*,description.ilike.*engine*)";
  assertEquals((await frontend.getList("deals", { filter: { or } })).total, 4);

  const note = { deal_id: c.id, sales_id: me.id, text: "Signed", date: new Date().toISOString() };
  await frontend.create("deal_notes", { ...note, attachments: null });
  const notes = await frontend.getList("deal_notes", { filter: { deal_id: `eq.${c.id}` } });
  assertEquals(only(notes.data).text, "Signed");
  assertEquals((await frontend.getOne("companies", company.id)).nb_deals, 4);
  assertEquals((await frontend.delete("deals", c.id)).id, c.id);
});

async function dealOf(frontend: AtomicFrontend, name: string): Promise<Row> {
  return only((await frontend.getList("deals", { filter: { name: `eq.${name}` } })).data);
}

Deno.test("Atomic CRM's import of contacts finds or creates companies and tags", async () => {
  const { frontend, me } = await signedUp();
  await frontend.create("tags", { name: "vip", color: "#eddcd2" });
  const rows = Array.from({ length: 10 }, (_, index) => ({
    first_name: `Name ${index}`,
    company: index % 2 ? "Engines, Ltd" : 'The "Mill"',
    tags: "vip, lead",
    phone_work: 5550100 + index,
    first_seen: "Mon Jul 01 2024 00:00:00 GMT+0000",
  }));
  const findOrCreate = async (resource: string, wanted: string[], values: Row) => {
    const quoted = wanted.map((name) => `"${name.replace(/"/g, '\\"')}"`).join(",");
    const filter = { name: `in.(${quoted})` };
    const { data } = await frontend.getList(resource, { filter, limit: wanted.length });
    const known = new Map(data.map(({ name, id }) => [name, id]));
    for (const name of wanted.filter((name) => !known.has(name))) {
      known.set(name, (await frontend.create(resource, { name, ...values })).id);
    }
    return known;
  };
  const created_at = new Date().toISOString();
  for (let time = 0; time < 2; time++) {
    const names = [...new Set(rows.map(({ company }) => company))];
    const company = { created_at, sales_id: me.id };
    const companies = await findOrCreate("companies", names, company);
    const tags = await findOrCreate("tags", ["vip", "lead"], { color: "#f9f9f9" });
    await Promise.all(
      rows.map(({ first_name, company, phone_work, first_seen }) =>
        frontend.create("contacts", {
          first_name,
          last_name: null,
          gender: null,
          email_jsonb: [],
          phone_jsonb: [{ number: phone_work, type: "Work" }],
          first_seen: new Date(first_seen).toISOString(),
          last_seen: created_at,
          has_newsletter: null,
          status: null,
          company_id: companies.get(company),
          tags: [...tags.values()],
          sales_id: me.id,
        })
      ),
    );
  }
  const { data, total } = await frontend.getList("contacts", { limit: 1000 });
  assertEquals([total, data.length], [20, 20]);
  assert(data.every(({ tags, company_name }) => tags.length === 2 && company_name !== null));
  assertEquals((await frontend.getList("companies", {})).total, 2);
  assertEquals((await frontend.getList("tags", {})).total, 2);
});

Deno.test("Atomic CRM's merge dialog counts what moves, and merges", async () => {
  const { frontend, me } = await signedUp();
  const winner = await frontend.create(
    "contacts",
    contactForm({ sales_id: me.id, email_jsonb: [] }),
  );
  const loser = await frontend.create("contacts", contactForm({ sales_id: me.id }));
  await frontend.create("tasks", { contact_id: loser.id, text: "Call", sales_id: me.id });
  await frontend.create("contact_notes", { contact_id: loser.id, text: "Called", sales_id: me.id });
  const deal = { name: "Engine", stage: "opportunity", contact_ids: [loser.id], sales_id: me.id };
  const { id } = await frontend.create("deals", { ...deal, index: 0 });

  const filter = { first_name: "eq.Grace", last_name: "eq.Hopper", id: `neq.${loser.id}` };
  const suggested = await frontend.getList("contacts", { filter, limit: 10 });
  assertEquals(only(suggested.data).id, winner.id);
  const tasks = await frontend.getManyReference("tasks", "contact_id", loser.id, { limit: 1 });
  const notes = await frontend.getManyReference("contact_notes", "contact_id", loser.id, {
    limit: 1,
  });
  const deals = await frontend.getList("deals", {
    filter: { contact_ids: `cs.{${loser.id}}` },
    limit: 1,
  });
  assertEquals([tasks.total, notes.total, deals.total], [1, 1, 1]);

  const answer = await frontend.invoke("merge_contacts", "POST", {
    loserId: loser.id,
    winnerId: winner.id,
  });
  assertEquals(answer.success, true);
  const merged = await frontend.getOne("contacts", winner.id);
  assertEquals([merged.nb_tasks, merged.email_jsonb.length], [1, 1]);
  assertEquals((await frontend.getOne("deals", id)).contact_ids, [winner.id]);
  await assertRejects(() => frontend.getOne("contacts", loser.id), RequestFailed);
  const again = { loserId: winner.id, winnerId: winner.id };
  const self = await assertRejects(
    () => frontend.invoke("merge_contacts", "POST", again),
    RequestFailed,
  );
  assertGreater(self.status, 399);
});

/** An invited user follows the link of the mail to the page that asks for a password, and signs in. */
async function joined(email: string): Promise<AtomicFrontend> {
  const fragment = await followLink((await newestMail(email)).link);
  assertEquals(fragment.get("type"), "recovery");
  const invited = new AtomicFrontend(stack);
  await invited.supabase.auth.setSession({
    access_token: present(fragment.get("access_token"), "access token"),
    refresh_token: present(fragment.get("refresh_token"), "refresh token"),
  });
  assertEquals((await invited.supabase.auth.updateUser({ password: PASSWORD })).error, null);
  await invited.signIn(email);
  return invited;
}

Deno.test("Atomic CRM's users are invited, join, change and are disabled", async () => {
  const { frontend, me } = await signedUp();
  const email = freshEmail();
  const form = { email, first_name: "Bob", last_name: "Babbage", administrator: false };
  const { data: bob } = await frontend.invoke("users", "POST", { ...form, disabled: false });
  assertEquals([bob.email, bob.administrator, bob.disabled], [email, false, false]);
  const taken = await assertRejects(
    () => frontend.invoke("users", "POST", { ...form, disabled: false }),
    RequestFailed,
  );
  assert(taken.message.length > 10);

  const invited = await joined(email);
  assertEquals((await invited.identity()).administrator, false);
  const refused = await assertRejects(
    () => invited.invoke("users", "POST", { ...form, email: freshEmail() }),
    RequestFailed,
  );
  assertEquals(refused.status, 403);

  const listed = await frontend.getList("sales", { order: "first_name.asc", limit: 10 });
  assertEquals(listed.data.map(({ first_name }) => first_name), ["Ada", "Bob"]);
  const avatar = { src: PNG, title: "bob.png", rawFile: {} };
  const { data: renamed } = await frontend.invoke("users", "PATCH", {
    sales_id: bob.id,
    email,
    first_name: "Charles",
    last_name: "Babbage",
    administrator: true,
    disabled: false,
    avatar,
  });
  assertEquals([renamed.first_name, renamed.administrator], ["Charles", true]);
  assert((await invited.identity()).avatar?.src);
  await frontend.invoke("update_password", "PATCH", { sales_id: bob.id });
  assertEquals((await followLink((await newestMail(email)).link)).get("type"), "recovery");

  await frontend.invoke("users", "PATCH", { sales_id: bob.id, disabled: true });
  const owners = { filter: { disabled: "neq.true" }, order: "last_name.asc" };
  assertEquals((await frontend.getList("sales", owners)).data.map(({ id }) => id), [me.id]);
  await assertRejects(() => invited.signIn(email));
  assertEquals((await invited.getList("contacts", {}).catch(() => ({ total: 0 }))).total, 0);
});

Deno.test("Atomic CRM's settings are kept, and refused for users who are no admins", async () => {
  const { frontend } = await signedUp();
  const logo = await frontend.upload("logo.png", new Blob(["logo"], { type: "image/png" }));
  const config = {
    title: "Engines CRM",
    lightModeLogo: logo.src,
    darkModeLogo: logo.src,
    currency: "GBP",
    companySectors: [{ value: "industry", label: "Industry" }],
    dealCategories: [{ value: "other", label: "Other" }],
    dealStages: [
      { value: "opportunity", label: "Opportunity" },
      { value: "won", label: "Won" },
    ],
    dealPipelineStatuses: ["won"],
    noteStatuses: [{ value: "cold", label: "Cold", color: "#7dbde8" }],
    taskTypes: [{ value: "none", label: "None" }],
  };
  const saved = await frontend.update("configuration", { id: 1 }, { config });
  assertEquals(saved.config, config);
  assertEquals((await frontend.getOne("configuration", 1)).config, config);
  assertEquals((await frontend.getList("deals", { limit: 1000 })).total, 0);

  const email = freshEmail();
  const form = { email, first_name: "Bob", last_name: "B" };
  await frontend.invoke("users", "POST", { ...form, administrator: false, disabled: false });
  const user = await joined(email);
  assertEquals((await user.getOne("configuration", 1)).config, config);
  const title = { ...config, title: "Mine" };
  await assertRejects(
    () => user.update("configuration", { id: 1 }, { config: title }),
    RequestFailed,
  );
});

Deno.test("Atomic CRM's dashboard reads counts, hot contacts, the chart and the activity", async () => {
  const { frontend, me } = await signedUp();
  const company = await frontend.create("companies", { name: "Navy", sales_id: me.id });
  const form = contactForm({ company_id: company.id, status: "hot", sales_id: me.id });
  const contact = await frontend.create("contacts", form);
  const note = { contact_id: contact.id, text: "Called", sales_id: me.id };
  await frontend.create("contact_notes", { ...note, date: new Date().toISOString() });
  const deal = await frontend.create("deals", {
    name: "Ship",
    company_id: company.id,
    stage: "won",
    amount: 1,
    sales_id: me.id,
    index: 0,
  });
  await frontend.create("deal_notes", { deal_id: deal.id, text: "Signed", sales_id: me.id });

  for (const resource of ["contacts", "contact_notes", "deals"]) {
    assertEquals((await frontend.getList(resource, { limit: 1 })).total, 1, resource);
  }
  const hot = { status: "eq.hot", sales_id: `eq.${me.id}` };
  const order = "last_seen.desc.nullslast";
  assertEquals((await frontend.getList("contacts", { filter: hot, order, limit: 10 })).total, 1);
  const chart = { created_at: `gte.${new Date(Date.now() - 1e10).toISOString()}` };
  const charted = await frontend.getList("deals", {
    filter: chart,
    order: "created_at.asc",
    limit: 100,
  });
  assertEquals(charted.total, 1);

  const read = (filter = {}) =>
    frontend.getList("activity_log", { filter, order: "date.desc.nullslast" });
  const { data, total } = await read();
  const types = ["company", "contact", "contactNote", "deal", "dealNote"].map((kind) =>
    `${kind}.created`
  );
  assertEquals([total, data.map(({ type }) => type).sort()], [5, types]);
  const created = present(data.find(({ type }) => type === "contact.created"), "activity");
  assertEquals([created.contact.id, created.contact.search], [contact.id, undefined]);
  assertEquals(created.contact.first_seen, contact.first_seen);
  assertEquals((await read({ company_id: `eq.${company.id}` })).total, 5);
});

Deno.test("Atomic CRM shows the message of the database, and keeps the session on a wrong filter", async () => {
  const { frontend } = await signedUp();
  const failure = async (work: Promise<unknown>) => {
    const { status, message } = await assertRejects(() => work, RequestFailed);
    return [status, message];
  };
  // A resource without a search asks for a column that does not exist.
  assertEquals(await failure(frontend.getList("sales", { filter: { q: "eq.foo" } })), [
    400,
    "column sales.q does not exist",
  ]);
  // The library writes three words in this form.
  const or = "(first_name.ilike.*a*,ilike.*b*,first_name.ilike.*c*)";
  assertEquals((await failure(frontend.getList("contacts", { filter: { or } })))[0], 400);
  assertEquals((await failure(frontend.getList("contacts", { offset: 80 })))[0], 416);
  assertEquals(await failure(frontend.create("contacts", { first_name: "A", nickname: "B" })), [
    400,
    "Could not find the 'nickname' column of 'contacts' in the schema cache",
  ]);
  assertEquals((await failure(frontend.create("companies", { sector: "other" })))[0], 400);
  assertEquals((await failure(frontend.update("deals", { id: 0 }, { stage: "won" })))[0], 406);
  assertEquals((await failure(frontend.delete("contacts", 0)))[0], 406);
});

Deno.test("Atomic CRM's users of one workspace see nothing of another", async () => {
  const [one, other] = await Promise.all([signedUp(), signedUp()]);
  const contact = await one.frontend.create("contacts", contactForm({ sales_id: one.me.id }));
  for (const resource of ["contacts", "companies", "deals", "tasks", "tags", "activity_log"]) {
    assertEquals((await other.frontend.getList(resource)).total, 0, resource);
  }
  await assertRejects(() => other.frontend.getOne("contacts", contact.id), RequestFailed);
  assertEquals(await other.frontend.getMany("contacts", [contact.id]), []);
  await assertRejects(() => other.frontend.delete("contacts", contact.id), RequestFailed);
});
