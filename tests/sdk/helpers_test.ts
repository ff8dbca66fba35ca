/** What is more than one operation: exports, uploads, the feed, hooks and Supabase clients. */
import { assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { createClient as createSupabase } from "@supabase/supabase-js";
import {
  createClient,
  PorticoConnectionError,
  PorticoError,
  type SentRequest,
} from "../../client-sdk/src/mod.ts";
import { present } from "../support/exactly.ts";
import { createWorkspace, PASSWORD, stack, test } from "../support/workspace.ts";
import { openFaultyNetwork } from "./faultyNetwork.ts";
import { newClient } from "./signedIn.ts";

test("sdk: an export is a stream, a Blob or lines", async () => {
  const portico = await newClient();
  for (const last_name of ["A", "B"]) await portico.contacts.create({ last_name });
  const blob = await portico.contacts.export({ last_name: "A" }).blob();
  assertMatch(blob.type, /^text\/csv/);
  assertEquals((await blob.text()).trim().split("\r\n").length, 2);
  const stream = await portico.contacts.export({ format: "ndjson", select: ["last_name"] });
  const lines = (await new Response(stream).text()).trim().split("\n");
  assertEquals(lines.map((line) => JSON.parse(line)), [{ last_name: "A" }, { last_name: "B" }]);
  await assertRejects(
    () => createClient({ url: stack.functionUrl }).contacts.export(),
    PorticoError,
  );
});

test("sdk: the timeout of an export ends when the file begins", async () => {
  const slow = () => {
    const late = new ReadableStream({
      async start(controller) {
        controller.enqueue(new TextEncoder().encode("a"));
        await new Promise((resolve) => setTimeout(resolve, 400));
        controller.close();
      },
    });
    return Promise.resolve(new Response(late));
  };
  const portico = createClient({ url: stack.functionUrl, fetch: slow });
  const blob = await portico.contacts.export({}, { timeoutMs: 100 }).blob();
  assertEquals(await blob.text(), "a");
});

test("sdk: an uploaded file is an attachment of a note", async () => {
  const portico = await newClient();
  const { id } = await portico.contacts.create({ last_name: "A" });
  const file = new File(["%PDF-1.7 offer"], "Offer.pdf", { type: "application/pdf" });
  const seen: number[][] = [];
  const attachment = await portico.attachments.upload(file, {
    onProgress: (sent, size) => seen.push([sent, size]),
  });
  assertEquals(seen.at(-1), [file.size, file.size]);
  const note = await portico.contactNotes.create({
    contact_id: id,
    text: "Offer",
    attachments: [attachment],
  });
  assertEquals(note.attachments.map(({ title }) => title), ["Offer.pdf"]);
  const { url } = await portico.attachments.url({ path: present(attachment.path, "path") });
  assertEquals(await (await fetch(url)).text(), "%PDF-1.7 offer");
  const other = new File(["MZ"], "virus.exe", { type: "application/x-msdownload" });
  const refused = await assertRejects(() => portico.attachments.upload(other), PorticoError);
  assertEquals(refused.code, "attachment_type_not_allowed");
});

test("sdk: a feed gives each change once, and its cursor goes on", async () => {
  const portico = await newClient();
  const names = ["contacts.create", "tags.create"];
  const first = portico.changes.follow({ after: "start" });
  await portico.contacts.create({ last_name: "A" });
  const operations: (string | null)[] = [];
  for await (const { operation } of first) {
    operations.push(operation);
    if (operation === "contacts.create") await portico.tags.create({ name: "vip", color: "#fff" });
    if (operation === "tags.create") break;
  }
  assertEquals(operations.filter((operation) => names.includes(operation ?? "")), names);
  let cursor = "";
  for await (const { data, next_cursor } of portico.changes.follow({ after: "start" }).pages()) {
    cursor = present(next_cursor, "cursor");
    if (data.some(({ operation }) => operation === "tags.create")) break;
  }
  const controller = new AbortController();
  await portico.contacts.create({ last_name: "B" });
  const later = await assertRejects(async () => {
    for await (const change of portico.changes.follow({ after: cursor }, controller)) {
      assertEquals(change.operation, "contacts.create");
      controller.abort(new Error("enough"));
    }
  });
  assertEquals(String(later), "Error: enough");
});

test("sdk: list with after gives the pages of the feed that are there", async () => {
  const portico = await newClient();
  for (const last_name of ["A", "B", "C"]) await portico.contacts.create({ last_name });
  let created = 0;
  // The feed has a change when all transactions that began before it have ended, of other tests too.
  for await (const { operation } of portico.changes.follow({ after: "start" })) {
    if (operation === "contacts.create") created += 1;
    if (created === 3) break;
  }
  const operations: (string | null)[] = [];
  for await (const { operation } of portico.changes.list({ after: "start", limit: 2 })) {
    operations.push(operation);
  }
  assertEquals(operations.filter((operation) => operation === "contacts.create").length, 3);
});

test("sdk: hooks see every attempt, and may change its headers", async () => {
  const busy = () => new Response(null, { status: 503, headers: { "retry-after": "0" } });
  await using network = await openFaultyNetwork(busy);
  const seen: string[] = [];
  const onRequest = ({ method, url, headers }: SentRequest) => {
    headers.set("x-request-id", "0a6f6ea1-1111-4111-8111-111111111111");
    seen.push(`${method} ${new URL(url).pathname}`);
  };
  const portico = createClient({
    url: network.url,
    onRequest,
    onResponse: ({ status }, { method }) => void seen.push(`${method} ${status}`),
  });
  const { requestId } = await portico.system.health().withResponse();
  assertEquals(requestId, "0a6f6ea1-1111-4111-8111-111111111111");
  assertEquals(seen, ["GET /health", "GET 503", "GET /health", "GET 200"]);
});

test("sdk: a client of supabase-js is enough", async () => {
  const { admin: { email } } = await createWorkspace();
  const supabase = createSupabase(stack.apiUrl, stack.publishableKey, {
    auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
  });
  const portico = createClient({ supabase });
  const refused = await assertRejects(() => portico.me.get(), PorticoError);
  assertEquals(refused.code, "token_missing");
  await supabase.auth.signInWithPassword({ email, password: PASSWORD });
  assertEquals((await portico.me.get()).email, email);
});

test("sdk: a missing url and a refused origin are named", async () => {
  assertThrows(() => createClient({ url: "" }), TypeError, "Pass `url`");
  assertThrows(
    () => createClient({ supabase: { auth: { getSession: () => Promise.reject() } } }),
    TypeError,
    "Pass `url`",
  );
  const portico = createClient({
    url: stack.functionUrl,
    maxRetries: 0,
    fetch: () => Promise.reject(new TypeError("Failed to fetch")),
  });
  await assertRejects(
    () => portico.system.health(),
    PorticoConnectionError,
    "could not be reached",
  );
});

test("sdk: the progress of an import ends with its result", async () => {
  const portico = await newClient();
  const content = "first_name,last_name\nAda,Lovelace\nGrace,Hopper\n";
  const { id } = await portico.imports.create({
    record_type: "contacts",
    file_name: "people.csv",
    content,
  });
  await portico.imports.run(id);
  const states: string[] = [];
  let created = 0;
  for await (const { state, created_count } of portico.imports.progress(id, { intervalMs: 20 })) {
    states.push(state);
    created = created_count;
  }
  assertEquals([states.at(-1), created], ["completed", 2]);
});
