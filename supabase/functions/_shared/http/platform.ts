/** What the pipeline runs on: one of each per isolate. */
import type { RequestIdVariables } from "hono/request-id";
import type { TimingVariables } from "hono/timing";
import type { Authenticate, Caller } from "../authentication.ts";
import type { Database } from "../database/database.ts";
import type { Operation } from "../operation.ts";
import type { Settings } from "../settings.ts";
import type { Storage } from "../storage.ts";
import type { AuthAdmin } from "../supabaseAdmin.ts";
import type { RateLimiter } from "./rateLimit.ts";

export interface Platform {
  settings: Settings;
  /** Every operation there is. */
  operations(): Promise<readonly Operation[]>;
  authenticate: Authenticate;
  /** Throws 401 unless the headers carry the project's secret key. */
  requireSecretKey(headers: Headers): Promise<void>;
  database: Database;
  auth: AuthAdmin;
  storage: Storage;
  rateLimiter: RateLimiter;
  /** Receives the failures of an answer that has begun. */
  reportFailure(requestId: string, error: unknown): void;
  /** Set by tests: every answer and problem must be one that its operation declares. */
  checkAnswers: boolean;
}

/** What a request carries through the chain. */
export interface RequestState {
  requestId: string;
  /** Undefined for a route that does not exist. */
  operation?: Operation;
  caller?: Caller;
  timing: { databaseMs: number };
  log: {
    workspace?: string;
    /** The problem's code, and what caused an unexpected one. */
    code?: string;
    error?: string;
  };
}

/** Hono's types of the chain. */
export interface AppEnvironment {
  Bindings: object;
  Variables: { state: RequestState } & RequestIdVariables & TimingVariables;
}
