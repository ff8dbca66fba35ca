/** The connections of an isolate under load: turns, time limits, and requests that need none. */
import { assert, assertEquals, assertLessOrEqual, assertRejects } from "@std/assert";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { waitUntil } from "../../dev/process.ts";
import {
  createDatabase,
  type RequestScope,
} from "../../supabase/functions/_shared/database/database.ts";
import { Problem } from "../../supabase/functions/_shared/problem.ts";
import { assertProblem } from "../support/answers.ts";
import { testSettings, withApp } from "../support/app.ts";
import { foundWorkspace, type Member, sql as superuser } from "../support/database.ts";
import { withProxiedApp } from "../support/databaseProxy.ts";
import { createWorkspace, test } from "../support/workspace.ts";

const LONG_LIMITS = { answer: 60_000, transaction: 60_000 };

function scopeOf({ user_id, claims }: Member): RequestScope {
  return {
    caller: { userId: user_id, claims, credential: "token" },
    operation: "tests.run",
    recorded: {},
    requestId: crypto.randomUUID(),
    authorise() {},
    timing: { databaseMs: 0 },
  };
}

test("a request of a quiet workspace waits for one turn, not for 200 requests of another one", async () => {
  const [greedy, quiet] = [await foundWorkspace(), await foundWorkspace()];
  const settings = await testSettings({ databaseConnections: 2, timeLimits: LONG_LIMITS });
  const database = createDatabase(settings);
  let ended = 0;
  const first = Promise.withResolvers<void>();
  const slow = async () => {
    await database.read(scopeOf(greedy.admin), async (sql) => await sql`select pg_sleep(0.02)`);
    ended++;
    first.resolve();
  };
  const all = Array.from({ length: 200 }, slow);
  await first.promise;
  const before = ended;
  const overtaken = await database.read(scopeOf(quiet.admin), () => Promise.resolve(ended));
  // Both connections may end a turn before the request has one.
  assertLessOrEqual(overtaken - before, 2);
  await Promise.all(all);
  await database.close();
});

test("the transactions of a request have one time limit together, and nothing runs after it", async () => {
  const { admin } = await foundWorkspace();
  const timeLimits = { answer: 60_000, transaction: 6_000 };
  const database = createDatabase(await testSettings({ databaseConnections: 1, timeLimits }));
  const scope = scopeOf(admin);
  const marker = `deadline ${crypto.randomUUID()}`;
  const work = () =>
    database.write(scope, async (sql) => {
      await sql`select ${sql.unsafe(`'${marker}'`)}, pg_sleep(4)`;
    });
  await work();
  const problem = await assertRejects(work, Problem);
  assertEquals([problem.code, problem.headers["Retry-After"]], ["database_timeout", "5"]);
  const stopped = await waitUntil(async () => {
    const running = await superuser`
      select from pg_stat_activity
      where state = 'active' and pid <> pg_backend_pid() and query like ${`%${marker}%`}`;
    return running.length === 0;
  }, 2_500);
  assert(stopped, "the server still runs the statement");
  const used = await assertRejects(work, Problem);
  assertEquals(used.code, "database_timeout");
  await database.read({ ...scope, timing: { databaseMs: 0 } }, () => Promise.resolve());
  // Jobs and exports have the limit for each transaction.
  await database.read({ ...scope, limitsEach: true }, () => Promise.resolve());
  await database.close();
});

test("a commit that Postgres turns into a rollback is no success", async () => {
  const { admin } = await foundWorkspace();
  const database = createDatabase(await testSettings({ databaseConnections: 1 }));
  for (const kind of ["write", "asGateway"] as const) {
    await assertRejects(() =>
      database[kind](scopeOf(admin), async (sql) => {
        await sql`select 1 / 0`.catch(() => {});
      })
    );
  }
  await database.close();
});

test("requests without a member's token need no connection", async () => {
  const { admin } = await createWorkspace();
  await withApp({ databaseConnections: 1, timeLimits: LONG_LIMITS }, async (app) => {
    let waiting: Promise<unknown> = Promise.resolve();
    await superuser.begin(async (tx) => {
      await tx`select from public.sales where id = ${admin.id} for update`;
      waiting = app.send(`/api/users/${admin.id}`, {
        method: "PATCH",
        headers: { Authorization: `Bearer ${admin.token}`, "Content-Type": "application/json" },
        body: JSON.stringify({ first_name: "Ada" }),
      });
      const blocked = async () => (await tx`select from pg_locks where not granted`).length > 0;
      await waitUntil(blocked, 3_000);
      const strangers = Array.from({ length: 500 }, (_, index) =>
        app.send("/api/contacts", {
          headers: index % 2 === 0 ? {} : { Authorization: "Bearer a.b.c" },
        }));
      for (const answer of await Promise.all(strangers)) assertEquals(answer.status, 401);
    });
    await waiting;
  });
});

test("system.ready asks the database once for many probes", async () => {
  await withProxiedApp(async (app, proxy) => {
    assertEquals((await app.send("/api/ready")).status, 200);
    proxy.watch();
    const probes = Array.from({ length: 100 }, () => app.send("/api/ready"));
    for (const { status, body } of await Promise.all(probes)) {
      assertEquals([status, body], [200, { status: "ready", database: "ok", auth: "ok" }]);
    }
    // The remembered success may have expired meanwhile.
    assertLessOrEqual(proxy.statements, 1);
  });
});

test("a body that does not arrive in time is answered with 408", async () => {
  const { admin } = await createWorkspace();
  await withApp({ bodyTimeLimit: 200 }, async (app) => {
    let cancelled = false;
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(new TextEncoder().encode('{"first_name":')),
      cancel: () => void (cancelled = true),
    });
    const answer = await app.send("/api/contacts", {
      method: "POST",
      headers: { Authorization: `Bearer ${admin.token}`, "Content-Type": "application/json" },
      body,
    });
    assertProblem(answer, 408, "body_timeout");
    assertEquals(cancelled, true);
  });
});

test("a connection keeps nothing of the work that it has done", async () => {
  const { admin } = await foundWorkspace();
  const database = createDatabase(await testSettings({ databaseConnections: 1 }));
  const values: WeakRef<object>[] = [];
  for (let times = 0; times < 50; times++) {
    const value = await database.read(scopeOf(admin), () => Promise.resolve({ times }));
    values.push(new WeakRef(value));
  }
  const kept = () => {
    collectGarbage();
    return values.filter((value) => value.deref() !== undefined).length;
  };
  // The latest may still be in use.
  assert(await waitUntil(() => Promise.resolve(kept() <= 1), 10_000), `${kept()} values are kept`);
  await database.close();
});

/** Runs V8's garbage collector, which a flag makes callable. */
function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  if (typeof collect !== "function") throw new Error("The garbage collector cannot be called");
  collect();
}
