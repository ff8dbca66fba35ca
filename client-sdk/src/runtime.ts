/** Sends requests, with access tokens, timeouts, retries and errors. Uses web standards only. */
import { queryString } from "./address.ts";
import { Call, type Page, PageCall, type WithResponse } from "./call.ts";
import { PorticoConnectionError, PorticoError, PorticoTimeoutError } from "./errors.ts";
import { Feed } from "./feed.ts";
import { FileCall } from "./fileCall.ts";

export interface ClientOptions {
  /** Address of the API: `https://<project>.supabase.co/functions/v1/api`. */
  url: string;
  /** Returns the access token. Called before every request, and once more when it has expired. */
  token?: (() => string | null | undefined | Promise<string | null | undefined>) | undefined;
  /**
   * The project's publishable key, sent as `apikey`. Or an API key of a workspace (`ptc_…`), sent as
   * `x-api-key`, which needs no `token`.
   */
  apiKey?: string | undefined;
  /** Replaces the global `fetch`. */
  fetch?: typeof fetch | undefined;
  /** Headers of every request. */
  headers?: Record<string, string> | undefined;
  /** Timeout of one attempt in milliseconds. Default: 30,000. */
  timeoutMs?: number | undefined;
  /** Number of attempts after the first one. Default: 2. */
  maxRetries?: number | undefined;
  /** Is called before every attempt, and may change its headers. */
  onRequest?: ((request: SentRequest) => void | Promise<void>) | undefined;
  /** Is called with every answer. Clone the response to read its body. */
  onResponse?: ((response: Response, request: SentRequest) => void | Promise<void>) | undefined;
}

/** One attempt of a request. */
export interface SentRequest {
  readonly method: Request["method"];
  readonly url: string;
  readonly headers: Headers;
  /** The body before it becomes JSON. */
  readonly body: unknown;
}

/** Options of one call. They take precedence over those of the client. */
export interface CallOptions {
  /** Aborts the call, which then rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
  timeoutMs?: number | undefined;
  maxRetries?: number | undefined;
  /** For POST: requests with the same key take effect once. Default: a random key per call. */
  idempotencyKey?: string | undefined;
  /**
   * The ETag or `updated_at` of the record that you read, for operations that support `If-Match`.
   */
  ifMatch?: string | undefined;
  headers?: Record<string, string> | undefined;
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
/** Time that a feed waits for its next record. */
const WAIT_SECONDS = 20;

/** Reads the data of a successful answer. */
type Read<Data> = (response: Response) => Data | Promise<Data>;

/** Sends the requests of all resources of a client. */
export class Transport {
  readonly #options: ClientOptions;
  readonly #url: string;

  /** Throws TypeError when `url` is not an http or https address. */
  constructor(options: ClientOptions) {
    if (!/^https?:\/\/./.test(options.url)) {
      throw new TypeError(
        `Pass \`url\`, not "${options.url}".`,
      );
    }
    this.#options = options;
    this.#url = options.url.replace(/\/+$/, "");
  }

  /**
   * Sends a request, and returns the call. The call rejects with PorticoError,
   * PorticoConnectionError, PorticoTimeoutError or the reason of `signal`.
   */
  request<Data>(request: Request): Call<Data> {
    return new Call(this.#send(request, readJson<Data>));
  }

  /** Sends a request with these parts, as `request` does. */
  call<Data>(
    method: Request["method"],
    path: string,
    options?: CallOptions,
    body?: unknown,
    query?: object,
  ): Call<Data> {
    return this.request({ method, path, options, body, query });
  }

  /** Sends a request for a page of a list, as `request` does. */
  list<Item, Pages extends Page<Item>>(
    path: string,
    query?: object,
    options?: CallOptions,
  ): PageCall<Item, Pages> {
    const answer = this.#send({ method: "GET", path, query, options }, readJson<Pages>);
    return new PageCall(answer, ({ next_cursor, has_more }) => {
      if (next_cursor === null || has_more === false) return undefined;
      const name = query && "after" in query ? "after" : "cursor";
      return this.list(path, { ...query, offset: undefined, [name]: next_cursor }, options);
    });
  }

  /** Returns the feed of a list, from `after` of the query. It begins when it is iterated. */
  follow<Item>(
    path: string,
    { after = "now", ...query }: { after?: string | undefined } = {},
    options?: CallOptions,
  ): Feed<Item> {
    return new Feed(after, (after) =>
      this.call<Page<Item>>("GET", path, options, undefined, {
        wait: WAIT_SECONDS,
        ...query,
        after,
      }));
  }

  /** Requests a file, and returns the call. The timeout ends when the file begins. */
  file(path: string, query: object, options?: CallOptions): FileCall {
    return new FileCall(
      this.#send(
        { method: "GET", path, query, options },
        (response) => response.body ?? new Blob().stream(),
      ),
    );
  }

  async #send<Data>(request: Request, read: Read<Data>): Promise<WithResponse<Data>> {
    const { options = {} } = request;
    const key = request.method === "POST" ? options.idempotencyKey ?? randomKey() : undefined;
    const retries = options.maxRetries ?? this.#options.maxRetries ?? DEFAULT_RETRIES;
    let tokenRenewed = false;
    for (let attempt = 0;; attempt++) {
      try {
        return await this.#attempt(request, key, read);
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

  async #attempt<Data>(
    { method, path, query = {}, body, options = {} }: Request,
    key: string | undefined,
    read: Read<Data>,
  ): Promise<WithResponse<Data>> {
    const { fetch = globalThis.fetch, onRequest, onResponse } = this.#options;
    const url = this.#url + path + queryString(query);
    const sent = { method, url, headers: await this.#headers(body, options, key), body };
    await onRequest?.(sent);
    const timeoutMs = options.timeoutMs ?? this.#options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    const timeout = new AbortController();
    const timer = setTimeout(() => timeout.abort(), timeoutMs);
    const signals = [timeout.signal, ...(options.signal ? [options.signal] : [])];
    try {
      const response = await fetch(url, {
        ...sent,
        body: body === undefined ? null : JSON.stringify(body),
        signal: AbortSignal.any(signals),
      });
      await onResponse?.(response, sent);
      if (!response.ok) throw new PorticoError(response, parse(await response.text()));
      return withResponse(await read(response), response);
    } catch (error) {
      if (error instanceof PorticoError) throw error;
      if (options.signal?.aborted) throw options.signal.reason;
      if (timeout.signal.aborted) throw timeoutError(timeoutMs, error);
      throw new PorticoConnectionError(unreachable(this.#url), { cause: error });
    } finally {
      clearTimeout(timer);
    }
  }

  async #headers(
    body: unknown,
    { ifMatch, headers }: CallOptions,
    key: string | undefined,
  ): Promise<Headers> {
    const { apiKey, token } = this.#options;
    const accessToken = await token?.();
    const sent = new Headers({ accept: "application/json" });
    if (body !== undefined) sent.set("content-type", "application/json");
    if (apiKey) sent.set(apiKey.startsWith("ptc_") ? "x-api-key" : "apikey", apiKey);
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
  protected readonly api: Transport;

  constructor(api: Transport) {
    this.api = api;
  }
}

function timeoutError(timeoutMs: number, cause: unknown): PorticoTimeoutError {
  return new PorticoTimeoutError(`No answer came within ${timeoutMs / 1000} s.`, { cause });
}

/** Returns 128 random bits. Pages without TLS have no `crypto.randomUUID`. */
function randomKey(): string {
  return crypto.getRandomValues(new Uint32Array(4)).join("-");
}

/** A browser does not say whether it refused the answer or got none. */
function unreachable(url: string): string {
  const origin = globalThis.location?.origin;
  return origin === undefined || url.startsWith(`${origin}/`)
    ? "The API could not be reached."
    : `The API could not be reached, or ALLOWED_ORIGINS lacks ${origin}.`;
}

function withResponse<Data>(data: Data, response: Response): WithResponse<Data> {
  const header = (name: string) => response.headers.get(name) ?? undefined;
  return {
    data,
    response,
    etag: header("etag"),
    changeId: header("portico-change"),
    requestId: header("x-request-id"),
  };
}

/** Types the body as the OpenAPI document declares it. */
async function readJson<Data>(response: Response): Promise<Data> {
  return parse(await response.text()) as Data;
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
  const repeatable = request.method !== "PATCH";
  if (error instanceof PorticoConnectionError) return repeatable;
  if (!(error instanceof PorticoError)) return false;
  const { status, code } = error;
  if (status === 429) return true;
  return repeatable && (status === 408 || status >= 500 || code === "request_in_flight");
}

/** Returns `Retry-After`, or without it a delay that doubles with each attempt, with jitter. */
function delayBefore(attempt: number, error: unknown): number {
  const after = error instanceof PorticoError && error.headers.get("retry-after") || "";
  if (/^\d+$/.test(after)) return +after * 1000;
  return Math.max(0, Date.parse(after) - Date.now()) ||
    FIRST_DELAY_MS * 2 ** attempt * (0.5 + Math.random() / 2);
}

/** Waits. Rejects with the signal's reason when it is aborted. */
export function wait(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
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
