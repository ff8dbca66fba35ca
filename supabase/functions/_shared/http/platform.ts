/** Types of the pipeline: the services of an isolate, and the state of a request. */
import type { RequestIdVariables } from "hono/request-id";
import type { TimingVariables } from "hono/timing";
import type { Authenticate, Caller } from "../authentication.ts";
import type { Database } from "../database/database.ts";
import type { Network } from "../internet/internet.ts";
import type { Operation } from "../operation.ts";
import type { Settings } from "../settings.ts";
import type { Storage } from "../storage.ts";
import type { AuthAdmin } from "../supabaseAdmin.ts";
import type { RateLimiter } from "./rateLimit.ts";

/** The services that the pipeline uses. Each isolate has one of each. */
/** The services that the pipeline uses; one of each per isolate. */
export interface Platform {
  settings: Settings;
  /** Returns all operations of the API. */
  operations(): Promise<readonly Operation[]>;
  authenticate: Authenticate;
  /** Throws 401 unless the headers carry the project's secret key. */
  requireSecretKey(headers: Headers): Promise<void>;
  database: Database;
  auth: AuthAdmin;
  storage: Storage;
  /** The network for requests to the public internet. Undefined outside of tests. */
  network?: Network;
  rateLimiter: RateLimiter;
  /** Each throws a problem when its server does not answer. Cheap enough for many probes. */
  check: { database(): Promise<void>; auth(): Promise<void> };
  /** Logs an error that occurs after an answer has begun. */
  reportFailure(requestId: string, error: unknown): void;
  /** For tests: every answer and problem must match the declaration of its operation. */
  checkAnswers: boolean;
}

/** The state of one request. */
export interface RequestState {
  requestId: string;
  /** Undefined for a route that does not exist. */
  operation?: Operation;
  caller?: Caller;
  timing: { databaseMs: number };
  log: {
    workspace?: string;
    /** The code of the problem that was answered. */
    code?: string;
    /** The cause of a problem with status 500 or above, or the origin that was refused. */
    error?: string;
  };
}

/** Type parameters for Hono. */
export interface AppEnvironment {
  Bindings: object;
  Variables: { state: RequestState } & RequestIdVariables & TimingVariables;
}
