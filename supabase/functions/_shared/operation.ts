/**
 * Operations. The HTTP route, the OpenAPI document, the SDK's method, the permission table and the
 * generated tests are all derived from the operation.
 *
 * An operation is a plain object. Its `run` takes validated input, and returns the output or throws
 * a `Problem`. Its other members are data that is declared once: the path and method, who may call
 * it, whether it supports `If-Match` and dry runs, and its problems. `facts.ts` derives further
 * facts from them. The kinds of operations differ in the context that `run` gets:
 * - `plain`: no database (health, documents);
 * - `read`: a read-only transaction as the caller;
 * - `list`: the same, for a list with filters, pages and exports;
 * - `write`: one read-write transaction as the caller;
 * - `saga`: several such transactions, with calls to the auth or storage server between them;
 * - `job`: transactions as the gateway's role, for a scheduler with the secret key.
 */
import type * as z from "zod";
import type { Member, Sql } from "./database/database.ts";
import type { Network } from "./internet/internet.ts";
import type { Listing, ListQuery } from "./list/list.ts";
import type { ProblemCode } from "./problem.ts";
import type { JsonText, Reply, StreamReply } from "./reply.ts";
import type { Settings } from "./settings.ts";
import type { Storage } from "./storage.ts";
import type { AuthAdmin } from "./supabaseAdmin.ts";

export { JsonText, Reply, StreamReply } from "./reply.ts";

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** The credential of a request: none, a member's access token, or the secret key. */
type Access = "anyone" | "member" | "service";

/**
 * The members who may call an operation:
 * - `member`: every active member, for every record;
 * - `owner`: the owner of each changed record, managers and admins;
 * - `self`: the user whose id is in the request, and admins;
 * - `manager`: managers and admins;
 * - `admin`: admins.
 */
export type Allowed = "member" | "owner" | "self" | "manager" | "admin";

/** The validated parts of a request. */
export interface Input<Params, Query, Body> {
  params: Params;
  query: Query;
  body: Body;
  /** The entity tags of `If-Match`, without quotes. Undefined when the header is absent or `*`. */
  ifMatch?: string[];
  /** The header `Accept`. */
  accept?: string;
}

interface ReadContext {
  sql: Sql;
}
export interface WriteContext extends ReadContext {
  member: Member;
  storage: Storage;
  /** Whether the transaction is rolled back at its end. */
  dryRun: boolean;
}
/**
 * Runs the work in one transaction as a member. `dryRun` rolls it back at its end. `repeatable` work
 * runs again when the connection is lost.
 */
export type Transaction = <Value>(
  work: (sql: Sql, member: Member) => Promise<Value>,
  options?: { dryRun?: boolean; repeatable?: boolean },
) => Promise<Value>;

export interface SagaContext {
  settings: Settings;
  auth: AuthAdmin;
  storage: Storage;
  dryRun: boolean;
  /** As the caller. */
  transaction: Transaction;
  /** The same, with a time limit for each transaction: for work in steps, and for streams. */
  step: Transaction;
  /** Starts work that continues after the answer. The platform may end it at any moment. */
  background(work: () => Promise<void>): void;
}
export interface JobContext {
  requestId: string;
  settings: Settings;
  storage: Storage;
  /** The network for requests to the public internet. Undefined outside of tests. */
  network?: Network;
  /** Runs the work in one transaction as the gateway's role. */
  transaction<Value>(work: (sql: Sql) => Promise<Value>): Promise<Value>;
  /**
   * Returns the function that runs transactions as the member of a user, for work that this member
   * has begun. Each transaction checks the membership, as that of a request does.
   */
  asMember(userId: string): Transaction;
}
interface PlainContext {
  settings: Settings;
  /** Returns all operations of the API, for documents about them. */
  operations(): Promise<readonly Operation[]>;
  /** Each throws a problem when its server does not answer. */
  check: { database(): Promise<void>; auth(): Promise<void> };
}

/** One form of a body that has several, with its answer. The schemas of forms have a title. */
export interface BodyForm {
  body: z.ZodType;
  output: z.ZodType;
  /** A valid example, for the documents and the generated tests. */
  example: unknown;
}

/** The declared data of an operation. */
export interface Declaration<
  Params extends z.ZodType = z.ZodType,
  Query extends z.ZodType = z.ZodType,
  Body extends z.ZodType = z.ZodType,
  Result extends z.ZodType = z.ZodType,
> {
  /** `<resource>.<method>`: the `operationId`, and the name of the SDK's method. */
  id: `${string}.${string}`;
  method: Method;
  /** Path below `/api`, or below `/` for the surface `atomic`, with parameters such as `:id`. */
  path: `/${string}`;
  summary: string;
  description?: string;
  access: Access;
  /** Readable by pages of every origin, for what is public. */
  anyOrigin?: true;
  /** Default: `member`. */
  allowed?: Allowed;
  /** Not open to API keys. Default: open to keys with the scope of the operation. */
  keys?: false;
  /** Field of the answer that is shown once: an answer that is stored for a repetition lacks it. */
  shownOnce?: string;
  /** Body fields with a permission of their own: field → members who may send it. */
  restricted?: Readonly<Record<string, Allowed>>;
  /** Supports `If-Match`. Operations without it refuse the header. */
  ifMatch?: true;
  /** The part of the request that has a field `dry_run`, which rolls all changes back. */
  dryRun?: "body" | "query";
  params?: Params;
  query?: Query;
  body?: Body;
  /** The forms of a body that has several. `body` and `output` are their unions. */
  forms?: readonly BodyForm[];
  /**
   * Returns the number of records that a body asks to write, for the rate limit. Undefined when the
   * work finds it out, and tells it in its `Reply`.
   */
  recordsIn?: (body: z.output<Body>) => number | undefined;
  /** Maximum size of the request's body. Default: 1 MB. */
  maximumBytes?: number;
  output: Result;
  /** Media type of a successful answer that is a file. Default: JSON. */
  contentType?: "text/csv";
  /** Answers with server-sent events to `Accept: text/event-stream`. */
  events?: true;
  /** Status of a successful answer. Default: 200. */
  status?: 200 | 201 | 202 | 204;
  /**
   * Can also answer 207 (RFC 4918, section 13), with the same schema and one outcome per record.
   */
  multiStatus?: true;
  /** Problems that cannot be derived from the rest of the declaration. */
  problems?: readonly ProblemCode[];
  /**
   * `atomic`: a path and schemas of Atomic CRM, outside of `/api` and of the SDK. Default: `api`.
   */
  surface?: "api" | "atomic";
  /** A valid example of the body, for the documents and the generated tests. */
  example?: z.input<Body>;
  /** A valid example of the query when a parameter is required, for the generated tests. */
  queryExample?: Record<string, string>;
  /** Returns the relative address of the created record, for the header `Location`. */
  location?: (output: z.input<Result>) => string;
}

type Run<C, P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, R extends z.ZodType> = (
  context: C,
  input: Input<z.output<P>, z.output<Q>, z.output<B>>,
) => Promise<z.input<R> | JsonText | Reply | StreamReply>;

type ErasedRun<C> = (context: C, input: Input<unknown, unknown, unknown>) => Promise<unknown>;

/**
 * An operation without the types of its input and output, as the registry and the pipeline use it.
 */
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
 * Erases the types of an operation's input and output. This is safe, since the pipeline passes
 * `run` only input that the operation's own schemas have parsed.
 */
function erased(operation: object): Operation {
  return operation as Operation;
}

/** Declares an operation that needs no database. */
export const plain: Declare<PlainContext> = declare("plain");

/** Declares an operation that reads as the caller. */
export const read: Declare<ReadContext> = declare("read");

/** Declares an operation that changes records as the caller, in one transaction. */
export const write: Declare<WriteContext> = declare("write");

/**
 * Declares an operation that calls the auth or storage server between its transactions. It must be
 * repeatable: it writes its intent before the call.
 */
export const saga: Declare<SagaContext> = declare("saga");

/** Declares work that a scheduler repeats. Two runs at the same time must do no harm. */
export function job<R extends z.ZodType>(
  declaration: Omit<Declaration<z.ZodType, z.ZodType, z.ZodType, R>, "access" | "method"> & {
    run: (context: JobContext) => Promise<z.input<R>>;
  },
): Operation {
  return erased({ ...declaration, access: "service", method: "POST", kind: "job" });
}

/** The declared data of a list operation. The rest is derived from the list `of`. */
interface ListDeclaration<Params extends z.ZodType> extends
  Pick<
    Declaration<Params>,
    | "id"
    | "path"
    | "summary"
    | "description"
    | "params"
    | "problems"
    | "surface"
    | "allowed"
    | "keys"
  > {
  of: Listing;
  /** Replaces the default, which answers one page of the list. */
  run?: (
    context: ReadContext,
    input: Input<z.output<Params>, ListQuery, unknown>,
  ) => Promise<Reply>;
}

/**
 * Declares a list operation. Its query, pages, exports and documentation come from the list `of`.
 */
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
