/** Retries of the SDK. */
import {
  assert,
  assertEquals,
  assertGreaterOrEqual,
  assertNotEquals,
  assertRejects,
} from "@std/assert";
import { PorticoConnectionError, PorticoError } from "../../client-sdk/src/mod.ts";
import { createWorkspace, test } from "../support/workspace.ts";
import { openFaultyNetwork } from "./faultyNetwork.ts";
import { newClient } from "./signedIn.ts";

const busy = (status: number, headers: HeadersInit = { "retry-after": "0" }) => () =>
  Response.json({ code: status === 401 ? "token_expired" : "busy" }, { status, headers });

test("sdk: a POST whose answer is lost is retried with the same key and takes effect once", async () => {
  await using network = await openFaultyNetwork("lost", "lost");
  const portico = await newClient({ url: network.url });
  const { data, response } = await portico.contacts.create({ last_name: "Once" }).withResponse();
  const keys = network.seen.map(({ headers }) => headers.get("idempotency-key"));
  assert(keys[0]);
  assertEquals(keys, [keys[0], keys[0], keys[0]]);
  assertEquals(response.headers.get("idempotency-replayed"), "true");
  assertEquals((await portico.contacts.list()).data.map(({ id }) => id), [data.id]);
});

test("sdk: two POSTs have different keys, and a given key is sent unchanged", async () => {
  await using network = await openFaultyNetwork();
  const portico = await newClient({ url: network.url });
  await portico.contacts.create({ last_name: "A" });
  await portico.contacts.create({ last_name: "B" });
  await portico.contacts.create({ last_name: "C" }, {}, { idempotencyKey: "mine" });
  const [first, second, third] = network.seen.map((one) => one.headers.get("idempotency-key"));
  assertNotEquals(first, second);
  assertEquals(third, "mine");
});

test("sdk: 408, 429 and 5xx are retried maxRetries times", async () => {
  await using network = await openFaultyNetwork(
    busy(408),
    busy(429),
    busy(503),
    busy(546),
    busy(500),
  );
  const portico = await newClient({ url: network.url });
  const list = async () => await portico.contacts.list({}, { maxRetries: 3 });
  assertEquals((await assertRejects(list, PorticoError)).status, 546);
  assertEquals(network.seen.length, 4);
  await portico.contacts.list();
  assertEquals(network.seen.length, 6);
});

test("sdk: Retry-After sets the time before a retry, and a long one prevents it", async () => {
  await using network = await openFaultyNetwork(
    busy(503, { "retry-after": "1" }),
    "pass",
    busy(429, { "retry-after": "3600" }),
  );
  const portico = await newClient({ url: network.url });
  const begun = performance.now();
  await portico.system.health();
  assertGreaterOrEqual(performance.now() - begun, 990);
  const error = await assertRejects(async () => await portico.system.health(), PorticoError);
  assertEquals([error.status, network.seen.length], [429, 3]);
});

test("sdk: a PATCH is not retried when it may have taken effect, but after 429", async () => {
  await using network = await openFaultyNetwork("pass", "lost", busy(503), busy(429));
  const portico = await newClient({ url: network.url });
  const { id } = await portico.contacts.create({ last_name: "Patch" });
  const update = async () => await portico.contacts.update(id, { title: "Dr." });
  await assertRejects(update, PorticoConnectionError);
  await assertRejects(update, PorticoError);
  assertEquals((await update()).title, "Dr.");
  assertEquals(network.seen.length, 5);
});

test("sdk: a refused request is not retried", async () => {
  await using network = await openFaultyNetwork();
  const portico = await newClient({ url: network.url });
  await assertRejects(async () => await portico.contacts.get(1), PorticoError);
  assertEquals(network.seen.length, 1);
});

test("sdk: an expired token is renewed once", async () => {
  await using network = await openFaultyNetwork(busy(401), "pass", busy(401), busy(401));
  const { token: valid } = (await createWorkspace()).admin;
  let asked = 0;
  const token = () => Promise.resolve(asked++ === 0 ? "old" : valid);
  const portico = await newClient({ url: network.url, token, maxRetries: 0 });
  await portico.contacts.list();
  assertEquals(asked, 2);
  assertEquals(network.seen[1]?.headers.get("authorization"), `Bearer ${valid}`);
  const error = await assertRejects(async () => await portico.contacts.list(), PorticoError);
  assertEquals([error.code, asked, network.seen.length], ["token_expired", 4, 4]);
});
