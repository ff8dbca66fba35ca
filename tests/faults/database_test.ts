/**
 * The database stopped or hanging, on a separate stack: 503 within seconds, and success without a restart
 * when it is back.
 */
import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { join } from "@std/path";
import postgres from "postgres";
import { type Stack, startStack } from "../../dev/stack.ts";
import { removeStackData, temporaryDirectory } from "../../dev/stackData.ts";
import { assertProblem } from "../support/answers.ts";
import { type Answer, answerOf, freshEmail, PASSWORD } from "../support/workspace.ts";

/** The product gives up after 4 s. The rest is for a busy machine. */
const ANSWERED_WITHIN = 9_000;

interface Faulty {
  stack: Stack;
  directory: string;
  token: string;
  /** Calls the API. Throws when the answer takes longer than `ANSWERED_WITHIN`. */
  call(path: string, init?: RequestInit): Promise<Answer>;
}

async function withStack(work: (faulty: Faulty) => Promise<void>): Promise<void> {
  const directory = await temporaryDirectory();
  let stack: Stack | undefined;
  try {
    stack = await startStack({ directory, durable: false });
    const token = await signUp(stack);
    const url = stack.functionUrl;
    const call = (path: string, init?: RequestInit) => promptCall(url + path, token, init);
    assertEquals((await call("/me")).status, 200);
    await work({ stack, directory, token, call });
  } finally {
    await stack?.stop();
    await removeStackData(directory);
    await Deno.remove(directory, { recursive: true });
  }
}

async function signUp(stack: Stack): Promise<string> {
  const response = await fetch(`${stack.apiUrl}/auth/v1/signup`, {
    method: "POST",
    headers: { apikey: stack.publishableKey, "Content-Type": "application/json" },
    body: JSON.stringify({ email: freshEmail(), password: PASSWORD }),
  });
  return (await response.json()).access_token;
}

async function promptCall(url: string, token: string, init: RequestInit = {}): Promise<Answer> {
  const headers = new Headers(init.headers);
  headers.set("Authorization", `Bearer ${token}`);
  if (init.body) headers.set("Content-Type", "application/json");
  const start = performance.now();
  const answer = await answerOf(await fetch(url, { ...init, headers }));
  const took = performance.now() - start;
  assert(took < ANSWERED_WITHIN, `${url} took ${Math.round(took)} ms`);
  return answer;
}

/** The same requests under every fault: a read, a write, and an operation with the auth server. */
function requests({ call }: Faulty): Promise<Answer>[] {
  const contact = JSON.stringify({ first_name: "Ada" });
  const user = JSON.stringify({ email: freshEmail(), first_name: "A", last_name: "B" });
  return [
    call("/me"),
    call("/contacts?count=exact"),
    call("/contacts", { method: "POST", body: contact }),
    call("/contacts", {
      method: "POST",
      body: contact,
      headers: { "Idempotency-Key": crypto.randomUUID() },
    }),
    call("/users", { method: "POST", body: user }),
  ];
}

async function assertUnavailable(faulty: Faulty): Promise<void> {
  // Twice: first on connections that broke, then on new ones.
  for (let round = 0; round < 2; round++) {
    for (const answer of await Promise.all(requests(faulty))) {
      assertProblem(answer, 503, "database_unavailable");
      assertEquals(answer.headers.get("Retry-After"), "5");
    }
    const ready = await faulty.call("/ready");
    assertProblem(ready, 503, "not_ready");
    assertEquals(ready.body.database, "database_unavailable");
    assertEquals(ready.headers.get("Retry-After"), "5");
    assertEquals((await faulty.call("/health")).status, 200);
  }
}

async function assertRecovered(faulty: Faulty): Promise<void> {
  const answers = await Promise.all(requests(faulty));
  const outcomes = answers.map(({ status, body }) => body?.code ?? status);
  assertEquals(outcomes, [200, 200, 201, 201, 201]);
  const ready = await faulty.call("/ready");
  assertEquals(ready.body, { status: "ready", database: "ok", auth: "ok" });
}

/** The processes of a database server, the main process first. */
async function processesOf({ stack, directory }: Faulty): Promise<number[]> {
  const lock = await Deno.readTextFile(join(directory, "database", "postmaster.pid"));
  const sql = postgres(stack.superuserUrl, { max: 1 });
  try {
    const rows = await sql<{ pid: number }[]>`
      select pid from pg_stat_activity where pid <> pg_backend_pid()`;
    return [Number(lock.split("\n")[0]), ...rows.map(({ pid }) => pid)];
  } finally {
    await sql.end();
  }
}

function signal(pids: number[], name: "SIGSTOP" | "SIGCONT"): void {
  for (const pid of pids) {
    try {
      Deno.kill(pid, name);
    } catch (error) {
      // The process has ended meanwhile.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}

Deno.test("the database stopped: 503 within seconds, and success when it is back", async () => {
  await withStack(async (faulty) => {
    await faulty.stack.stopDatabase();
    await assertUnavailable(faulty);
    await faulty.stack.startDatabase();
    await assertRecovered(faulty);
  });
});

Deno.test("the database hanging: 503 within seconds, and success when it continues", async () => {
  await withStack(async (faulty) => {
    const pids = await processesOf(faulty);
    signal(pids, "SIGSTOP");
    try {
      await assertUnavailable(faulty);
    } finally {
      signal(pids, "SIGCONT");
    }
    await assertRecovered(faulty);
  });
});

Deno.test("the database hanging in the middle of a transaction: 503, never a hang", async () => {
  await withStack(async (faulty) => {
    const sql = postgres(faulty.stack.superuserUrl, { max: 1 });
    const created = await faulty.call("/contacts", { method: "POST", body: "{}" });
    const path = `/contacts/${created.body.id}`;
    let pids: number[] = [];
    try {
      await sql.begin(async (tx) => {
        await tx`select from contacts where id = ${created.body.id} for update`;
        const start = performance.now();
        const change = fetch(faulty.stack.functionUrl + path, {
          method: "PATCH",
          headers: {
            Authorization: `Bearer ${faulty.token}`,
            "Content-Type": "application/json",
          },
          body: JSON.stringify({ title: "Countess" }),
        });
        await waitForLock(tx);
        pids = await processesOf(faulty);
        signal(pids, "SIGSTOP");
        const answer = await answerOf(await change);
        assertProblem(answer, 503, "database_unavailable");
        assertLess(performance.now() - start, 30_000);
        signal(pids, "SIGCONT");
      });
    } finally {
      signal(pids, "SIGCONT");
      await sql.end();
    }
    await assertRecovered(faulty);
  });
});

/** Resolves when another transaction waits for a lock. */
async function waitForLock(tx: postgres.TransactionSql): Promise<void> {
  for (;;) {
    const waiting = await tx`select from pg_locks where not granted`;
    if (waiting.length > 0) return;
  }
}

Deno.test("connections that the database has closed are replaced without an error", async () => {
  await withStack(async (faulty) => {
    const sql = postgres(faulty.stack.superuserUrl, { max: 1 });
    try {
      for (let round = 0; round < 10; round++) {
        const closed = await sql`
          select pg_terminate_backend(pid, 5000) from pg_stat_activity
          where application_name = 'portico'`;
        assertGreater(closed.length, 0);
        assertEquals((await faulty.call("/me")).status, 200);
      }
    } finally {
      await sql.end();
    }
  });
});
