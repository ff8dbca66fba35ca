/** The local stack: several at once, ports in use, crashes, and stopping. */

import {
  assert,
  assertEquals,
  assertGreaterOrEqual,
  assertNotEquals,
  assertStringIncludes,
} from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import postgres from "postgres";
import { FunctionServer } from "../../dev/functionServer.ts";
import { isListening, waitUntil } from "../../dev/process.ts";
import { startStack } from "../../dev/stack.ts";
import type { StackAddresses } from "../../dev/stackAddresses.ts";
import { removeStackData, temporaryDirectory } from "../../dev/stackData.ts";
import { present } from "../support/exactly.ts";

const START = fromFileUrl(new URL("../../dev/start.ts", import.meta.url));
const FREE_PORTS = ["--port=0", "--db-port=0", "--mail-port=0"];

function startTask(
  directory: string,
  options = FREE_PORTS,
  env: Record<string, string> = {},
): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "--no-check", START, `--directory=${directory}`, ...options],
    env,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** Reads what a process prints until it contains `words`. */
async function readUntil(stream: ReadableStream<Uint8Array>, words: string): Promise<string> {
  let text = "";
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (text.includes(words)) return text;
  }
  throw new Error(`The process ended without "${words}":\n${text}`);
}

function portsOf(text: string): number[] {
  return [...text.matchAll(/127\.0\.0\.1:(\d+)/g)].map(([, port]) => Number(port));
}

async function noneListens(ports: number[]): Promise<boolean> {
  const listening = await Promise.all(ports.map(isListening));
  return !listening.includes(true);
}

async function withDirectory(work: (directory: string) => Promise<void>): Promise<void> {
  const directory = await temporaryDirectory();
  try {
    await work(directory);
  } finally {
    await removeStackData(directory);
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("startStack runs beside another stack, and leaves no process and no file when stopped", async () => {
  await withDirectory(async (directory) => {
    const running: StackAddresses = JSON.parse(Deno.env.get("PORTICO_TEST_STACK") ?? "{}");
    const second = await startStack({ directory, durable: false });
    const ports = portsOf([second.apiUrl, second.mailUrl, second.databaseUrl].join(" "));
    for (const stack of [running, second]) {
      const health = await fetch(`${stack.functionUrl}/health`);
      assertEquals((await health.json()).status, "ok");
    }
    assertNotEquals(running.secretKey, second.secretKey);
    await second.stop();
    assert(await noneListens(ports));
    assertEquals((await Array.fromAsync(Deno.readDir(directory), (file) => file.name)).sort(), [
      "credentials.json",
      "database",
      "postgres.log",
    ]);
  });
});

Deno.test("start names a port in use and the option that changes it in one line", async () => {
  await withDirectory(async (directory) => {
    using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = taken.addr;
    const { code, stderr } = await startTask(directory, [`--port=${port}`]).output();
    assertEquals(code, 1);
    assertEquals(
      new TextDecoder().decode(stderr),
      `Port ${port} (API) is in use. Choose another one with --port <port>.\n`,
    );
  });
});

Deno.test("start --no-demo leaves the instance for its first sign-up, and mails lead to SITE_URL", async () => {
  await withDirectory(async (directory) => {
    const siteUrl = "https://crm.example.test/auth-callback.html";
    const task = startTask(directory, [...FREE_PORTS, "--no-demo"], { SITE_URL: siteUrl });
    const output = await readUntil(task.stdout, "Publishable key");
    assertEquals(output.includes("Demo sign-in"), false);
    const printed = (name: string) =>
      present(new RegExp(`${name} +(\\S+)`).exec(output)?.[1], name);
    const [apiUrl, apikey] = [printed("API URL"), printed("Publishable key")];
    const isInitialized = async () => {
      const url = `${apiUrl}/rest/v1/init_state?select=is_initialized`;
      return await (await fetch(url, { headers: { apikey } })).json();
    };
    assertEquals(await isInitialized(), [{ is_initialized: 0 }]);
    const docs = await fetch(printed("Documentation"));
    assertEquals([docs.status, new URL(docs.url).pathname], [200, "/docs/"]);
    assert((await docs.text()).includes("<title>Portico</title>"));

    const post = async (path: string, body: object, token = "") => {
      const headers = {
        apikey,
        Authorization: `Bearer ${token}`,
        "content-type": "application/json",
      };
      const init = { method: "POST", headers, body: JSON.stringify(body) };
      const response = await fetch(apiUrl + path, init);
      assert(response.ok, `${path} ${response.status}`);
      return await response.json();
    };
    const email = "ada@example.test";
    const session = await post("/auth/v1/signup", { email, password: "correct horse" }, apikey);
    assertEquals(await isInitialized(), [{ is_initialized: 1 }]);
    await post("/auth/v1/recover", { email }, apikey);
    const invited = { email: "bob@example.test", first_name: "Bob", last_name: "B" };
    await post("/functions/v1/api/users", invited, session.access_token);
    for (const address of [email, invited.email]) {
      const mails = await (await fetch(`${printed("Mail")}/messages?to=${address}`)).json();
      const link = new URL(mails[0].link);
      assertEquals(link.searchParams.get("redirect_to"), siteUrl);
      const followed = await fetch(link, { redirect: "manual" });
      assert(followed.headers.get("Location")?.startsWith(`${siteUrl}#access_token=`));
    }
    task.kill("SIGTERM");
    await task.stderr.cancel();
    assertEquals((await task.status).code, 0);
  });
});

Deno.test("start leaves no server when it is interrupted", async () => {
  await withDirectory(async (directory) => {
    const task = startTask(directory);
    await readUntil(task.stdout, "Starting auth");
    task.kill("SIGINT");
    await task.stderr.cancel();
    assertEquals((await task.status).code, 130);
    const lock = JSON.parse(await Deno.readTextFile(join(directory, "stack.json")));
    assert(await waitUntil(() => noneListens([lock.databasePort]), 20_000));
  });
});

Deno.test("start stops its servers when it is killed, and starts again on the same data", async () => {
  await withDirectory(async (directory) => {
    const killed = startTask(directory);
    const ports = portsOf(await readUntil(killed.stdout, "Try it"));
    killed.kill("SIGKILL");
    await killed.stderr.cancel();
    await killed.status;
    assert(await waitUntil(() => noneListens(ports), 20_000));
    const again = startTask(directory);
    await readUntil(again.stdout, "Try it");
    again.kill("SIGTERM");
    await again.stderr.cancel();
    assertEquals((await again.status).code, 0);
  });
});

Deno.test("the services answer again after a backend of the database was killed, and no commit is lost", async () => {
  await withDirectory(async (directory) => {
    const stack = await startStack({ directory, runFunction: false });
    try {
      const headers = { apikey: stack.secretKey, Authorization: `Bearer ${stack.secretKey}` };
      const signUpload = async () => {
        const path = `attachments/${crypto.randomUUID()}`;
        const url = `${stack.apiUrl}/storage/v1/object/upload/sign/${path}`;
        const response = await fetch(url, { method: "POST", headers });
        await response.body?.cancel();
        return response.status === 200;
      };
      for (let kills = 0; kills < 5; kills++) {
        assert(await waitUntil(signUpload, 60_000));
        const pid = await anyBackend(stack.superuserUrl);
        const requests = Array.from({ length: 8 }, signUpload);
        Deno.kill(pid, "SIGKILL");
        await Promise.all(requests);
      }
      assert(await waitUntil(signUpload, 60_000));
    } finally {
      await stack.stop();
    }
  });
});

async function anyBackend(databaseUrl: string): Promise<number> {
  const sql = postgres(databaseUrl, { max: 1, fetch_types: false });
  try {
    const [backend] = await sql<{ pid: number }[]>`
      select pid from pg_stat_activity
      where backend_type = 'client backend' and pid <> pg_backend_pid() limit 1`;
    return present(backend, "backend").pid;
  } finally {
    await sql.end();
  }
}

const CRASHING_FUNCTION = `
Deno.serve((request) => {
  if (request.url.endsWith("/crash")) queueMicrotask(() => { throw new Error("it crashed"); });
  return new Promise((resolve) => setTimeout(() => resolve(new Response("fine")), 50));
});
`;

Deno.test("a crash of the function shows its stack trace and answers 503, and the function restarts", async () => {
  const directory = await Deno.makeTempDir();
  const entrypoint = join(directory, "index.ts");
  await Deno.writeTextFile(entrypoint, CRASHING_FUNCTION);
  const lines: string[] = [];
  const server = await FunctionServer.start({
    entrypoint,
    environment: {},
    log: (line) => lines.push(line),
  });
  try {
    const crash = await server.fetch(new Request("http://localhost/api/crash"));
    assertEquals(crash.status, 503);
    assertEquals(crash.headers.get("content-type"), "application/problem+json");
    assertGreaterOrEqual(Number(crash.headers.get("retry-after")), 1);
    assertEquals((await crash.json()).code, "function_unavailable");
    const next = await server.fetch(new Request("http://localhost/api/health"));
    assertEquals(await next.text(), "fine");
    assertStringIncludes(lines.join("\n"), "Error: it crashed");
    assertStringIncludes(lines.join("\n"), entrypoint);
  } finally {
    await server.stop();
    await Deno.remove(directory, { recursive: true });
  }
});
