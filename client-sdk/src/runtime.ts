/** Sends the calls: sign-in, timeouts, retries, errors. Web standards only, no dependencies. */
import { type Query, queryString } from "./address.ts";
import { Call, type Page, PageCall, type WithResponse } from "./call.ts";
import { PorticoConnectionError, PorticoError, PorticoTimeoutError } from "./errors.ts";

export interface ClientOptions {
  /** Address of the API: `https://<project>.supabase.co/functions/v1/api`. */
  url: string;
  /** Returns the caller's access token; asked before every request, and again when it has expired. */
  token?: () => string | null | undefined | Promise<string | null | undefined>;
  /** The project's publishable key, sent as `apikey`. */
  apiKey?: string;
  /** Instead of the global `fetch`. */
  fetch?: typeof fetch;
  /** Sent with every request. */
  headers?: Record<string, string>;
  /** Time for one attempt, 30,000 unless said. */
  timeoutMs?: number;
  /** Attempts after the first one, 2 unless said. */
  maxRetries?: number;
}

/** Options of one call; they go before the client's. */
export interface CallOptions {
  /** Ends the call; it then rejects with the signal's reason. */
  signal?: AbortSignal;
  timeoutMs?: number;
  maxRetries?: number;
  /** For POST; a random one unless said. The same key never takes effect twice. */
  idempotencyKey?: string;
  /** For PATCH: the ETag or `updated_at` of the record as you know it. */
  ifMatch?: string;
  headers?: Record<string, string>;
}

export interface Request {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  path: string;
  query?: Query;
  body?: unknown;
  options?: CallOptions;
}

const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_RETRIES = 2;
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 60_000;

/** The connection that the resources of a client share. */
export class Transport {
  readonly #options: ClientOptions;
  readonly #url: string;

  /** Throws TypeError when `url` is no http address. */
  constructor(options: ClientOptions) {
    if (!/^https?:$/.test(new URL(options.url).protocol)) {
      throw new TypeError(`"${options.url}" is not an http or https address.`);
    }
    this.#options = options;
    this.#url = options.url.replace(/\/+$/, "");
  }

  /** Makes a call; it is under way when this returns. */
  call<Data>(request: Request): Call<Data> {
    return new Call(this.#send<Data>(request));
  }

  /** Makes a call that answers a page of a list. */
  list<Item>(request: Request): PageCall<Item> {
    return new PageCall(
      this.#send<Page<Item>>(request),
      (cursor) => this.list({ ...request, query: { ...request.query, cursor } }),
    );
  }

  async #send<Data>(request: Request): Promise<WithResponse<Data>> {
    const { options = {} } = request;
    const key = request.method === "POST"
      ? options.idempotencyKey ?? crypto.randomUUID()
      : undefined;
    const retries = options.maxRetries ?? this.#options.maxRetries ?? DEFAULT_RETRIES;
    let tokenRenewed = false;
    for (let attempt = 0;; attempt++) {
      try {
        return await this.#attempt<Data>(request, key);
      } catch (error) {
        if (isExpired(error) && this.#options.token && !tokenRenewed) {
          tokenRenewed = true;
          attempt--;
          continue;
        }
        const delay = delayBefore(attempt, error);
        if (attempt >= retries || !mayRepeat(request, error) || delay > LONGEST_DELAY_MS) {
          throw error;
        }
        await wait(delay, options.signal);
      }
    }
  }

  async #attempt<Data>(request: Request, key: string | undefined): Promise<WithResponse<Data>> {
    const { method, path, query = {}, body, options = {} } = request;
    const headers = await this.#headers(request, key);
    const timeoutMs = options.timeoutMs ?? this.#options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    const deadline = new Deadline(timeoutMs, options.signal);
    const { fetch = globalThis.fetch } = this.#options;
    try {
      const response = await fetch(this.#url + path + queryString(query), {
        method,
        headers,
        body: body === undefined ? undefined : JSON.stringify(body),
        signal: deadline.signal,
      });
      return resultOf<Data>(response, parse(await response.text()));
    } catch (error) {
      if (error instanceof PorticoError) throw error;
      throw deadline.explain(error);
    } finally {
      deadline.clear();
    }
  }

  async #headers(request: Request, key: string | undefined): Promise<Headers> {
    const { apiKey, token } = this.#options;
    const { ifMatch, headers } = request.options ?? {};
    const accessToken = await token?.();
    const sent = new Headers({ accept: "application/json" });
    if (request.body !== undefined) sent.set("content-type", "application/json");
    if (apiKey) sent.set("apikey", apiKey);
    if (accessToken) sent.set("authorization", `Bearer ${accessToken}`);
    if (key) sent.set("idempotency-key", key);
    if (ifMatch) sent.set("if-match", /^(W\/)?"|^\*$/.test(ifMatch) ? ifMatch : `"${ifMatch}"`);
    for (const [name, value] of Object.entries({ ...this.#options.headers, ...headers })) {
      sent.set(name, value);
    }
    return sent;
  }
}

/** A timeout joined with the caller's signal. */
class Deadline {
  readonly #controller = new AbortController();
  readonly #timer: ReturnType<typeof setTimeout>;
  readonly #outer: AbortSignal | undefined;
  readonly #follow = () => this.#controller.abort(this.#outer?.reason);
  readonly #timeoutMs: number;
  #passed = false;

  constructor(timeoutMs: number, outer: AbortSignal | undefined) {
    this.#timeoutMs = timeoutMs;
    this.#outer = outer;
    this.#timer = setTimeout(() => {
      this.#passed = true;
      this.#controller.abort();
    }, timeoutMs);
    if (outer?.aborted) this.#follow();
    else outer?.addEventListener("abort", this.#follow);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** What to throw for what fetch threw. */
  explain(cause: unknown): unknown {
    if (this.#outer?.aborted) return this.#outer.reason;
    if (this.#passed) {
      const seconds = this.#timeoutMs / 1000;
      return new PorticoTimeoutError(`No answer came within ${seconds} s.`, { cause });
    }
    return new PorticoConnectionError("The API could not be reached.", { cause });
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#outer?.removeEventListener("abort", this.#follow);
  }
}

/** The one place where an answer gets its type: the API's document says so. */
function resultOf<Data>(response: Response, body: unknown): WithResponse<Data> {
  if (!response.ok) throw new PorticoError(response, body);
  return {
    data: body as Data,
    response,
    etag: response.headers.get("etag") ?? undefined,
    requestId: response.headers.get("x-request-id") ?? undefined,
  };
}

/** JSON as its value; anything else (an error page of a proxy) as its text. */
function parse(text: string): unknown {
  try {
    return text === "" ? undefined : JSON.parse(text);
  } catch {
    return text;
  }
}

function isExpired(error: unknown): boolean {
  return error instanceof PorticoError && error.code === "token_expired";
}

/**
 * Whether the same request may be sent again. A POST carries its idempotency key, so it never takes
 * effect twice; a PATCH could undo what others changed meanwhile, so it is repeated only when the
 * first one was turned away (429).
 */
function mayRepeat(request: Request, error: unknown): boolean {
  const repeatable = ["GET", "POST", "DELETE"].includes(request.method);
  if (error instanceof PorticoConnectionError) return repeatable;
  if (!(error instanceof PorticoError)) return false;
  const { status, code } = error;
  if (status === 429) return true;
  return repeatable && (status === 408 || status >= 500 || code === "request_in_flight");
}

/** `Retry-After` when it is there, else twice as long each time, with jitter. */
function delayBefore(attempt: number, error: unknown): number {
  const after = error instanceof PorticoError ? error.headers.get("retry-after") : null;
  const seconds = Number(after ?? NaN);
  if (seconds >= 0) return seconds * 1000;
  const date = Date.parse(after ?? "");
  if (!Number.isNaN(date)) return Math.max(0, date - Date.now());
  return FIRST_DELAY_MS * 2 ** attempt * (0.5 + Math.random() / 2);
}

function wait(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, milliseconds);
    if (signal?.aborted) abort();
    else signal?.addEventListener("abort", abort, { once: true });
  });
}
