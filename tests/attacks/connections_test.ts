/** Transactions stay apart: nothing of one piece of work reaches the connection's next one. */
import { assertEquals, assertRejects } from "@std/assert";
import {
  createDatabase,
  type Database,
  type RequestScope,
  type Sql,
} from "../../supabase/functions/_shared/database/database.ts";
import { testSettings } from "../support/app.ts";
import { foundWorkspace, type Member, sql as superuser } from "../support/database.ts";
import { only } from "../support/exactly.ts";
import { test } from "../support/workspace.ts";

/** What a connection carries over: null or empty when the work before it has left nothing. */
interface Heritage {
  role: string;
  claims: string | null;
  transaction: string | null;
}

test("work that throws before its first statement leaves no transaction open", async () => {
  const { admin } = await foundWorkspace();
  const database = createDatabase(await testSettings({ databaseConnections: 1 }));
  const broken = () => {
    throw new Error("broken");
  };
  await assertRejects(() => database.read(scopeOf(admin), broken), Error, "broken");
  await assertRejects(() => database.write(scopeOf(admin), broken), Error, "broken");
  await assertRejects(() => database.asGateway(scopeOf(admin), broken), Error, "broken");
  assertEquals(await heritageOf(database), NOTHING);
  await database.close();
});

test("a statement that work sends after its end is refused", async () => {
  const [victim, attacker] = [await foundWorkspace(), await foundWorkspace()];
  const database = createDatabase(await testSettings({ databaseConnections: 1 }));
  const kept = Promise.withResolvers<Sql>();
  const keep = (sql: Sql) => {
    kept.resolve(sql);
    return Promise.resolve();
  };
  for (const kind of ["read", "write", "asGateway"] as const) {
    await database[kind](scopeOf(attacker.admin), keep);
    const late = await kept.promise;
    await database.write(scopeOf(victim.admin), async (sql) => {
      await sql`select 1`;
      await assertRejects(async () => await late`select private.workspace_id()`);
    });
    await assertRejects(async () => await late`select private.workspace_id()`);
  }
  await database.close();
});

test("failing, terminated and rolled back work hands a connection on as new", async () => {
  const { admin } = await foundWorkspace();
  const database = createDatabase(await testSettings({ databaseConnections: 3 }));
  const scope = scopeOf(admin);
  const works: ((sql: Sql) => Promise<unknown>)[] = [
    async (sql) => await sql`select private.member_id()`,
    async (sql) => await sql`select 1 / 0`,
    async (sql) => await sql`select * from gateway.rate_limits`,
    async (sql) =>
      await Promise.all([sql`select 1 / 0`, sql`select 1`, sql`select pg_sleep(0.01)`]),
    async (sql) => {
      const { pid } = only(await sql<{ pid: number }[]>`select pg_backend_pid() as pid`);
      await Promise.all([
        superuser`select pg_terminate_backend(${pid}, 5000)`.execute(),
        sql`select pg_sleep(5)`,
      ]);
    },
    async (sql) => {
      const { pid } = only(await sql<{ pid: number }[]>`select pg_backend_pid() as pid`);
      await Promise.all([
        superuser`select pg_cancel_backend(${pid})`.execute(),
        sql`select pg_sleep(0.05)`,
      ]);
    },
    () => Promise.reject(new Error("broken")),
  ];
  const inherited: Heritage[] = [];
  const attempts = Array.from({ length: 120 }, async (_, index) => {
    const work = works[index % works.length] ?? works[0];
    if (!work) return;
    const kind = (["read", "write", "asGateway", "dryRun"] as const)[index % 4];
    const running = kind === "dryRun"
      ? database.write(scope, work, { dryRun: true })
      : database[kind ?? "read"](scope, work);
    await running.catch(() => undefined);
    // A connection of the pool may be one that closed a moment ago: 503 is honest.
    const heritage = await heritageOf(database).catch(() => undefined);
    if (heritage) inherited.push(heritage);
  });
  await Promise.all(attempts);
  assertEquals(inherited.filter((heritage) => !isNothing(heritage)), []);
  assertEquals(await heritageOf(database), NOTHING);
  await database.close();
});

const NOTHING: Heritage = { role: "portico_gateway", claims: null, transaction: null };

function isNothing({ role, claims, transaction }: Heritage): boolean {
  return role === NOTHING.role && claims === null && transaction === null;
}

/** What the next transaction of the gateway finds on its connection. */
async function heritageOf(database: Database): Promise<Heritage> {
  return await database.asGateway({ timing: { databaseMs: 0 } }, async (sql) => {
    const rows = await sql<Heritage[]>`
      select
        current_user::text as role,
        nullif(current_setting('request.jwt.claims', true), '') as claims,
        pg_current_xact_id_if_assigned()::text as transaction`;
    const { role, claims, transaction } = only(rows);
    return { role, claims, transaction };
  });
}

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
