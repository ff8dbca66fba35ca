/**
 * The function and backends of PostgreSQL are killed in the middle of many requests, on a separate
 * stack. Every request is repeated until it is answered. Then every invariant of the database holds,
 * every record was created exactly once, and no write that was answered is lost. The seed is printed;
 * KILL_SEED repeats the choice of requests, KILL_REQUESTS makes the run longer.
 */
import { assert, assertEquals, assertGreater } from "@std/assert";
import postgres from "postgres";
import { waitUntil } from "../../dev/process.ts";
import { type Stack, startStack } from "../../dev/stack.ts";
import { removeStackData, temporaryDirectory } from "../../dev/stackData.ts";
import type { Operation } from "../../supabase/functions/_shared/operation.ts";
import { assertInvariants } from "../support/invariants.ts";
import { bodyOf, creatableResources, requestTo, resourceOf } from "../support/operations.ts";
import { only } from "../support/exactly.ts";
import { pick, seeded } from "../support/random.ts";
import { operationForms, operations } from "../support/registry.ts";
import { type Answer, answerOf, freshEmail, PASSWORD, type Role } from "../support/workspace.ts";

const SEED = Number(Deno.env.get("KILL_SEED") ?? Math.floor(Math.random() * 2 ** 32));
const WORKSPACES = 3;
const REQUESTS_PER_MEMBER = Number(Deno.env.get("KILL_REQUESTS") ?? 30);
/** Answers between two kills. */
const KILL_EVERY = 50;
/** The id of no record, for a request whose record could not be created. */
const UNKNOWN_ID = 2 ** 31 - 1;
/** How long a request is repeated, on a busy machine. */
const ANSWERED_WITHIN = 120_000;

type Sql = postgres.Sql;

interface Member {
  workspaceId: string;
  token: string;
  random(): number;
  /** Ids of the records that the workspace's members have created. */
  ids: Map<string, number[]>;
}

/** A write to a record that was answered with success. */
interface Acknowledged {
  resource: string;
  id: number;
  /** Absent: the record was deleted. */
  updated_at?: string;
}

/** Counts answers, and kills a process after every `KILL_EVERY` of them. */
class Load {
  answers = 0;
  kills = 0;
  /** The process of the last backend that was killed. */
  killedBackend = 0;
  /** Resource → ids of the records that were answered with 201. */
  created = new Map<string, number[]>();
  acknowledged: Acknowledged[] = [];
  #killing: Promise<void> = Promise.resolve();

  constructor(readonly stack: Stack) {}

  async run(members: Member[]): Promise<void> {
    await Promise.all(members.map(async (member) => {
      for (let sent = 0; sent < REQUESTS_PER_MEMBER; sent++) await this.#sendAny(member);
    }));
    await this.#killing;
  }

  async #sendAny(member: Member): Promise<void> {
    const operation = pick(member.random, CALLED);
    const make = (resource: string) => this.#idOf(member, resource);
    const resource = resourceOf(operation);
    const id = resource === undefined ? undefined : await make(resource);
    await this.#send(member, operation, await bodyOf(operation, make, false), id);
  }

  /** An id of the workspace; of a new record when there is none yet. */
  async #idOf(member: Member, resource: string): Promise<number> {
    const known = member.ids.get(resource) ?? [];
    if (known.length > 2) return pick(member.random, known);
    const create = operations.find(({ method, path, surface }) =>
      method === "POST" && path === `/${resource}` && surface !== "atomic"
    );
    if (!create) return UNKNOWN_ID;
    const body = await bodyOf(create, (other) => this.#idOf(member, other));
    return (await this.#send(member, create, body)).body.id ?? UNKNOWN_ID;
  }

  async #send(
    member: Member,
    operation: Operation,
    body: unknown,
    id?: number,
  ): Promise<Answer> {
    const headers: HeadersInit = operation.method === "POST"
      ? { "Idempotency-Key": crypto.randomUUID() }
      : {};
    const { token } = member;
    const { path, init } = requestTo(operation, { token, id, body, headers });
    const answer = await this.#untilAnswered(operation, path, init);
    assert(answer.status < 500, `${operation.id}: ${JSON.stringify(answer.body)}`);
    this.#rememberCreated(member, operation, answer);
    this.#rememberAcknowledged(operation, answer, id);
    this.answers += 1;
    if (this.answers % KILL_EVERY === 0) this.#kill();
    return answer;
  }

  /** Repeats the request while the function or the database is away, as a client does. */
  async #untilAnswered(operation: Operation, path: string, init: RequestInit): Promise<Answer> {
    const deadline = Date.now() + ANSWERED_WITHIN;
    for (;;) {
      const answer = await fetch(`${this.stack.apiUrl}/functions/v1${path}`, init).then(answerOf);
      if (![502, 503].includes(answer.status) && !isInFlight(operation, answer)) return answer;
      assert(Date.now() < deadline, `${path} is not answered: ${JSON.stringify(answer.body)}`);
    }
  }

  #rememberCreated({ ids }: Member, operation: Operation, answer: Answer): void {
    const [, resource = ""] = operation.path.split("/");
    if (!creatableResources.includes(resource) || operation.surface === "atomic") return;
    const created = createdIds(operation, answer);
    for (const known of [ids, this.created]) {
      known.set(resource, [...known.get(resource) ?? [], ...created]);
    }
  }

  #rememberAcknowledged({ method, path }: Operation, answer: Answer, id?: number): void {
    const { status, body } = answer;
    const [, resource, parameter, rest] = path.split("/");
    if (!resource || method === "GET" || status >= 300 || rest !== undefined) return;
    // The audit log has the records with numbers.
    if (typeof (id ?? body.id) !== "number") return;
    if (method === "DELETE" && parameter && id) this.acknowledged.push({ resource, id });
    else if (body.id && body.updated_at) {
      this.acknowledged.push({ resource, id: body.id, updated_at: body.updated_at });
    }
  }

  #kill(): void {
    const killsFunction = this.kills % 2 === 0;
    this.kills += 1;
    this.#killing = this.#killing.then(() =>
      killsFunction ? killFunction(this.stack) : this.#killBackend()
    );
  }

  /** PostgreSQL then ends all its backends, and recovers. */
  async #killBackend(): Promise<void> {
    await withSuperuser(this.stack, async (sql) => {
      const [backend] = await sql<{ pid: number }[]>`
        select pid from pg_stat_activity
        where application_name = 'portico' order by state = 'active' desc limit 1`;
      if (!backend) return;
      kill(backend.pid);
      this.killedBackend = backend.pid;
    }).catch((error) => {
      // It still recovers from the last time.
      if (error.code !== "57P03") throw error;
    });
  }
}

/** The ids of the records that a request has created: one, or many by a bulk. */
function createdIds({ path }: Operation, { status, body }: Answer): number[] {
  if (path.endsWith("/bulk") && Array.isArray(body.data)) {
    return body.data.filter(({ outcome }: { outcome: string }) => outcome === "created")
      .map(({ id }: { id: number }) => id);
  }
  const isOne = status === 201 && path.lastIndexOf("/") === 0 && typeof body.id === "number";
  return isOne ? [body.id] : [];
}

/** A saga that was killed has its key until its lease ends. A write's lock ends with the connection. */
function isInFlight({ kind }: Operation, { body }: Answer): boolean {
  return kind !== "saga" && body?.code === "request_in_flight";
}

/** Runs work with a connection of its own: earlier ones are closed by every kill. */
async function withSuperuser<Value>(
  stack: Stack,
  work: (sql: Sql) => Promise<Value>,
): Promise<Value> {
  const sql = postgres(stack.superuserUrl, { max: 1, fetch_types: false, onnotice() {} });
  try {
    return await work(sql);
  } finally {
    await sql.end({ timeout: 1 });
  }
}

/** Whether the database has noticed the last kill, and has ended its recovery. */
function hasRecovered({ stack, killedBackend }: Load): Promise<boolean> {
  const seen = withSuperuser(
    stack,
    (sql) => sql`select from pg_stat_activity where pid = ${killedBackend}`,
  );
  return seen.then((rows) => rows.length === 0, (error) => {
    if (!RECOVERING.includes(error.code)) throw error;
    return false;
  });
}

/** SQLSTATEs of a server that ends or starts, and what the driver says when it closes connections. */
const RECOVERING = [
  "57P01",
  "57P02",
  "57P03",
  "CONNECTION_CLOSED",
  "CONNECT_TIMEOUT",
  "ECONNRESET",
];

/** Exports are lists; a download needs a file. */
const CALLED = operationForms.filter(({ access, queryExample }) =>
  access === "member" && queryExample === undefined
);

function kill(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch (error) {
    // The process has ended meanwhile.
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/**
 * Kills the function of this test's stack. Other tests of this process have functions too, so `ps`
 * also prints the environments, which name the stack.
 */
async function killFunction({ apiUrl }: Stack): Promise<void> {
  const ps = new Deno.Command("ps", { args: ["axeww", "-o", "pid=,args="] });
  const lines = new TextDecoder().decode((await ps.output()).stdout).split("\n");
  for (const line of lines) {
    const [, pid = "0", args = ""] = /^\s*(\d+)\s+(.*)$/.exec(line) ?? [];
    const isFunction = /^\S*deno run .*functions\/api\/index\.ts/.test(args);
    if (isFunction && args.includes(` SUPABASE_URL=${apiUrl} `)) kill(Number(pid));
  }
}

async function makeMembers(stack: Stack, sql: Sql): Promise<Member[]> {
  const members: Member[] = [];
  const add = (member: Omit<Member, "random">) =>
    members.push({ ...member, random: seeded(SEED + members.length) });
  for (let number = 0; number < WORKSPACES; number++) {
    const ids = new Map<string, number[]>();
    const email = freshEmail();
    await auth(stack, "/admin/users", confirmed(email));
    const { workspaceId } = only(
      await sql<{ workspaceId: string }[]>`
        select workspace_id as "workspaceId" from public.sales where email = ${email}`,
    );
    add({ workspaceId, ids, token: await signIn(stack, email) });
    for (const role of ["manager", "rep"] as const) {
      add({ workspaceId, ids, token: await join(stack, sql, workspaceId, role) });
    }
  }
  return members;
}

async function join(stack: Stack, sql: Sql, workspaceId: string, role: Role): Promise<string> {
  const id = crypto.randomUUID();
  const email = freshEmail();
  await sql`
    insert into public.invitations (id, workspace_id, email, role)
    values (${id}, ${workspaceId}, ${email}, ${role})`;
  await auth(stack, "/admin/users", { id, ...confirmed(email) });
  return await signIn(stack, email);
}

function confirmed(email: string) {
  return { email, password: PASSWORD, email_confirm: true };
}

async function signIn(stack: Stack, email: string): Promise<string> {
  const credentials = { email, password: PASSWORD };
  return (await auth(stack, "/token?grant_type=password", credentials)).body.access_token;
}

async function auth(stack: Stack, path: string, body: unknown): Promise<Answer> {
  const response = await fetch(`${stack.apiUrl}/auth/v1${path}`, {
    method: "POST",
    headers: { apikey: stack.secretKey, "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const answer = await answerOf(response);
  assertEquals(answer.status, 200, JSON.stringify(answer.body));
  return answer;
}

/** Every creation that was answered happened once, and no other. */
async function assertCreatedOnce(sql: Sql, { created }: Load): Promise<void> {
  const logged = await sql<{ resource: string; ids: number[] }[]>`
    select table_name as resource, jsonb_agg(record_id order by record_id) as ids
    from public.audit_log
    where action = 'created'
      and table_name in (select jsonb_array_elements_text(${sql.json(creatableResources)}))
    group by table_name`;
  assertGreater(logged.length, 3);
  for (const { resource, ids } of logged) {
    const answered = (created.get(resource) ?? []).toSorted((one, other) => one - other);
    assertEquals(ids, answered, resource);
  }
}

/** A record has its last change that was answered, or a later one; a deletion is in the audit log. */
async function assertNothingLost(sql: Sql, { acknowledged }: Load): Promise<void> {
  const tables = await sql<{ name: string }[]>`
    select distinct resource as name
    from jsonb_array_elements_text(${sql.json(acknowledged.map(({ resource }) => resource))})
      as write (resource)
    where to_regclass('public.' || resource) is not null`;
  assertGreater(tables.length, 3);
  const live = tables.map(({ name }) => `select '${name}', id, updated_at from public.${name}`);
  const lost = await sql`
    with records (resource, id, updated_at) as (
      ${sql.unsafe(live.join(" union all "))}
      union all
      select table_name, record_id, (record ->> 'updated_at')::timestamptz from private.trash
    )
    select write.resource, write.id::int as id, write.updated_at
    from jsonb_to_recordset(${sql.json(acknowledged.map((write) => ({ ...write })))})
      as write (resource text, id bigint, updated_at timestamptz)
    where write.resource in (${sql.unsafe(tables.map(({ name }) => `'${name}'`).join())})
      and not exists (
        select from records
        where (records.resource, records.id) = (write.resource, write.id)
          and records.updated_at >= write.updated_at
      )
      and not exists (
        select from public.audit_log
        where (table_name, record_id) = (write.resource, write.id)
          and (
            action = 'purged'
            -- A record that was merged is deleted already. A deleted key is in no trash.
            or (
              action in ('deleted', 'merged')
              and (write.updated_at is null or not exists (
                select from pg_trigger
                where tgrelid = to_regclass('public.' || write.resource)
                  and tgfoid = 'private.move_to_trash'::regproc
              ))
            )
          )
      )`;
  assertEquals([...lost], []);
}

Deno.test("killing the function and the database's backends loses, doubles and halves nothing", async () => {
  console.log(`KILL_SEED=${SEED}`);
  const start = Date.now();
  const directory = await temporaryDirectory();
  const functionLog: string[] = [];
  let stack: Stack | undefined;
  try {
    stack = await startStack({
      directory,
      environment: { CHECK_ANSWERS: "true" },
      functionLog: (line) => functionLog.push(line),
    });
    const running = stack;
    const members = await withSuperuser(running, (sql) => makeMembers(running, sql));
    const load = new Load(running);
    await load.run(members);
    assertGreater(load.kills, 4);
    assert(await waitUntil(() => hasRecovered(load), ANSWERED_WITHIN), "it does not recover");
    await withSuperuser(running, async (sql) => {
      await assertInvariants(sql, [...new Set(members.map(({ workspaceId }) => workspaceId))]);
      await assertCreatedOnce(sql, load);
      await assertNothingLost(sql, load);
    });
    assertEquals(functionLog.filter(endedByItself), []);
    console.log(`${load.answers} requests, ${load.kills} kills, ${Date.now() - start} ms`);
  } finally {
    await stack?.stop();
    await removeStackData(directory);
    await Deno.remove(directory, { recursive: true });
  }
});

/** Whether the function ended, and not by this test: 137 is the code after SIGKILL. */
function endedByItself(line: string): boolean {
  return line.includes("The function ended") && !line.includes("code 137");
}
