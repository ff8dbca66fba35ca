/**
 * The operation: the unit that everything else is derived from: the HTTP route with its pipeline, the
 * OpenAPI document, the SDK's method, the permission table and the security tests.
 *
 * An operation knows no HTTP: `run` gets validated input, does its own queries, returns the output or
 * throws a `Problem`. Five kinds differ in what `run` gets:
 * - `plain`: no database (health, documents);
 * - `read`: a read-only transaction as the caller;
 * - `write`: one read-write transaction as the caller, for everything that the request changes;
 * - `saga`: as many such transactions as it opens, for work that the auth server shares in;
 * - `job`: transactions as the gateway itself, for work at intervals that a scheduler asks for with
 *   the secret key.
 */
import type * as z from "zod";
import type { Caller } from "./authentication.ts";
import type { Member, Sql } from "./database/database.ts";
import type { Listing } from "./list/list.ts";
import type { ProblemCode } from "./problem.ts";
import type { JsonText, Reply } from "./reply.ts";
import type { Settings } from "./settings.ts";
import type { Storage } from "./storage.ts";
import type { AuthAdmin } from "./supabaseAdmin.ts";

export { JsonText, Reply } from "./reply.ts";

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
/** Who may call: `member` = every active member, whatever the role; `service` = the secret key. */
export type Access = "anyone" | "member" | "admin" | "service";

export interface Input<Params, Query, Body> {
  params: Params;
  query: Query;
  body: Body;
  /** The entity tags of `If-Match`, without quotes; undefined when the header is absent. */
  ifMatch?: string[];
}

export interface Context {
  caller: Caller;
  requestId: string;
  /** Aborted when the client has gone; asked for only by work that is worth stopping. */
  signal(): AbortSignal;
  settings: Settings;
}
export interface ReadContext extends Context {
  sql: Sql;
}
export interface WriteContext extends ReadContext {
  member: Member;
  storage: Storage;
  /** Queues work for after the commit; its failure is logged and changes no answer. */
  after(work: () => Promise<void>): void;
}
export interface SagaContext extends Context {
  auth: AuthAdmin;
  storage: Storage;
  /** One transaction as the caller; rolled back at its end when `dryRun` is set. */
  transaction<Value>(
    work: (sql: Sql, member: Member) => Promise<Value>,
    options?: { dryRun?: boolean },
  ): Promise<Value>;
}
export interface JobContext {
  requestId: string;
  settings: Settings;
  storage: Storage;
  /** One transaction as the gateway's own role, which may call functions of its schema alone. */
  transaction<Value>(work: (sql: Sql) => Promise<Value>): Promise<Value>;
}
export interface PlainContext {
  settings: Settings;
  /** Every operation there is, for documents about them. */
  operations: readonly Operation[];
  requestId: string;
  /** Throws a problem when the database, or the auth server, does not answer. */
  check: { database(): Promise<void>; auth(): Promise<void> };
}

type Output<Schema extends z.ZodType> = z.input<Schema> | JsonText | Reply;

interface Declaration<
  Params extends z.ZodType,
  Query extends z.ZodType,
  Body extends z.ZodType,
  Result extends z.ZodType,
> {
  /** `<resource>.<method>`: the operationId, and the SDK's method. */
  id: `${string}.${string}`;
  method: Method;
  /** Below `/api`, or below `/` on the surface `atomic`; parameters as `:id`. */
  path: `/${string}`;
  summary: string;
  description?: string;
  access: Access;
  /** Who may do it to which record, where `access` alone does not say it; for the docs. */
  permission?: string;
  params?: Params;
  query?: Query;
  body?: Body;
  output: Result;
  /** Status of success, 200 unless said. */
  status?: 200 | 201 | 202 | 204;
  /** Also answers 207 (RFC 4918, section 13) in the same shape, with an outcome for each record. */
  multiStatus?: boolean;
  /** Problems of its own, beside those that every operation shares; for the docs. */
  problems?: ProblemCode[];
  /** `atomic`: an address and shapes of Atomic CRM, mounted beside `/api`, not in the SDK. */
  surface?: "api" | "atomic";
  /** Example of the body, for the docs and the generated tests: it must be valid. */
  example?: z.input<Body>;
  /** Example of the query where it has a parameter that is required, for the generated tests. */
  queryExample?: Record<string, string>;
  /** Relative address of what was created, for `Location`. */
  location?: (output: z.input<Result>) => string;
}

type Run<C, P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, R extends z.ZodType> = (
  context: C,
  input: Input<z.output<P>, z.output<Q>, z.output<B>>,
) => Promise<Output<R>>;

/** An operation with its types erased, as the registry and the pipeline hold it. */
export type Operation =
  & Declaration<z.ZodType, z.ZodType, z.ZodType, z.ZodType>
  & (
    | { kind: "plain"; run: ErasedRun<PlainContext> }
    | { kind: "read"; run: ErasedRun<ReadContext>; listing?: Listing }
    | { kind: "write"; run: ErasedRun<WriteContext> }
    | { kind: "saga"; run: ErasedRun<SagaContext> }
    | { kind: "job"; run: ErasedRun<JobContext> }
  );
type ErasedRun<C> = (context: C, input: Input<unknown, unknown, unknown>) => Promise<unknown>;

/** Declares an operation that needs no database. */
export function plain<
  P extends z.ZodType,
  Q extends z.ZodType,
  B extends z.ZodType,
  R extends z.ZodType,
>(
  declaration: Declaration<P, Q, B, R> & { run: Run<PlainContext, P, Q, B, R> },
): Operation {
  return erase({ ...declaration, kind: "plain" });
}

/** Declares an operation that only reads. */
export function read<
  P extends z.ZodType,
  Q extends z.ZodType,
  B extends z.ZodType,
  R extends z.ZodType,
>(
  declaration: Declaration<P, Q, B, R> & { run: Run<ReadContext, P, Q, B, R>; listing?: Listing },
): Operation {
  return erase({ ...declaration, kind: "read" });
}

/** Declares an operation that changes records, in one transaction. */
export function write<
  P extends z.ZodType,
  Q extends z.ZodType,
  B extends z.ZodType,
  R extends z.ZodType,
>(
  declaration: Declaration<P, Q, B, R> & { run: Run<WriteContext, P, Q, B, R> },
): Operation {
  return erase({ ...declaration, kind: "write" });
}

/** Declares an operation that the auth server shares in: repeatable, with intent written first. */
export function saga<
  P extends z.ZodType,
  Q extends z.ZodType,
  B extends z.ZodType,
  R extends z.ZodType,
>(
  declaration: Declaration<P, Q, B, R> & { run: Run<SagaContext, P, Q, B, R> },
): Operation {
  return erase({ ...declaration, kind: "saga" });
}

/** Declares work at intervals: repeatable, harmless when two run at once. */
export function job<
  P extends z.ZodType,
  Q extends z.ZodType,
  B extends z.ZodType,
  R extends z.ZodType,
>(
  declaration: Omit<Declaration<P, Q, B, R>, "access"> & { run: Run<JobContext, P, Q, B, R> },
): Operation {
  return erase({ ...declaration, access: "service", kind: "job" });
}

/**
 * The one place where the types of an operation's input and output are given up: the pipeline hands
 * `run` only what these very schemas have parsed.
 */
function erase(declaration: object): Operation {
  return declaration as Operation;
}
