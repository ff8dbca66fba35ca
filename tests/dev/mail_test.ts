/** Mails of the local stack's auth server, and the targets of their links. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertStringIncludes,
} from "@std/assert";
import {
  adminClient,
  callAuth,
  createConfirmedUser,
  followLink,
  freshEmail,
  mailsTo,
  newestMail,
  PASSWORD,
  publicClient,
  refuseMail,
  signIn,
  stack,
} from "./stackUnderTest.ts";
import { present } from "../support/exactly.ts";

Deno.test("an invitation leads from the mail to a password and a sign-in", async () => {
  const email = freshEmail();
  const redirectTo = "http://localhost:3000/set-password";
  const data = { first_name: "Ida" };
  const { error } = await adminClient().auth.admin.inviteUserByEmail(email, { data, redirectTo });
  assertEquals(error, null);

  const { link } = await newestMail(email);
  assertEquals(link.origin, new URL(stack.apiUrl).origin);
  assertEquals(link.searchParams.get("redirect_to"), redirectTo);
  const fragment = await followLink(link);
  assertEquals(fragment.get("type"), "invite");

  const client = publicClient();
  await client.auth.setSession({
    access_token: fragment.get("access_token") ?? "",
    refresh_token: fragment.get("refresh_token") ?? "",
  });
  assertEquals((await client.auth.updateUser({ password: PASSWORD })).error, null);
  assertEquals((await signIn(email)).user.user_metadata.first_name, "Ida");
  assertEquals((await followLink(link)).get("error_code"), "otp_expired");
});

Deno.test("inviteUserByEmail sends again until the user has confirmed", async () => {
  const { auth } = adminClient();
  const email = freshEmail();
  const first = await auth.admin.inviteUserByEmail(email);
  const second = await auth.admin.inviteUserByEmail(email);
  assertEquals(second.data.user?.id, first.data.user?.id);
  const [newer, older] = await mailsTo(email);
  const expired = await followLink(new URL(older?.link ?? ""));
  assertEquals(expired.get("error_code"), "otp_expired");
  assert((await followLink(new URL(newer?.link ?? ""))).has("access_token"));
  const third = await auth.admin.inviteUserByEmail(email);
  assertEquals([third.error?.status, third.error?.code], [422, "email_exists"]);
});

Deno.test("inviteUserByEmail to a user made by createUser sends a link that signs in", async () => {
  const { auth } = adminClient();
  const [id, email] = [crypto.randomUUID(), freshEmail()];
  await auth.admin.createUser({ id, email });
  assertEquals((await auth.admin.inviteUserByEmail(email)).data.user?.id, id);
  const fragment = await followLink((await newestMail(email)).link);
  const { data } = await publicClient().auth.getUser(fragment.get("access_token") ?? "");
  assertEquals(data.user?.id, id);
});

Deno.test("a refused invitation answers 500 and stores no new user", async () => {
  const { auth } = adminClient();
  const email = freshEmail();
  await refuseMail(email);
  const answer = await callAuth("POST", "/invite", { body: { email } });
  assertEquals(answer.status, 500);
  const msg = "Error sending invite email";
  assertEquals(answer.body, { code: 500, error_code: "unexpected_failure", msg });
  const recovery = await auth.admin.generateLink({ type: "recovery", email });
  assertEquals(recovery.error?.code, "user_not_found");
  assertEquals((await auth.admin.inviteUserByEmail(email)).error, null);
  assertEquals((await mailsTo(email)).length, 1);
});

Deno.test("a refused invitation does not change an existing user and the older link", async () => {
  const { auth } = adminClient();
  const email = freshEmail();
  await auth.admin.inviteUserByEmail(email);
  await refuseMail(email);
  assertEquals((await auth.admin.inviteUserByEmail(email)).error?.status, 500);
  assert((await followLink((await newestMail(email)).link)).has("access_token"));
});

Deno.test("a recovery mail leads to a new password, by link and by code", async () => {
  const user = await createConfirmedUser();
  const email = user.email;
  const redirectTo = "http://localhost:5173/reset";
  await publicClient().auth.resetPasswordForEmail(email, { redirectTo });
  const mail = await newestMail(email);
  assertEquals(mail.link.searchParams.get("redirect_to"), redirectTo);
  assertEquals((await followLink(mail.link)).get("type"), "recovery");

  await publicClient().auth.resetPasswordForEmail(email);
  const token = (await newestMail(email)).text.match(/\d{6}$/)?.[0] ?? "";
  const client = publicClient();
  assertEquals((await client.auth.verifyOtp({ email, token, type: "recovery" })).error, null);
  await client.auth.updateUser({ password: "another horse" });
  assertEquals((await signIn(email, "another horse")).user.id, user.id);
});

Deno.test("recovery for an unknown address answers like for a known one and sends no mail", async () => {
  const email = freshEmail();
  assertEquals((await publicClient().auth.resetPasswordForEmail(email)).error, null);
  assertEquals(await mailsTo(email), []);
});

Deno.test("a magic link signs in, and signs no user up when create_user is false", async () => {
  const email = freshEmail();
  const options = { shouldCreateUser: false };
  const refused = await publicClient().auth.signInWithOtp({ email, options });
  assertEquals([refused.error?.status, refused.error?.code], [422, "otp_disabled"]);
  assertEquals((await publicClient().auth.signInWithOtp({ email })).error, null);
  assertEquals((await followLink((await newestMail(email)).link)).get("type"), "magiclink");
});

Deno.test("a changed address is confirmed by mails to the old and the new address, in any order", async () => {
  const user = await createConfirmedUser();
  const { client } = await signIn(user.email);
  const addresses = [user.email, freshEmail(), freshEmail()];
  for (const [index, email] of addresses.slice(1).entries()) {
    const old = addresses[index] ?? "";
    assertEquals((await client.auth.updateUser({ email })).data.user?.new_email, email);
    const mails = [await newestMail(old), await newestMail(email)];
    const [first, second] = index === 0 ? mails : mails.reverse();
    assert((await followLink(present(first, "first mail").link)).has("message"));
    assertEquals((await followLink(present(first, "first mail").link)).has("access_token"), false);
    assertEquals((await signIn(old)).user.id, user.id);
    const { link } = present(second, "second mail");
    assertEquals((await followLink(link)).get("type"), "email_change");
    assertEquals((await signIn(email)).user.id, user.id);
  }
});

Deno.test("links never lead to another site", async () => {
  const { email } = await createConfirmedUser();
  const redirectTo = "https://evil.example/steal";
  await publicClient().auth.resetPasswordForEmail(email, { redirectTo });
  const { link } = await newestMail(email);
  assertNotEquals(link.searchParams.get("redirect_to"), redirectTo);
  link.searchParams.set("redirect_to", redirectTo);
  const response = await fetch(link, { redirect: "manual" });
  await response.body?.cancel();
  assert(!response.headers.get("Location")?.startsWith("https://evil.example"));
});

Deno.test("mail is readable as JSON and as HTML that escapes what users wrote", async () => {
  const email = `o'neil+<b>"@example.test`;
  assertEquals((await callAuth("POST", "/invite", { body: { email } })).status, 400);
  const fine = freshEmail().replace("user-", "o'neil&amp-");
  await callAuth("POST", "/invite", { body: { email: fine } });
  const { id } = await newestMail(fine);
  const json = await (await fetch(`${stack.mailUrl}/messages/${id}.json`)).json();
  assertEquals(json.to, fine);
  const html = await (await fetch(`${stack.mailUrl}/messages/${id}`)).text();
  assertStringIncludes(html, "<iframe sandbox");
  assertStringIncludes(html, "o&#39;neil&#38;amp-");
  assertMatch(html, /srcdoc="[^"<>]+"/);
  const list = await (await fetch(`${stack.mailUrl}/?to=${encodeURIComponent(fine)}`)).text();
  assertStringIncludes(list, `/messages/${id}`);
  const gone = await fetch(`${stack.mailUrl}/messages/none.json`);
  assertEquals([gone.status, typeof (await gone.json()).message], [404, "string"]);
});

Deno.test("DELETE /messages of one address leaves the others", async () => {
  const [first, second] = [freshEmail(), freshEmail()];
  const { auth } = adminClient();
  await Promise.all([first, second].map((email) => auth.admin.inviteUserByEmail(email)));
  const url = `${stack.mailUrl}/messages?to=${encodeURIComponent(first)}`;
  assertEquals((await fetch(url, { method: "DELETE" })).status, 204);
  assertEquals((await mailsTo(first)).length, 0);
  assertEquals((await mailsTo(second)).length, 1);
});
