/**
 * The database as its callers see it: statements under a role and its claims, as PostgREST and the
 * gateway run them.
 *
 *     const { admin, workspace_id } = await foundWorkspace();
 *     const [contact] = await asCaller(admin, (tx) => tx`insert into contacts … returning *`);
 *
 * Triggers of auth.users make the members. Tests that need access tokens use workspace.ts. Register
 * tests by `test()` of that module, because `sql` stays open after them.
 */
import postgres from "postgres";
import { only } from "./exactly.ts";
import { freshEmail, openDatabase, type Role } from "./workspace.ts";

/** A connection as superuser, for preparing rows and for assertions. */
export const sql = await openDatabase({
  max: 6,
  // Returns ids as numbers, like the Data API.
  types: { bigint: { to: 20, from: [20], parse: Number, serialize: String } },
});

/** A row of any shape. */
// deno-lint-ignore no-explicit-any
export type Row = Record<string, any>;
export type Transaction = postgres.TransactionSql<{ bigint: number }>;

/** The caller of a statement: a database role, and the user of a token if there is one. */
export interface Caller {
  claims: { role: "anon" | "authenticated" | "service_role"; sub?: string };
}

/** A member of a workspace. */
export interface Member extends Caller {
  /** Id in `sales`. */
  id: number;
  user_id: string;
  email: string;
  workspace_id: string;
}

/** A workspace with the member who founded it. */
export interface Tenant {
  workspace_id: string;
  admin: Member;
  /** Adds a member by an invitation. */
  join(role: Role, disabled?: boolean): Promise<Member>;
}

/** A caller with the publishable key, who is not signed in. */
export const anonymous: Caller = { claims: { role: "anon" } };

/** A script with the secret key. */
export const service: Caller = { claims: { role: "service_role" } };

/** Makes an auth user who founds a workspace. */
export async function foundWorkspace(): Promise<Tenant> {
  const admin = await addUser({});
  const { workspace_id } = admin;
  return {
    workspace_id,
    admin,
    join: (role, disabled = false) => addMember(workspace_id, role, disabled),
  };
}

/** Runs work in one transaction as a caller, and commits it. */
export async function asCaller<T>(
  caller: Caller,
  work: (tx: Transaction) => PromiseLike<T>,
): Promise<T> {
  // postgres.js types the result of begin() for arrays of queries.
  return await sql.begin(async (tx) => {
    await become(tx, caller);
    return await work(tx);
  }) as T;
}

/** Runs the rest of a transaction, or of a savepoint, as a caller. */
export async function become(
  tx: Transaction | postgres.ReservedSql<{ bigint: number }>,
  { claims }: Caller,
): Promise<void> {
  await tx`
    select
      set_config('request.jwt.claims', ${JSON.stringify(claims)}, true),
      set_config('role', ${claims.role}, true)`;
}

/** The error with which the database refused a statement. */
export interface Refusal {
  code: string;
  detail: string | undefined;
}

/** Returns the refusal of a statement. Throws when it is not refused. */
export async function refusalOf(work: PromiseLike<unknown>): Promise<Refusal> {
  try {
    await work;
  } catch (error) {
    if (error instanceof postgres.PostgresError) return { code: error.code, detail: error.detail };
    throw error;
  }
  throw new Error("Nothing was refused.");
}

/** Runs work in a transaction that is rolled back afterwards. */
export async function rolledBack<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
  let result: { value: T } | undefined;
  const done = new Error("rolled back");
  await sql.begin(async (tx) => {
    result = { value: await work(tx) };
    throw done;
  }).catch((error) => {
    if (error !== done) throw error;
  });
  if (!result) throw done;
  return result.value;
}

/** A caller's transaction that stays open until it commits or goes out of scope. */
export interface Session extends AsyncDisposable {
  connection: postgres.ReservedSql<{ bigint: number }>;
  /** Waits until the session waits for a lock of another one. Throws when it never does. */
  isBlocked(): Promise<void>;
  commit(): Promise<void>;
}

/** Begins a transaction on a separate connection, for tests of concurrent transactions. */
export async function openSession(caller: Caller): Promise<Session> {
  const connection = await sql.reserve();
  await connection`begin`;
  await become(connection, caller);
  const { pid } = only(await connection<{ pid: number }[]>`select pg_backend_pid() as pid`);
  return {
    connection,
    isBlocked: () => waitsForLock(pid),
    async commit() {
      await connection`commit`;
    },
    async [Symbol.asyncDispose]() {
      await connection`rollback`;
      connection.release();
    },
  };
}

async function waitsForLock(pid: number): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (Date.now() < deadline) {
    const [row] = await sql<{ blocked: boolean }[]>`
      select cardinality(pg_blocking_pids(${pid})) > 0 as blocked`;
    if (row?.blocked) return;
  }
  throw new Error("The session does not wait for a lock.");
}

/** Inserts one row into a table of `public` as the superuser. Returns the row. */
export async function insertRow(table: string, values: Row): Promise<Row> {
  const [row] = await sql`insert into ${sql("public." + table)} ${sql(values)} returning *`;
  if (!row) throw new Error(`${table} took no row.`);
  return row;
}

async function addMember(workspace_id: string, role: Role, disabled: boolean): Promise<Member> {
  const id = crypto.randomUUID();
  const email = freshEmail();
  await sql`
    insert into public.invitations (id, workspace_id, email, role, disabled, accepted_at)
    values (${id}, ${workspace_id}, ${email}, ${role}, ${disabled}, now())`;
  return await addUser({ id, email });
}

async function addUser(given: { id?: string; email?: string }): Promise<Member> {
  const id = given.id ?? crypto.randomUUID();
  const email = given.email ?? freshEmail();
  await sql`insert into auth.users (id, email) values (${id}, ${email})`;
  const [member] = await sql<{ id: number; workspace_id: string }[]>`
    select id, workspace_id from public.sales where user_id = ${id}`;
  if (!member) throw new Error(`${email} is no member.`);
  return { ...member, user_id: id, email, claims: { role: "authenticated", sub: id } };
}
