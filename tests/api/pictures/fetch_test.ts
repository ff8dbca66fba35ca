/** jobs.fetch_pictures: gravatars and icons of websites, for contacts and companies without a picture. */
import { assert, assertEquals, assertLess, assertMatch } from "@std/assert";
import * as z from "zod";
import { createApp } from "../../../supabase/functions/api/app.ts";
import type { PictureSource } from "../../../supabase/functions/_shared/settings.ts";
import { testSettings } from "../../support/app.ts";
import { assertProblem } from "../../support/answers.ts";
import { present } from "../../support/exactly.ts";
import { dataUrl, imageBytes } from "../../support/pictures.ts";
import { dataApi, insertRow, insertRows, rowOf } from "../../support/records.ts";
import { startTestInternet, type TestInternet } from "../../support/testInternet.ts";
import {
  type Answer,
  answerOf,
  api,
  createWorkspace,
  sql,
  stack,
  test,
  type Workspace,
} from "../../support/workspace.ts";

const JOB = "/jobs/fetch_pictures";
const GRAVATAR = "www.gravatar.com";
const ALL: PictureSource[] = ["gravatar", "favicons"];

const pictureSchema = z.looseObject({ src: z.string(), path: z.string().optional() }).nullable();

/** Starts an internet, runs work with it, and stops it. */
async function withInternet(work: (internet: TestInternet) => Promise<void>): Promise<void> {
  await using internet = startTestInternet();
  internet.sites.set(GRAVATAR, () => new Response(null, { status: 404 }));
  await work(internet);
}

/** A domain that no other test uses. */
function freshDomain(): string {
  return `site-${crypto.randomUUID()}.test`;
}

function serveImage(bytes: Uint8Array<ArrayBuffer>) {
  return () => new Response(bytes);
}

/** Runs the job once, in an app of its own. The queue of the other tests' workspaces is left out. */
async function run(
  workspace: Workspace,
  internet: TestInternet,
  pictureSources = ALL,
): Promise<Answer> {
  await sql`delete from private.picture_fetches where workspace_id <> ${workspace.id}`;
  const settings = await testSettings({ pictureSources });
  const app = createApp(settings, { log() {}, checkAnswers: true, network: internet.network });
  const request = new Request(`http://localhost/api${JOB}`, {
    method: "POST",
    headers: { apikey: stack.secretKey },
  });
  try {
    const answer = await answerOf(await app.fetch(request));
    assertEquals(answer.status, 200, JSON.stringify(answer.body));
    return answer;
  } finally {
    await app.close();
  }
}

async function queue(workspace: Workspace): Promise<{ record_id: number; attempts: number }[]> {
  const rows = await sql<{ record_id: number; attempts: number }[]>`
    select record_id::int as record_id, attempts::int as attempts
    from private.picture_fetches
    where workspace_id = ${workspace.id}
    order by record_id`;
  return [...rows];
}

async function makeDue(workspace: Workspace): Promise<void> {
  await sql`
    update private.picture_fetches set run_after = now() where workspace_id = ${workspace.id}`;
}

/** The stored picture of a record; null without one. */
async function pictureOf(table: "contacts" | "companies", id: number) {
  const row = await rowOf(table, id);
  return pictureSchema.parse(row?.[table === "contacts" ? "avatar" : "logo"]);
}

function contactAt(workspace: Workspace, ...emails: string[]): Promise<number> {
  const email_jsonb = emails.map((email) => ({ email, type: "Work" }));
  return insertRow(workspace, "contacts", { email_jsonb });
}

async function hashOf(email: string): Promise<string> {
  const bytes = new TextEncoder().encode(email);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

test("jobs.fetch_pictures answers 401 without the secret key", async () => {
  const { admin } = await createWorkspace();
  assertProblem(await api().post(JOB), 401, "secret_key_missing");
  assertProblem(await admin.api.post(JOB), 401, "secret_key_invalid");
});

test("jobs.fetch_pictures asks nobody without PICTURE_SOURCES, and keeps the queue", async () => {
  const workspace = await createWorkspace();
  const id = await contactAt(workspace, `ada@${freshDomain()}`);
  const { status, body } = await api().post(JOB, undefined, { apikey: stack.secretKey });
  const nothing = { enabled: false, claimed: 0, stored: 0, complete: true };
  assertEquals([status, body], [200, nothing]);
  assertEquals(await queue(workspace), [{ record_id: id, attempts: 0 }]);
});

test("jobs.fetch_pictures gives a contact its gravatar, of the first address that has one", async () => {
  await withInternet(async (internet) => {
    const workspace = await createWorkspace();
    const domain = freshDomain();
    const image = imageBytes(3_000, "image/jpeg");
    const hash = await hashOf(`ada@${domain}`);
    internet.sites.set(GRAVATAR, (request) => {
      const { pathname, searchParams } = new URL(request.url);
      const isKnown = pathname === `/avatar/${hash}` && searchParams.get("d") === "404";
      return isKnown ? new Response(image) : new Response(null, { status: 404 });
    });
    const id = await contactAt(workspace, `none@${domain}`, `ADA@${domain}`);
    const before = await rowOf("contacts", id);
    const { body } = await run(workspace, internet);
    assertEquals(body, { enabled: true, claimed: 1, stored: 1, complete: true });
    const src = dataUrl(image, "image/jpeg");
    const { body: contact } = await workspace.admin.api.get(`/contacts/${id}`);
    assertEquals(contact.avatar, { src, title: "Avatar", type: "image/jpeg" });
    assert(contact.updated_at !== before?.updated_at);
    assertEquals(internet.requested.filter((url) => url.startsWith(GRAVATAR)).length, 2);
    assertEquals(new Set(internet.connected), new Set(["93.184.215.14:443 www.gravatar.com"]));
    assertEquals(await queue(workspace), []);
  });
});

test("jobs.fetch_pictures falls back to the icon of the address's domain, as Atomic CRM does", async () => {
  await withInternet(async (internet) => {
    const workspace = await createWorkspace();
    const domain = freshDomain();
    const icon = imageBytes(1_000, "image/x-icon");
    internet.sites.set(
      domain,
      ({ url }) => url.endsWith("/favicon.ico") ? new Response(icon) : new Response("<p>No icon"),
    );
    const id = await contactAt(workspace, `ada@${domain}`);
    await run(workspace, internet);
    assertEquals((await pictureOf("contacts", id))?.src, dataUrl(icon, "image/x-icon"));
  });
});

test("jobs.fetch_pictures gives a company the icon that its website names", async () => {
  await withInternet(async (internet) => {
    const workspace = await createWorkspace();
    const domain = freshDomain();
    const page = `<html><link rel="stylesheet" href="/x.css"><LINK href='/a.svg' rel=icon>
      <link rel="mask-icon" href="/mask.png"><link data-x="1" href="img/b.png?a=1&amp;b=2" rel="Icon">`;
    const icon = imageBytes(2_000);
    internet.sites.set(`www.${domain}`, ({ url }) => {
      const { pathname, search } = new URL(url);
      if (pathname === "/") return new Response(page);
      if (pathname === "/a.svg") return new Response("<svg/>");
      return pathname + search === "/img/b.png?a=1&b=2" ? new Response(icon) : new Response("no");
    });
    const website = `https://user@WWW.${domain}/contact?x=1`;
    const id = await insertRow(workspace, "companies", { name: "Acme", website });
    await run(workspace, internet);
    const expected = { src: dataUrl(icon), title: "Company favicon", type: "image/png" };
    assertEquals(await pictureOf("companies", id), expected);
    assert(!internet.requested.some((url) => /mask|css/.test(url)));
  });
});

test("jobs.fetch_pictures stores an icon above 16 kB as a file, which is removed with the company", async () => {
  await withInternet(async (internet) => {
    const workspace = await createWorkspace();
    const domain = freshDomain();
    const icon = imageBytes(100_000);
    internet.sites.set(domain, serveImage(icon));
    const id = await insertRow(workspace, "companies", { name: "Acme", website: domain });
    await run(workspace, internet);
    const { src, path = "", title, type } = present(await pictureOf("companies", id), "logo");
    assertEquals([title, type], ["Company favicon", "image/png"]);
    assertMatch(path, new RegExp(`^${workspace.id}/pictures/[0-9a-f-]{36}\\.png$`));
    assertEquals(await (await fetch(src)).bytes(), icon);
    const queued = async () =>
      (await sql`select from private.attachment_removals where path = ${path}`).length;
    assertEquals(await queued(), 0);
    assertEquals((await workspace.admin.api.delete(`/companies/${id}`)).status, 204);
    assertEquals(await queued(), 1);
  });
});

test("jobs.fetch_pictures stores only whole images of an allowed type and size", async () => {
  await withInternet(async (internet) => {
    const workspace = await createWorkspace();
    const text = (body: string) => () =>
      new Response(body, { headers: { "Content-Type": "image/png" } });
    const answers = [
      text("<svg xmlns='http://www.w3.org/2000/svg'/>"),
      text("<html>"),
      text(""),
      serveImage(imageBytes(200_001)),
      () => new Response(imageBytes(100), { status: 404 }),
    ];
    const ids: number[] = [];
    for (const answer of answers) {
      const website = freshDomain();
      internet.sites.set(website, answer);
      ids.push(await insertRow(workspace, "companies", { name: "Acme", website }));
    }
    const { body } = await run(workspace, internet);
    assertEquals([body.claimed, body.stored], [answers.length, 0]);
    for (const id of ids) assertEquals(await pictureOf("companies", id), null);
    assertEquals(await queue(workspace), []);
  });
});

test("jobs.fetch_pictures respects favicons_excluded_domains of all workspaces and of the own one", async () => {
  await withInternet(async (internet) => {
    const [workspace, other] = [await createWorkspace(), await createWorkspace()];
    const [excluded, elsewhere] = [freshDomain(), freshDomain()];
    for (const domain of ["gmail.com", `mail.${excluded}`, excluded, elsewhere]) {
      internet.sites.set(domain, serveImage(imageBytes(100)));
    }
    await workspace.admin.api.get("/me");
    const exclude = { domain: excluded.toUpperCase() };
    assertEquals(
      await dataApi(workspace.admin, "POST", "favicons_excluded_domains", exclude),
      201,
    );
    const foreign = { domain: elsewhere };
    assertEquals(await dataApi(other.admin, "POST", "favicons_excluded_domains", foreign), 201);
    const company = (website: string) =>
      insertRow(workspace, "companies", { name: "Acme", website });
    const without = [
      await company("https://gmail.com/"),
      await company(`https://mail.${excluded}`),
      await company(`HTTP://${excluded}/a`),
    ];
    const withIcon = await company(`http://${elsewhere}`);
    const contact = await contactAt(workspace, `ada@${excluded}`, "ada@gmail.com");
    await run(workspace, internet);
    for (const id of without) assertEquals(await pictureOf("companies", id), null);
    assertEquals(await pictureOf("contacts", contact), null);
    assert(await pictureOf("companies", withIcon));
    const asked = new Set(internet.requested.map((url) => url.split("/")[0]));
    assertEquals(asked, new Set([GRAVATAR, elsewhere]));
  });
});

test("jobs.fetch_pictures asks only the sources that are switched on", async () => {
  await withInternet(async (internet) => {
    const workspace = await createWorkspace();
    const domain = freshDomain();
    internet.sites.set(domain, serveImage(imageBytes(100)));
    const contact = await contactAt(workspace, `ada@${domain}`);
    await run(workspace, internet, ["gravatar"]);
    assertEquals(internet.requested.length, 1);
    assertEquals(await pictureOf("contacts", contact), null);
    const other = await contactAt(workspace, `bob@${domain}`);
    await run(workspace, internet, ["favicons"]);
    assert(await pictureOf("contacts", other));
    assertEquals(internet.requested.filter((url) => url.startsWith(GRAVATAR)).length, 1);
  });
});

test("jobs.fetch_pictures keeps a picture that a user sets meanwhile", async () => {
  await withInternet(async (internet) => {
    const workspace = await createWorkspace();
    const domain = freshDomain();
    const own = { src: "https://images.example/own.png" };
    const id = await insertRow(workspace, "companies", { name: "Acme", website: domain });
    internet.sites.set(domain, async () => {
      await workspace.admin.api.patch(`/companies/${id}`, { logo: own });
      return new Response(imageBytes(100));
    });
    const { body } = await run(workspace, internet);
    assertEquals([body.claimed, body.stored], [1, 0]);
    assertEquals(await pictureOf("companies", id), own);
    assertEquals(await queue(workspace), []);
  });
});

test("jobs.fetch_pictures stores nothing for a website that was replaced meanwhile, and asks the new one", async () => {
  await withInternet(async (internet) => {
    const workspace = await createWorkspace();
    const [old, website] = [freshDomain(), freshDomain()];
    const id = await insertRow(workspace, "companies", { name: "Acme", website: old });
    internet.sites.set(old, async () => {
      await workspace.admin.api.patch(`/companies/${id}`, { website });
      return new Response(imageBytes(100));
    });
    const icon = imageBytes(200);
    internet.sites.set(website, serveImage(icon));
    await run(workspace, internet);
    assertEquals((await pictureOf("companies", id))?.src, dataUrl(icon));
  });
});

test("jobs.fetch_pictures tries a failing site three times, and a missing one once", async () => {
  await withInternet(async (internet) => {
    const workspace = await createWorkspace();
    const failing = freshDomain();
    internet.sites.set(failing, () => new Response(null, { status: 503 }));
    const companies = [{ website: freshDomain() }, { website: failing }, { website: "not a site" }];
    const ids = await insertRows(
      workspace,
      "companies",
      companies.map((company) => ({ name: "Acme", ...company })),
    );
    const left = { record_id: ids[1] ?? 0 };
    await run(workspace, internet);
    assertEquals(await queue(workspace), [{ ...left, attempts: 1 }]);
    assertEquals((await run(workspace, internet)).body.claimed, 0);
    for (const rest of [[{ ...left, attempts: 2 }], [], []]) {
      await makeDue(workspace);
      await run(workspace, internet);
      assertEquals(await queue(workspace), rest);
    }
    assertEquals(await pictureOf("companies", left.record_id), null);
  });
});

test("jobs.fetch_pictures connects to no address inside the network", async () => {
  await withInternet(async (internet) => {
    const workspace = await createWorkspace();
    const [inside, redirecting, linking] = [freshDomain(), freshDomain(), freshDomain()];
    internet.addresses.set(inside, ["10.0.0.7"]);
    internet.sites.set(inside, serveImage(imageBytes(100)));
    const metadata = "http://169.254.169.254/latest/meta-data/";
    internet.sites.set(
      redirecting,
      () => new Response(null, { status: 301, headers: { Location: metadata } }),
    );
    internet.sites.set(
      linking,
      ({ url }) =>
        url.endsWith("/favicon.ico") ? new Response(null, { status: 404 }) : new Response(
          `<link rel=icon href="http://${inside}/a.png"><link rel=icon href=${metadata}>`,
        ),
    );
    const websites = [
      ...[inside, redirecting, linking, "127.0.0.1", "http://[::1]/", "localhost", "0x7f.1"],
      ...["http://169.254.169.254", "https://10.0.0.1:443", "metadata.google.internal"],
    ];
    const rows = websites.map((website) => ({ name: "Acme", website }));
    await insertRows(workspace, "companies", rows);
    await contactAt(workspace, "root@127.0.0.1", "root@[::1]", "root@localhost");
    const { body } = await run(workspace, internet);
    assertEquals(body.stored, 0);
    assertEquals(await queue(workspace), []);
    const addresses = new Set(internet.connected.map((target) => target.split(":")[0]));
    assertEquals(addresses, new Set(["93.184.215.14"]));
  });
});

test("jobs.fetch_pictures asks each site once when it runs several times at the same time", async () => {
  await withInternet(async (internet) => {
    const workspace = await createWorkspace();
    const domains = Array.from({ length: 40 }, freshDomain);
    for (const domain of domains) internet.sites.set(domain, serveImage(imageBytes(100)));
    const rows = domains.map((website) => ({ name: "Acme", website }));
    const ids = await insertRows(workspace, "companies", rows);
    const runs = [1, 2, 3].map(() => run(workspace, internet));
    const answers = await Promise.all(runs);
    const sum = answers.reduce((count, { body }) => count + body.stored, 0);
    assertEquals(sum, ids.length);
    for (const id of ids) assert(await pictureOf("companies", id));
    const pages = internet.requested.filter((url) => url.endsWith("/"));
    assertEquals(pages.length, domains.length);
  });
});

test("jobs.fetch_pictures takes the records of every workspace in turn", async () => {
  await withInternet(async (internet) => {
    const [large, small] = [await createWorkspace(), await createWorkspace()];
    const rows = Array.from({ length: 200 }, () => ({ name: "Acme", website: freshDomain() }));
    await insertRows(large, "companies", rows);
    await insertRow(small, "companies", { name: "Acme", website: freshDomain() });
    await sql`
      delete from private.picture_fetches
      where workspace_id not in (${large.id}, ${small.id})`;
    const [row] = await sql<{ ids: string[] }[]>`
      select array(
        select distinct claims ->> 'workspace_id'
        from jsonb_array_elements(
          gateway.claim_picture_fetches(10, true, true) -> 'claims'
        ) as claims
      ) as ids`;
    assertEquals(row?.ids.includes(small.id), true);
    assertLess((await queue(large)).filter(({ attempts }) => attempts > 0).length, 10);
    assertEquals(internet.requested, []);
  });
});

test("a record is queued when its address or website changes, and not with a picture", async () => {
  const workspace = await createWorkspace();
  const { admin } = workspace;
  const email_jsonb = [{ email: `ada@${freshDomain()}`, type: "Work" }];
  const avatar = { src: "https://images.example/a.png" };
  const queuedIds = async () => (await queue(workspace)).map(({ record_id }) => record_id);
  const ids = await insertRows(workspace, "contacts", [{ avatar, email_jsonb }, {}, {
    email_jsonb: [],
  }]);
  const [owned, empty] = ids;
  assertEquals(await queuedIds(), []);
  const change = [{ email: `bob@${freshDomain()}`, type: "Work" }];
  await admin.api.patch(`/contacts/${owned}`, { email_jsonb: change });
  await admin.api.patch(`/contacts/${empty}`, { first_name: "Bob" });
  assertEquals(await queuedIds(), []);
  assertEquals(await dataApi(admin, "PATCH", `contacts?id=eq.${empty}`, { email_jsonb }), 204);
  assertEquals(await queuedIds(), [empty]);
  await admin.api.post("/contacts/bulk", { ids: [owned], set: { avatar: null } });
  assertEquals(await queuedIds(), [empty], "a picture that a user clears stays cleared");
  await sql`delete from private.picture_fetches where workspace_id = ${workspace.id}`;
  const dry = { ids: [empty], set: { email_jsonb: change }, dry_run: true };
  assertEquals((await admin.api.post("/contacts/bulk", dry)).status, 200);
  assertEquals(await queuedIds(), [], "a change that is rolled back queues nothing");
  const company = await insertRow(workspace, "companies", { name: "Acme" });
  await admin.api.patch(`/companies/${company}`, { website: freshDomain() });
  assertEquals(await queuedIds(), [company]);
  await admin.api.delete(`/companies/${company}`);
  await withInternet(async (internet) => {
    assertEquals((await run(workspace, internet)).body.claimed, 0);
    assertEquals([await queuedIds(), internet.requested], [[], []]);
  });
});
