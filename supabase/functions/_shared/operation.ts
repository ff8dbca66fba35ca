/**
 * The operation: the unit that everything else is derived from: the HTTP route with its pipeline, the
 * OpenAPI document, the SDK's method, the permission table and the security tests.
 *
 * An operation is a plain object that knows no HTTP: `run` takes validated input, does its own queries,
 * and returns the output or throws a `Problem`. What else there is to know of it is data, declared once:
 * who may call it, whether it honours `If-Match`, whether it has a dry run, which problems it answers.
 * `facts.ts` derives the rest. Kinds differ in what `run` gets:
 * - `plain`: no database (health, documents);
 * - `read`: a read-only transaction as the caller;
 * - `list`: the same, for a list with filters, pages and exports;
 * - `write`: one read-write transaction as the caller, for everything that the request changes;
 * - `saga`: as many such transactions as it opens, for work that the auth server takes part in;
 * - `job`: transactions as the gateway itself, for a scheduler with the secret key.
 */
import type * as z from "zod";
import type { Caller } from "./authentication.ts";
import type { Member, Sql } from "./database/database.ts";
import type { Listing, ListQuery } from "./list/list.ts";
import type { ProblemCode } from "./problem.ts";
import type { JsonText, Reply } from "./reply.ts";
import type { Settings } from "./settings.ts";
import type { Storage } from "./storage.ts";
import type { AuthAdmin } from "./supabaseAdmin.ts";

export { JsonText, Reply } from "./reply.ts";

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** How a request proves who sends it: not at all, by a member's access token, by the secret key. */
export type Access = "anyone" | "member" | "service";

/**
 * Which members may do it:
 * - `member`: every active member, to every record;
 * - `owner`: the owner of each record that it changes, managers and admins;
 * - `self`: the user that the request names, and admins;
 * - `manager`: managers and admins;
 * - `admin`: admins.
 */
export type Allowed = "member" | "owner" | "self" | "manager" | "admin";

export interface Input<Params, Query, Body> {
  params: Params;
  query: Query;
  body: Body;
  /** The entity tags of `If-Match`, without quotes; undefined when the header is absent or `*`. */
  ifMatch?: string[];
}

interface CallerContext {
  caller: Caller;
  requestId: string;
  settings: Settings;
}
export interface ReadContext extends CallerContext {
  sql: Sql;
}
export interface WriteContext extends ReadContext {
  member: Member;
  storage: Storage;
  /** Whether the transaction is rolled back at its end. */
  dryRun: boolean;
}
export interface SagaContext extends CallerContext {
  auth: AuthAdmin;
  storage: Storage;
  dryRun: boolean;
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
  requestId: string;
  /** Every operation there is, for documents about them. */
  operations(): Promise<readonly Operation[]>;
  /** Throws a problem when the database, or the auth server, does not answer. */
  check: { database(): Promise<void>; auth(): Promise<void> };
}

/** What an operation says of itself. */
export interface Declaration<
  Params extends z.ZodType = z.ZodType,
  Query extends z.ZodType = z.ZodType,
  Body extends z.ZodType = z.ZodType,
  Result extends z.ZodType = z.ZodType,
> {
  /** `<resource>.<method>`: the operationId, and the SDK's method. */
  id: `${string}.${string}`;
  method: Method;
  /** Below `/api`, or below `/` on the surface `atomic`; parameters as `:id`. */
  path: `/${string}`;
  summary: string;
  description?: string;
  access: Access;
  /** Every member unless it says otherwise. */
  allowed?: Allowed;
  /** Fields of the body that fewer members may send: field → who. */
  restricted?: Readonly<Record<string, Allowed>>;
  /** Honours `If-Match`. An operation that does not say so refuses the header. */
  ifMatch?: true;
  /** The part of the request whose `dry_run` asks for the result without the change. */
  dryRun?: "body" | "query";
  params?: Params;
  query?: Query;
  body?: Body;
  output: Result;
  /** Status of success; 200 unless it says otherwise. */
  status?: 200 | 201 | 202 | 204;
  /** Also answers 207 (RFC 4918, section 13) in the same shape, with an outcome for each record. */
  multiStatus?: true;
  /** Problems that do not follow from the rest of the declaration. */
  problems?: readonly ProblemCode[];
  /** `atomic`: an address and shapes of Atomic CRM, mounted beside `/api`, not in the SDK. */
  surface?: "api" | "atomic";
  /** Example of the body, for the documents and the generated tests: it must be valid. */
  example?: z.input<Body>;
  /** Example of the query where a parameter is required, for the generated tests. */
  queryExample?: Record<string, string>;
  /** Relative address of what was created, for `Location`. */
  location?: (output: z.input<Result>) => string;
}

type Run<C, P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, R extends z.ZodType> = (
  context: C,
  input: Input<z.output<P>, z.output<Q>, z.output<B>>,
) => Promise<z.input<R> | JsonText | Reply>;

type ErasedRun<C> = (context: C, input: Input<unknown, unknown, unknown>) => Promise<unknown>;

/** An operation with its types erased, as the registry and the pipeline hold it. */
export type Operation =
  & Declaration
  & (
    | { kind: "plain"; run: ErasedRun<PlainContext> }
    | { kind: "read"; run: ErasedRun<ReadContext> }
    | { kind: "list"; run: ErasedRun<ReadContext>; of: Listing }
    | { kind: "write"; run: ErasedRun<WriteContext> }
    | { kind: "saga"; run: ErasedRun<SagaContext> }
    | { kind: "job"; run: ErasedRun<JobContext> }
  );

type Declare<C> = <
  P extends z.ZodType,
  Q extends z.ZodType,
  B extends z.ZodType,
  R extends z.ZodType,
>(declaration: Declaration<P, Q, B, R> & { run: Run<C, P, Q, B, R> }) => Operation;

function declare<C>(kind: Operation["kind"]): Declare<C> {
  return (declaration) => erased({ ...declaration, kind });
}

/**
 * The one place where the types of an operation's input and output are given up: the pipeline hands
 * `run` only what these very schemas have parsed.
 */
function erased(operation: object): Operation {
  return operation as Operation;
}

/** Declares an operation that needs no database. */
export const plain: Declare<PlainContext> = declare("plain");

/** Declares an operation that only reads. */
export const read: Declare<ReadContext> = declare("read");

/** Declares an operation that changes records, in one transaction. */
export const write: Declare<WriteContext> = declare("write");

/** Declares an operation that the auth server takes part in: repeatable, with intent written first. */
export const saga: Declare<SagaContext> = declare("saga");

/** Declares work at intervals: repeatable, harmless when two run at once. */
export function job<R extends z.ZodType>(
  declaration: Omit<Declaration<z.ZodType, z.ZodType, z.ZodType, R>, "access" | "method"> & {
    run: (context: JobContext) => Promise<z.input<R>>;
  },
): Operation {
  return erased({ ...declaration, access: "service", method: "POST", kind: "job" });
}

/** What a list says of itself; the rest follows from the list that it is `of`. */
interface ListDeclaration<Params extends z.ZodType> extends
  Pick<
    Declaration<Params>,
    "id" | "path" | "summary" | "description" | "params" | "problems" | "surface"
  > {
  of: Listing;
  /** Instead of one page of the whole list. */
  run?: (
    context: ReadContext,
    input: Input<z.output<Params>, ListQuery, unknown>,
  ) => Promise<Reply>;
}

/** Declares a list: its query, pages, exports and documentation follow from what it is `of`. */
export function list<Params extends z.ZodType>(declaration: ListDeclaration<Params>): Operation {
  const { of } = declaration;
  return erased({
    run: ({ sql }: ReadContext, { query }: Input<unknown, ListQuery, unknown>) =>
      of.answer(sql, query),
    ...declaration,
    kind: "list",
    method: "GET",
    access: "member",
    query: of.query,
    output: of.page,
  });
}
