/** Sends requests, with access tokens, timeouts, retries and errors. Uses web standards only. */
import { queryString } from "./address.ts";
import { Call, type Page, PageCall, type WithResponse } from "./call.ts";
import { PorticoConnectionError, PorticoError, PorticoTimeoutError } from "./errors.ts";

export interface ClientOptions {
  /** Address of the API: `https://<project>.supabase.co/functions/v1/api`. */
  url: string;
  /** Returns the access token. Called before every request, and once more when it has expired. */
  token?: () => string | null | undefined | Promise<string | null | undefined>;
  /** The project's publishable key, sent as `apikey`. */
  apiKey?: string;
  /** Replaces the global `fetch`. */
  fetch?: typeof fetch;
  /** Headers of every request. */
  headers?: Record<string, string>;
  /** Timeout of one attempt in milliseconds. Default: 30,000. */
  timeoutMs?: number;
  /** Number of attempts after the first one. Default: 2. */
  maxRetries?: number;
}

/** Options of one call. They take precedence over those of the client. */
export interface CallOptions {
  /** Aborts the call, which then rejects with the signal's reason. */
  signal?: AbortSignal;
  timeoutMs?: number;
  maxRetries?: number;
  /** For POST: requests with the same key take effect once. Default: a random key per call. */
  idempotencyKey?: string;
  /**
   * The ETag or `updated_at` of the record that you read, for operations that support `If-Match`.
   */
  ifMatch?: string;
  headers?: Record<string, string>;
}

/** One request to the API. */
export interface Request {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  path: string;
  query?: object | undefined;
  body?: unknown;
  options?: CallOptions | undefined;
}

const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_RETRIES = 2;
const FIRST_DELAY_MS = 500;
const MAXIMUM_DELAY_MS = 60_000;

/** Sends the requests of all resources of a client. */
export class Transport {
  readonly #options: ClientOptions;
  readonly #url: string;

  /** Throws TypeError when `url` is not an http or https address. */
  constructor(options: ClientOptions) {
    if (!/^https?:$/.test(new URL(options.url).protocol)) {
      throw new TypeError(`"${options.url}" is not an http or https address.`);
    }
    this.#options = options;
    this.#url = options.url.replace(/\/+$/, "");
  }

  /**
   * Sends a request, and returns the call. The call rejects with PorticoError,
   * PorticoConnectionError, PorticoTimeoutError or the reason of `signal`.
   */
  call<Data>(request: Request): Call<Data> {
    return new Call(this.#send<Data>(request));
  }

  /** Sends a request for a page of a list, and returns the call. It rejects as `call` does. */
  list<Item, Pages extends Page<Item>>(request: Request): PageCall<Item, Pages> {
    return new PageCall(this.#send<Pages>(request), ({ next_cursor }) => {
      if (next_cursor === null) return undefined;
      return this.list({ ...request, query: { ...request.query, cursor: next_cursor } });
    });
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
        if (attempt >= retries || !mayRepeat(request, error) || delay > MAXIMUM_DELAY_MS) {
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
    const timeout = AbortSignal.timeout(timeoutMs);
    const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout;
    const { fetch = globalThis.fetch } = this.#options;
    try {
      const response = await fetch(this.#url + path + queryString(query), {
        method,
        headers,
        body: body === undefined ? undefined : JSON.stringify(body),
        signal,
      });
      return resultOf<Data>(response, parse(await response.text()));
    } catch (error) {
      if (error instanceof PorticoError) throw error;
      if (options.signal?.aborted) throw options.signal.reason;
      if (timeout.aborted) throw timeoutError(timeoutMs, error);
      throw new PorticoConnectionError("The API could not be reached.", { cause: error });
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

/** A group of operations. */
export class Resource {
  protected readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }
}

function timeoutError(timeoutMs: number, cause: unknown): PorticoTimeoutError {
  return new PorticoTimeoutError(`No answer came within ${timeoutMs / 1000} s.`, { cause });
}

/**
 * Types the body as the OpenAPI document declares it. Throws PorticoError for a refused request.
 */
function resultOf<Data>(response: Response, body: unknown): WithResponse<Data> {
  if (!response.ok) throw new PorticoError(response, body);
  return {
    data: body as Data,
    response,
    etag: response.headers.get("etag") ?? undefined,
    changeId: response.headers.get("portico-change") ?? undefined,
    requestId: response.headers.get("x-request-id") ?? undefined,
  };
}

/** Returns the value of JSON, or the text itself when it is not JSON, such as an error page. */
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
 * Whether the same request may be sent again. A POST has an idempotency key, so that it takes
 * effect once. A PATCH could undo a later change of somebody else, so it is repeated only after
 * 429.
 */
function mayRepeat(request: Request, error: unknown): boolean {
  const repeatable = ["GET", "POST", "DELETE"].includes(request.method);
  if (error instanceof PorticoConnectionError) return repeatable;
  if (!(error instanceof PorticoError)) return false;
  const { status, code } = error;
  if (status === 429) return true;
  return repeatable && (status === 408 || status >= 500 || code === "request_in_flight");
}

/** Returns `Retry-After`, or without it a delay that doubles with each attempt, with jitter. */
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
