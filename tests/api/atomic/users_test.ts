/** Atomic CRM's own calls about users: create_user, update_user, update_password. */
import { assertEquals } from "@std/assert";
import { assertProblem } from "../../support/answers.ts";
import { dataUrl, imageBytes } from "../../support/pictures.ts";
import {
  auth,
  createWorkspace,
  freshEmail,
  mailsTo,
  PASSWORD,
  sql,
  stack,
  test,
} from "../../support/workspace.ts";

const USERS = `${stack.apiUrl}/functions/v1/users`;
const UPDATE_PASSWORD = `${stack.apiUrl}/functions/v1/update_password`;
const SALE = [
  "administrator",
  "avatar",
  "disabled",
  "email",
  "first_name",
  "id",
  "last_name",
  "user_id",
];

test("atomic.create_user answers with the row that Atomic CRM expects", async () => {
  const { admin } = await createWorkspace();
  const email = freshEmail();
  const form = { first_name: "Grace", last_name: "Hopper", administrator: true, disabled: false };
  const { status, body, headers } = await admin.api.post(USERS, { email, ...form, title: "extra" });
  assertEquals([status, headers.get("Content-Type")], [200, "application/json"]);
  assertEquals(Object.keys(body), ["data"]);
  assertEquals(Object.keys(body.data).sort(), SALE);
  const { id: _id, user_id: _user, ...data } = body.data;
  assertEquals(data, { email, ...form, avatar: null });
  assertEquals((await mailsTo(email)).length, 1);
  const again = await admin.api.post(USERS, { email, ...form });
  assertEquals([again.status, again.body.status], [409, 409]);
  assertEquals(again.body.message, again.body.detail);
});

test("atomic.create_user ignores a password: the invited user chooses it", async () => {
  const { admin } = await createWorkspace();
  const email = freshEmail();
  const created = await admin.api.post(USERS, { email, password: PASSWORD });
  assertEquals(created.status, 200);
  const credentials = { email, password: PASSWORD };
  assertEquals((await auth("/token?grant_type=password", credentials, true)).status, 400);
});

test("atomic.update_user changes the given fields and never lifts a ban", async () => {
  const { admin, addMember } = await createWorkspace();
  const rep = await addMember("manager");
  const disabled = await admin.api.patch(USERS, { sales_id: String(rep.id), disabled: true });
  assertEquals([disabled.status, disabled.body.data.disabled], [200, true]);
  const named = await admin.api.patch(USERS, { sales_id: rep.id, first_name: "New" });
  assertEquals([named.body.data.first_name, named.body.data.disabled], ["New", true]);
  assertEquals(Object.keys(named.body.data).sort(), SALE);
  const [user] = await sql`
    select banned_until > now() as banned from auth.users where id = ${rep.user_id}`;
  assertEquals(user?.banned, true);
  const enabled = await admin.api.patch(USERS, {
    sales_id: rep.id,
    administrator: false,
    disabled: false,
  });
  assertEquals(enabled.body.data.disabled, false);
  assertEquals((await admin.api.get(`/users/${rep.id}`)).body.role, "manager");
  await admin.api.patch(USERS, { sales_id: rep.id, administrator: true });
  assertEquals((await admin.api.get(`/users/${rep.id}`)).body.role, "admin");
});

test("atomic.update_user accepts a rep's whole form, and refuses changes that only admins may make", async () => {
  const { admin, addMember } = await createWorkspace();
  const rep = await addMember("rep");
  const form = {
    sales_id: rep.id,
    email: rep.email,
    first_name: "Rae",
    last_name: "Rep",
    administrator: false,
    disabled: false,
    avatar: { src: dataUrl(imageBytes(1_000)), title: "me.png", rawFile: {} },
  };
  const saved = await rep.api.patch(USERS, form);
  const { rawFile: _, ...avatar } = { ...form.avatar, type: "image/png" };
  assertEquals([saved.status, saved.body.data.avatar], [200, avatar]);
  const cleared = await rep.api.patch(USERS, { sales_id: rep.id, avatar: null });
  assertEquals(cleared.body.data.avatar, null);
  for (const change of [{ administrator: true }, { disabled: true }]) {
    const { status, body } = await rep.api.patch(USERS, { ...form, ...change });
    assertEquals([status, body.code], [403, "admin_required"]);
  }
  const other = await rep.api.patch(USERS, { ...form, sales_id: admin.id });
  assertEquals(other.status, 403);
  const own = await admin.api.patch(USERS, { sales_id: admin.id, administrator: false });
  assertEquals([own.status, own.body.code], [409, "last_admin"]);
});

test("atomic.update_password mails the caller, or for admins the user of sales_id", async () => {
  const { admin, addMember } = await createWorkspace();
  const [rep, other] = await Promise.all([addMember("rep"), addMember("rep")]);
  const own = await rep.api.patch(UPDATE_PASSWORD, {});
  assertEquals([own.status, own.body], [200, { data: {} }]);
  assertEquals((await mailsTo(rep.email)).length, 1);
  assertEquals((await rep.api.patch(UPDATE_PASSWORD, { sales_id: other.id })).status, 403);
  assertEquals(await mailsTo(other.email), []);
  const named = await admin.api.patch(UPDATE_PASSWORD, { sales_id: String(other.id) });
  assertEquals([named.status, named.body], [200, { data: {} }]);
  assertEquals((await mailsTo(other.email)).length, 1);
});

test("atomic.update_user answers 409 to a taken address of an invited user", async () => {
  const [{ admin, addMember }, other] = await Promise.all([createWorkspace(), createWorkspace()]);
  const colleague = await addMember("rep");
  const { body: { data: { id } } } = await admin.api.post(USERS, { email: freshEmail() });
  const taken = { email_taken: colleague.email, address_unavailable: other.admin.email };
  for (const [code, email] of Object.entries(taken)) {
    assertProblem(await admin.api.patch(USERS, { sales_id: id, email }), 409, code);
  }
});

test("atomic.update_password answers 409 for a disabled user", async () => {
  const { admin, addMember } = await createWorkspace();
  const { id, email } = await addMember("rep");
  await admin.api.patch(USERS, { sales_id: id, disabled: true });
  const refused = await admin.api.patch(UPDATE_PASSWORD, { sales_id: id });
  assertProblem(refused, 409, "user_disabled");
  assertEquals(await mailsTo(email), []);
});
