/** The errors of the SDK, for every kind of failure. */
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertNotInstanceOf,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { path } from "../../client-sdk/src/address.ts";
import {
  type Call,
  createClient,
  PorticoConnectionError,
  PorticoError,
  PorticoTimeoutError,
} from "../../client-sdk/src/mod.ts";
import { waitUntil } from "../../dev/process.ts";
import { createWorkspace, stack, test } from "../support/workspace.ts";
import { openFaultyNetwork } from "./faultyNetwork.ts";
import { clientOf, newClient } from "./signedIn.ts";

async function failureOf(call: Call<unknown>): Promise<PorticoError> {
  return await assertRejects(async () => await call, PorticoError);
}

test("sdk: a refused body is a PorticoError with the message of each field", async () => {
  const portico = await newClient();
  const error = await failureOf(
    portico.contacts.create({ email_jsonb: [{ email: "no address" }] }),
  );
  assertEquals([error.status, error.code], [422, "validation_failed"]);
  assertEquals(Object.keys(error.errors), ["email_jsonb.0.email"]);
  assertEquals(error.message, error.detail);
  assertMatch(error.title, /\w/);
  assertMatch(error.requestId ?? "", /\w/);
});

test("sdk: 401, 403 and 404 have their codes", async () => {
  const workspace = await createWorkspace();
  const admin = await clientOf(workspace.admin);
  const rep = await clientOf(await workspace.addMember("rep"));
  const { id } = await admin.contacts.create({ first_name: "Ada" });
  const nobody = createClient({ url: stack.functionUrl });
  assertEquals((await failureOf(nobody.contacts.get(id))).code, "token_missing");
  assertEquals((await failureOf(rep.contacts.delete(id))).code, "forbidden");
  assertEquals((await failureOf((await newClient()).contacts.get(id))).code, "not_found");
});

test("sdk: an answer of the platform is a PorticoError with its sb-error-code", async () => {
  const headers = { "sb-error-code": "WORKER_RESOURCE_LIMIT", "x-request-id": "abc" };
  await using network = await openFaultyNetwork(
    () => Response.json({ code: 546, message: "Out of compute" }, { status: 546, headers }),
    () => new Response("<html>Bad gateway</html>", { status: 502 }),
  );
  const portico = createClient({ url: network.url, maxRetries: 0 });
  const limit = await failureOf(portico.system.health());
  assertEquals(
    [limit.status, limit.code, limit.detail, limit.requestId],
    [546, "WORKER_RESOURCE_LIMIT", "Out of compute", "abc"],
  );
  const gateway = await failureOf(portico.system.health());
  assertEquals([gateway.status, gateway.code], [502, "http_502"]);
  assertEquals(gateway.body, "<html>Bad gateway</html>");
});

test("sdk: an API that cannot be reached is a PorticoConnectionError", async () => {
  const url = await using(await openFaultyNetwork(), (network) => network.url);
  const portico = createClient({ url, maxRetries: 0 });
  const error = await assertRejects(
    async () => await portico.system.health(),
    PorticoConnectionError,
  );
  assertInstanceOf(error.cause, Error);
  assertNotInstanceOf(error, PorticoTimeoutError);
});

test("sdk: no answer in time is a PorticoTimeoutError", async () => {
  await using network = await openFaultyNetwork("silent");
  const portico = createClient({ url: network.url, maxRetries: 0 });
  await assertRejects(
    async () => await portico.system.health({ timeoutMs: 50 }),
    PorticoTimeoutError,
    "within 0.05 s",
  );
});

test("sdk: an aborted call rejects with the signal's reason, before, during and between", async () => {
  const busy = () => new Response(null, { status: 503, headers: { "retry-after": "30" } });
  await using network = await openFaultyNetwork("silent", busy);
  const portico = createClient({ url: network.url });
  const aborted = AbortSignal.abort("before");
  assertEquals(await portico.system.health({ signal: aborted }).catch((e) => e), "before");

  const during = new AbortController();
  const silent = portico.system.health({ signal: during.signal }).catch((error) => error);
  assert(await waitUntil(() => network.seen.length === 1, 60_000));
  during.abort("during");
  assertEquals(await silent, "during");

  const between = new AbortController();
  const fetchThenAbort: typeof fetch = async (...request) => {
    const response = await fetch(...request);
    setTimeout(() => between.abort("between"));
    return response;
  };
  const waiting = createClient({ url: network.url, fetch: fetchThenAbort })
    .system.health({ signal: between.signal });
  assertEquals(await waiting.catch((error) => error), "between");
  assertEquals(network.seen.length, 2);
});

test("sdk: a path takes ids as one segment and refuses other values", () => {
  assertEquals(path`/contacts/${1}/merge`, "/contacts/1/merge");
  assertEquals(path`/tags/${"a/../b?c#d"}`, "/tags/a%2F..%2Fb%3Fc%23d");
  for (const id of ["", ".", ".."]) assertThrows(() => path`/contacts/${id}`, TypeError);
  assertThrows(() => createClient({ url: "ftp://example.com" }), TypeError);
  return Promise.resolve();
});

async function using<Resource extends AsyncDisposable, Result>(
  resource: Resource,
  work: (resource: Resource) => Result,
): Promise<Result> {
  await using held = resource;
  return work(held);
}
