/** Requests to the public internet: the checks of each hop, the limits, and the answers of servers. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  createInternet,
  NoPublicAnswer,
} from "../../supabase/functions/_shared/internet/internet.ts";
import { hostNetwork } from "../../supabase/functions/_shared/internet/network.ts";
import { PUBLIC_ADDRESS, startTestInternet } from "../support/testInternet.ts";

const LIMITS = { maximumBytes: 1_000, timeoutMs: 30_000 };

/** Asserts that the request is refused for good. */
async function assertRefused(get: Promise<unknown>, url: string): Promise<void> {
  const { isTemporary } = await assertRejects(() => get, NoPublicAnswer, undefined, url);
  assertEquals(isTemporary, false, url);
}

Deno.test("internet refuses addresses that are not public, on the network of the function", async () => {
  const internet = createInternet();
  const urls = [
    ...["http://127.0.0.1/", "https://127.0.0.1/", "http://0x7f.1/", "http://2130706433/"],
    ...["http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://10.0.0.1/", "http://0.0.0.0/"],
    ...["http://169.254.169.254/latest/meta-data/", "http://168.63.129.16/", "http://[fd00::1]/"],
    ...["http://100.64.0.1/", "http://93.184.215.14:8080/", "https://93.184.215.14:80/"],
    ...["ftp://93.184.215.14/", "file:///etc/passwd", "data:image/png;base64,iVBORw0KGgo"],
    ...["http://user:password@93.184.215.14/", "http://user@93.184.215.14/", "no url", ""],
  ];
  for (const url of urls) await assertRefused(internet.get(url, LIMITS), url);
});

Deno.test("internet connects to the address that was checked, and proves the name by TLS", async () => {
  await using test = startTestInternet();
  test.sites.set("site.test", () => new Response("hello"));
  let lookUps = 0;
  const { connect } = test.network;
  // The name leads to the function itself when it is asked again.
  const resolve = () => Promise.resolve(lookUps++ === 0 ? [PUBLIC_ADDRESS] : ["127.0.0.1"]);
  const { bytes } = await createInternet({ connect, resolve }).get("https://site.test/a?b", LIMITS);
  assertEquals(new TextDecoder().decode(bytes), "hello");
  assertEquals(test.connected, [`${PUBLIC_ADDRESS}:443 site.test`]);
  assertEquals([lookUps, test.requested], [1, ["site.test/a?b"]]);
});

Deno.test("internet refuses a name when one of its addresses is not public", async () => {
  await using test = startTestInternet();
  const internet = createInternet(test.network);
  const addresses = [["127.0.0.1"], [PUBLIC_ADDRESS, "10.0.0.1"], ["fd00::1"], [], ["localhost"]];
  for (const list of addresses) {
    test.addresses.set("site.test", list);
    await assertRefused(internet.get("http://site.test/", LIMITS), list.join());
  }
  assertEquals(test.connected, []);
});

Deno.test("internet checks every redirect, and follows at most five", async () => {
  await using test = startTestInternet();
  const internet = createInternet(test.network);
  const redirectTo = (location: string) => () =>
    new Response(null, { status: 302, headers: { Location: location } });
  test.addresses.set("inside.test", ["10.0.0.1"]);
  const forbidden = [
    ...["http://127.0.0.1/", "http://inside.test/", "//[::1]/", "http://site.test:8080/"],
    ...["file:///etc/passwd", "http://169.254.169.254/", "http://a@site.test/", "https://"],
  ];
  for (const location of forbidden) {
    test.sites.set("site.test", redirectTo(location));
    await assertRefused(internet.get("http://site.test/", LIMITS), location);
  }
  assertEquals(new Set(test.connected), new Set([`${PUBLIC_ADDRESS}:80`]));
  test.sites.set("site.test", redirectTo("/again"));
  await assertRefused(internet.get("http://site.test/", LIMITS), "endless");
  test.sites.set("site.test", redirectTo("https://other.test/icon"));
  test.sites.set("other.test", () => new Response("moved"));
  const { url, status } = await internet.get("http://site.test/", LIMITS);
  assertEquals([url.href, status], ["https://other.test/icon", 200]);
});

Deno.test("internet reads bodies of every form, up to the limit", async () => {
  await using test = startTestInternet();
  const internet = createInternet(test.network);
  const streamOf = (...parts: string[]) =>
    ReadableStream.from(parts).pipeThrough(new TextEncoderStream());
  const bodies: [BodyInit | null, number, boolean][] = [
    ["a".repeat(1_000), 1_000, true],
    ["a".repeat(1_001), 1_000, false],
    [streamOf("a".repeat(600), "b".repeat(400)), 1_000, true],
    [streamOf("a".repeat(600), "b".repeat(401)), 1_000, false],
    [null, 0, true],
  ];
  for (const [body, length, isComplete] of bodies) {
    test.sites.set("site.test", () => new Response(body));
    const answer = await internet.get("http://site.test/", LIMITS);
    assertEquals([answer.bytes.length, answer.isComplete], [length, isComplete]);
  }
});

/** Requests from a server that sends this text and closes the connection. */
async function answerTo(text: string) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    const connection = await listener.accept();
    await connection.read(new Uint8Array(1_000));
    await connection.write(new TextEncoder().encode(text));
    connection.close();
  })();
  const internet = createInternet({
    resolve: () => Promise.resolve([PUBLIC_ADDRESS]),
    connect: () => Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port }),
  });
  try {
    return await internet.get("http://site.test/", LIMITS);
  } finally {
    await serving;
    listener.close();
  }
}

Deno.test("internet reads old and interim answers, and refuses what is no HTTP", async () => {
  const old = await answerTo("HTTP/1.0 200 OK\r\n\r\nbody");
  assertEquals([old.status, old.bytes.length, old.isComplete], [200, 4, true]);
  const interim = await answerTo("HTTP/1.1 103 Early\r\nLink: <a>\r\n\r\nHTTP/1.1 404\r\n\r\n");
  assertEquals(interim.status, 404);
  const short = await answerTo("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbody");
  assertEquals([short.bytes.length, short.isComplete], [4, false]);
  const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  assertEquals((await answerTo(`${chunked}2;x=y\r\nab\r\n0\r\n\r\n`)).bytes.length, 2);
  const wrong = [
    ...["", "hello\r\n\r\n", "HTTP/1.1 200 OK\r\n", `HTTP/1.1 200 OK\r\na: ${"b".repeat(9_000)}`],
    ...[
      "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
      `${chunked}-1\r\nab\r\n`,
      `${chunked}2\r\nabc`,
    ],
    ...["HTTP/1.1 200 OK\r\nno colon\r\n\r\n", `HTTP/1.1 200 OK\r\n${"a: b\r\n".repeat(200)}\r\n`],
  ];
  for (const text of wrong) await assertRejects(() => answerTo(text), NoPublicAnswer);
});

Deno.test("internet gives up after its time, and closes the connection", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const internet = createInternet({
    resolve: () => Promise.resolve([PUBLIC_ADDRESS]),
    connect: () => Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port }),
  });
  const limits = { ...LIMITS, timeoutMs: 200 };
  const refused = assertRejects(() => internet.get("http://site.test/", limits), NoPublicAnswer);
  const connection = await listener.accept();
  assert((await refused).isTemporary);
  const buffer = new Uint8Array(1_000);
  // The request, then the end of the connection.
  while (await connection.read(buffer) !== null);
  connection.close();
  listener.close();
});

Deno.test("the network of the function begins TLS when a name is to be proved", async () => {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () => new Response(),
  );
  const { port } = server.addr;
  const connect = async (tlsName?: string) => {
    const connection = await hostNetwork.connect("127.0.0.1", port, tlsName);
    try {
      await connection.write(new TextEncoder().encode("GET / HTTP/1.0\r\n\r\n"));
      return await connection.read(new Uint8Array(100));
    } finally {
      connection.close();
    }
  };
  assert(await connect() !== null);
  await assertRejects(() => connect("site.test"));
  await server.shutdown();
});
