/** users.offboard and users.restore: records, sessions, roles, and permissions. */
import { assert, assertEquals } from "@std/assert";
import { present } from "../../support/exactly.ts";
import {
  type Api,
  auth,
  createWorkspace,
  freshEmail,
  headerOf,
  mailsTo,
  signIn,
  sql,
  stack,
  test,
  type TestMember,
  type Workspace,
} from "../../support/workspace.ts";

const ONE_OF_EACH = {
  companies: 1,
  contacts: 2,
  contact_notes: 1,
  deals: 1,
  deal_notes: 1,
  tasks: 1,
};
const NOTHING = { companies: 0, contacts: 0, contact_notes: 0, deals: 0, deal_notes: 0, tasks: 0 };

/** Inserts records of a member into every table that has owners. */
async function giveRecords({ id }: Workspace, member: TestMember): Promise<void> {
  const owner = { workspace_id: id, sales_id: member.id };
  const rows = (table: string, values: object) =>
    sql<{ id: string }[]>`insert into ${sql(`public.${table}`)} ${sql({ ...owner, ...values })}
      returning id`;
  const [company] = await rows("companies", { name: "Engines Ltd" });
  const [contact] = await rows("contacts", { first_name: "A", company_id: company?.id });
  await rows("contacts", { first_name: "B" });
  const [deal] = await rows("deals", { name: "Deal", stage: "won", company_id: company?.id });
  await rows("contact_notes", { contact_id: contact?.id, text: "note" });
  await rows("deal_notes", { deal_id: deal?.id, text: "note" });
  await rows("tasks", { contact_id: contact?.id, text: "call" });
}

async function countOwned(owner: number): Promise<Record<string, number>> {
  const [row] = await sql<Record<string, number>[]>`
    select
      (select count(*)::int from public.companies where sales_id = ${owner}) as companies,
      (select count(*)::int from public.contacts where sales_id = ${owner}) as contacts,
      (select count(*)::int from public.contact_notes where sales_id = ${owner}) as contact_notes,
      (select count(*)::int from public.deals where sales_id = ${owner}) as deals,
      (select count(*)::int from public.deal_notes where sales_id = ${owner}) as deal_notes,
      (select count(*)::int from public.tasks where sales_id = ${owner}) as tasks`;
  return { ...row };
}

// Reads every column that names an owner: the records of a new table must be reassigned too.
test("users.offboard reassigns every table with an owner", async () => {
  const tables = await sql<{ table_name: string }[]>`
    select table_name from information_schema.columns
    join information_schema.tables using (table_schema, table_name)
    where table_schema = 'public' and column_name = 'sales_id' and table_type = 'BASE TABLE'
    order by table_name`;
  assertEquals(tables.map((row) => row.table_name), Object.keys(NOTHING).sort());
});

test("users.offboard moves every record, ends the sessions and bans the account", async () => {
  const workspace = await createWorkspace();
  const { admin, addMember } = workspace;
  const [rep, heir] = await Promise.all([addMember("manager"), addMember("rep")]);
  await giveRecords(workspace, rep);
  await giveRecords(workspace, heir);
  const path = `/users/${rep.id}?reassign_to=${heir.id}`;
  const { status, body } = await admin.api.delete(path);
  assertEquals(status, 200);
  assertEquals(body, {
    id: rep.id,
    outcome: "disabled",
    reassigned_to: heir.id,
    reassigned: ONE_OF_EACH,
    dry_run: false,
  });
  assertEquals(await countOwned(rep.id), NOTHING);
  const doubled = Object.entries(ONE_OF_EACH).map(([table, count]) => [table, count * 2]);
  assertEquals(await countOwned(heir.id), Object.fromEntries(doubled));
  const out = await rep.api.get("/contacts");
  assertEquals([out.status, out.body.code], [403, "member_disabled"]);
  const refresh = { refresh_token: rep.refresh_token };
  assertEquals((await auth("/token?grant_type=refresh_token", refresh, true)).status, 400);
  const [user] = await sql`
    select banned_until > now() as banned from auth.users where id = ${rep.user_id}`;
  assertEquals(user?.banned, true);
});

test("users.offboard answers 200 with the same shape when repeated", async () => {
  const workspace = await createWorkspace();
  const { admin, addMember } = workspace;
  const rep = await addMember("rep");
  await giveRecords(workspace, rep);
  const path = `/users/${rep.id}?reassign_to=${admin.id}`;
  const first = await admin.api.delete(path);
  const second = await admin.api.delete(path);
  assertEquals([second.status, second.body], [200, { ...first.body, reassigned: NOTHING }]);
  assertEquals((await admin.api.delete(`/users/${rep.id}`)).status, 200);
});

test("users.offboard completes an earlier request that was interrupted", async () => {
  const { admin, addMember } = await createWorkspace();
  const rep = await addMember("rep");
  await sql`update public.sales set disabled = true where id = ${rep.id}`;
  assertEquals((await admin.api.delete(`/users/${rep.id}`)).status, 200);
  const [user] = await sql`
    select banned_until > now() as banned from auth.users where id = ${rep.user_id}`;
  assertEquals(user?.banned, true);
});

test("users.offboard leaves no record behind while the user and colleagues keep writing", async () => {
  const { admin, addMember } = await createWorkspace();
  const [leaver, colleague, heir] = await Promise.all([
    addMember("rep"),
    addMember("manager"),
    addMember("rep"),
  ]);
  const created = async (api: Api, sales_id: number) => {
    const contact = await api.post("/contacts", { first_name: "C", sales_id });
    if (contact.status !== 201) return contact;
    return await api.post("/tasks", { contact_id: contact.body.id, text: "call", sales_id });
  };
  const own = (await colleague.api.post("/companies", { name: "Engines" })).body.id;
  const write = () => [
    created(leaver.api, leaver.id),
    created(colleague.api, leaver.id),
    colleague.api.patch(`/companies/${own}`, { sales_id: leaver.id }),
    colleague.api.post("/companies/bulk", { ids: [own], set: { sales_id: leaver.id } }),
    colleague.api.patch(`/companies/${own}`, { sales_id: colleague.id }),
  ];
  await Promise.all(write());
  const writing = [...write(), ...write()];
  const offboarding = admin.api.delete(`/users/${leaver.id}?reassign_to=${heir.id}`);
  writing.push(...write(), ...write());
  const { status, body } = await offboarding;
  assertEquals(status, 200, JSON.stringify(body));
  for (const answer of await Promise.all([...writing, ...write()])) {
    const refused = [403, 409, 422].includes(answer.status);
    assert(refused || answer.status < 300, JSON.stringify(answer.body));
  }
  assertEquals(await countOwned(leaver.id), NOTHING);
});

test("contacts.create and contacts.update refuse a disabled owner and name the field", async () => {
  const { admin, addMember } = await createWorkspace();
  const rep = await addMember("rep");
  await admin.api.patch(`/users/${rep.id}`, { disabled: true });
  const { body: contact } = await admin.api.post("/contacts", { first_name: "A" });
  const answers = [
    await admin.api.post("/contacts", { first_name: "B", sales_id: rep.id }),
    await admin.api.patch(`/contacts/${contact.id}`, { sales_id: rep.id }),
  ];
  for (const { status, body } of answers) {
    assertEquals([status, body.code], [422, "unknown_reference"]);
    assertEquals(Object.keys(body.errors), ["sales_id"]);
  }
});

test("users.offboard with dry_run shows the counts and changes nothing", async () => {
  const workspace = await createWorkspace();
  const { admin, addMember } = workspace;
  const rep = await addMember("rep");
  await giveRecords(workspace, rep);
  const before = (await admin.api.get(`/users/${rep.id}`)).body;
  const path = `/users/${rep.id}?reassign_to=${admin.id}&dry_run=true`;
  const { status, body } = await admin.api.delete(path);
  assertEquals([status, body.dry_run, body.reassigned], [200, true, ONE_OF_EACH]);
  assertEquals(await countOwned(rep.id), ONE_OF_EACH);
  assertEquals((await admin.api.get(`/users/${rep.id}`)).body, before);
  assertEquals((await rep.api.get("/me")).status, 200);
  const refresh = { refresh_token: rep.refresh_token };
  assertEquals((await auth("/token?grant_type=refresh_token", refresh)).status, 200);
});

test("users.offboard answers 409 reassign_required with the numbers of owned records", async () => {
  const workspace = await createWorkspace();
  const { admin, addMember } = workspace;
  const rep = await addMember("rep");
  await giveRecords(workspace, rep);
  const { status, body } = await admin.api.delete(`/users/${rep.id}`);
  assertEquals([status, body.code, body.owned], [409, "reassign_required", ONE_OF_EACH]);
  assertEquals((await rep.api.get("/me")).status, 200);
});

test("users.offboard reassigns records only to an active member of the workspace", async () => {
  const [{ admin, addMember }, other] = await Promise.all([createWorkspace(), createWorkspace()]);
  const [rep, disabled] = await Promise.all([addMember("rep"), addMember("rep")]);
  await admin.api.patch(`/users/${disabled.id}`, { disabled: true });
  for (const heir of [rep.id, disabled.id, other.admin.id, 9_999_999]) {
    const { status, body } = await admin.api.delete(`/users/${rep.id}?reassign_to=${heir}`);
    assertEquals([status, body.code], [422, "unknown_reference"]);
    assertEquals(Object.keys(body.errors), ["reassign_to"]);
  }
  assertEquals((await rep.api.get("/me")).status, 200);
});

test("users.offboard is only for admins, and refuses the caller's own account", async () => {
  const { admin, addMember } = await createWorkspace();
  const [manager, rep] = await Promise.all([addMember("manager"), addMember("rep")]);
  const refused = await manager.api.delete(`/users/${rep.id}`);
  assertEquals([refused.status, refused.body.code], [403, "admin_required"]);
  const last = await admin.api.delete(`/users/${admin.id}?reassign_to=${rep.id}`);
  assertEquals([last.status, last.body.code], [409, "last_admin"]);
  await addMember("admin");
  const oneself = await admin.api.delete(`/users/${admin.id}?reassign_to=${rep.id}`);
  assertEquals([oneself.status, oneself.body.code], [403, "forbidden"]);
});

test("users.offboard and users.update do not count an invited admin as the last one", async () => {
  const { admin } = await createWorkspace();
  const input = { email: freshEmail(), first_name: "Ina", last_name: "Vited", role: "admin" };
  const { body: invited } = await admin.api.post("/users", input);
  const answers = [
    await admin.api.delete(`/users/${admin.id}`),
    await admin.api.patch(`/users/${admin.id}`, { role: "rep" }),
    await admin.api.patch(`${stack.apiUrl}/rest/v1/sales?id=eq.${admin.id}`, { disabled: true }, {
      apikey: stack.publishableKey,
    }),
  ];
  assertEquals(answers.map(({ status }) => status), [409, 409, 409]);
  assertEquals((await admin.api.delete(`/users/${invited.id}`)).status, 200);
});

test("users.offboard keeps one admin when two offboard each other at the same time", async () => {
  const { admin, addMember } = await createWorkspace();
  const second = await addMember("admin");
  const answers = await Promise.all([
    admin.api.delete(`/users/${second.id}`),
    second.api.delete(`/users/${admin.id}`),
  ]);
  assertEquals(answers.filter(({ status }) => status === 200).length, 1);
  const admins = await sql`
    select from public.sales
    where id in (${admin.id}, ${second.id}) and role = 'admin' and not disabled`;
  assertEquals(admins.length, 1);
});

test("users.offboard withdraws an invitation, and a later invite works", async () => {
  const { admin, addMember } = await createWorkspace();
  const input = { email: freshEmail(), first_name: "Ina", last_name: "Vited" };
  const { body: invited } = await admin.api.post("/users", input);
  const dry = await admin.api.delete(`/users/${invited.id}?dry_run=true`);
  assertEquals([dry.status, dry.body.outcome], [200, "withdrawn"]);
  assertEquals((await admin.api.get(`/users/${invited.id}`)).status, 200);
  const first = await admin.api.delete(`/users/${invited.id}`);
  assertEquals([first.status, first.body.outcome], [200, "withdrawn"]);
  const repeated = await admin.api.delete(`/users/${invited.id}`);
  assertEquals([repeated.status, repeated.body], [200, first.body]);
  assertEquals((await admin.api.get(`/users/${invited.id}`)).status, 404);
  const users = await sql`select from auth.users where id = ${invited.user_id}`;
  assertEquals(users.length, 0);
  const [mail] = await mailsTo(input.email);
  const followed = await fetch(present(mail?.link, "link in the mail"), { redirect: "manual" });
  await followed.body?.cancel();
  const fragment = new URL(headerOf(followed, "Location")).hash;
  assertEquals(fragment.includes("access_token"), false);
  assertEquals((await admin.api.post("/users", input)).status, 201);
  const rep = await addMember("rep");
  assertEquals((await rep.api.delete(`/users/${invited.id}`)).status, 403);
});

test("users.restore enables the member as a rep, whatever the role was before", async () => {
  const { admin, addMember } = await createWorkspace();
  const second = await addMember("admin");
  await admin.api.delete(`/users/${second.id}`);
  const { status, body } = await admin.api.post(`/users/${second.id}/restore`);
  assertEquals([status, body.role, body.administrator, body.disabled, body.status], [
    200,
    "rep",
    false,
    false,
    "active",
  ]);
  assertEquals((await (await signIn(second.email)).api.get("/me")).body.id, second.id);
});

test("users.restore sets the role of the request, and does not change active users", async () => {
  const { admin, addMember } = await createWorkspace();
  const rep = await addMember("rep");
  await admin.api.delete(`/users/${rep.id}`);
  const restored = await admin.api.post(`/users/${rep.id}/restore`, { role: "manager" });
  assertEquals([restored.status, restored.body.role], [200, "manager"]);
  const repeated = await admin.api.post(`/users/${rep.id}/restore`, {});
  assertEquals(repeated.body, restored.body);
  const manager = await signIn(rep.email);
  assertEquals((await manager.api.post(`/users/${rep.id}/restore`)).body.code, "admin_required");
});
