/**
 * Runs the edge function in a separate process with the permissions and the memory of the
 * platform: network and environment, no files, 256 MB. Restarts it after a change or a crash.
 */

import { fromFileUrl } from "@std/path";
import { GuardedProcess } from "./guardedProcess.ts";
import { claimPort, isListening, waitUntil } from "./process.ts";
import { forward } from "./forward.ts";

const DEBOUNCE_MILLISECONDS = 100;
/** Long, because a busy machine compiles slowly. */
const START_TIMEOUT_MILLISECONDS = 120_000;
const CRASH_NOTICE_MILLISECONDS = 5_000;
/** A function that ran longer than this was healthy: it is restarted at once after a crash. */
const HEALTHY_MILLISECONDS = 10_000;
const LONGEST_PAUSE_MILLISECONDS = 15_000;
/**
 * The platform's limit of 256 MB. It gives it to V8 as the size of the heap, from which V8 derives how
 * much garbage it lets grow. Source: https://supabase.com/docs/guides/functions/limits and
 * `heap_limits` in https://github.com/supabase/edge-runtime.
 */
const MEMORY_LIMIT = "--v8-flags=--max-heap-size=256";
/** Variables by which Deno finds its caches and, on Windows, the network. */
const RUNTIME_VARIABLES = ["DENO_DIR", "HOME", "LOCALAPPDATA", "SystemRoot"];

/** What to run, and how. */
export interface FunctionOptions {
  /** The module that calls `Deno.serve`. */
  entrypoint: string;
  /** The whole environment of the function. */
  environment: Record<string, string>;
  /** A directory whose changes restart the function. */
  watch?: string;
  log(line: string): void;
}

/** The process of the function, which requests are passed to. */
export class FunctionServer {
  #options: FunctionOptions;
  #process: GuardedProcess | null = null;
  #port = 0;
  #starting: Promise<void> | null = null;
  #startedAt = 0;
  #crashes = 0;
  #retryAt = 0;
  #stopped = false;
  #watcher: Deno.FsWatcher | null = null;

  private constructor(options: FunctionOptions) {
    this.#options = options;
  }

  /** Starts the function. If it does not start, this is logged, and the next request tries again. */
  static async start(options: FunctionOptions): Promise<FunctionServer> {
    const server = new FunctionServer(options);
    await server.#ensureRunning();
    if (options.watch) server.#watch(options.watch);
    return server;
  }

  /** Passes a request to the function. Answers 503 while the function is down. */
  async fetch(request: Request, clientGone?: AbortSignal): Promise<Response> {
    if (!this.#process && Date.now() < this.#retryAt) return this.#unavailable();
    await this.#ensureRunning();
    const process = this.#process;
    if (!process) return this.#unavailable();
    try {
      return await forward(request, `http://127.0.0.1:${this.#port}`, clientGone);
    } catch (error) {
      if (clientGone?.aborted) throw error;
      // The connection breaks shortly before the exit of the crashed process is noticed.
      await waitUntil(() => this.#process !== process, CRASH_NOTICE_MILLISECONDS);
      return this.#unavailable();
    }
  }

  /** Stops the function and the watching of its files. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#watcher?.close();
    await this.#starting;
    await this.#process?.stop(3_000);
  }

  async #ensureRunning(): Promise<void> {
    if (this.#stopped || (this.#process && !this.#starting)) return;
    this.#starting ??= this.#launch().finally(() => this.#starting = null);
    await this.#starting;
  }

  async #launch(): Promise<void> {
    this.#port = claimPort(0, "function", "--port");
    this.#startedAt = Date.now();
    const process = this.#spawn();
    this.#process = process;
    let ended = false;
    process.ended.then((code) => {
      ended = true;
      this.#onEnd(process, code);
    });
    const port = this.#port;
    const up = await waitUntil(
      async () => ended || await isListening(port),
      START_TIMEOUT_MILLISECONDS,
    );
    if (!up) await process.stop(0);
  }

  #spawn(): GuardedProcess {
    const { entrypoint, environment, log } = this.#options;
    const runtime = RUNTIME_VARIABLES.map((name) => [name, Deno.env.get(name)])
      .filter(([, value]) => value !== undefined);
    return GuardedProcess.start({
      command: Deno.execPath(),
      args: [
        "run",
        "--quiet",
        "--no-prompt",
        MEMORY_LIMIT,
        "--allow-net",
        "--allow-env",
        entrypoint,
      ],
      clearEnv: true,
      env: {
        ...Object.fromEntries(runtime),
        ...environment,
        // `Deno.serve` without a port, as functions call it, listens here.
        DENO_SERVE_ADDRESS: `tcp:127.0.0.1:${this.#port}`,
      },
      stopSignal: "TERM",
      onLine: log,
    });
  }

  #onEnd(process: GuardedProcess, code: number): void {
    if (this.#process !== process) return;
    this.#process = null;
    if (this.#stopped) return;
    this.#crashes = Date.now() - this.#startedAt > HEALTHY_MILLISECONDS ? 0 : this.#crashes + 1;
    // After the first crash it restarts at once, after further ones with growing pauses.
    const pause = this.#crashes < 2 ? 0 : 500 * 2 ** (this.#crashes - 1);
    this.#retryAt = Date.now() + Math.min(pause, LONGEST_PAUSE_MILLISECONDS);
    this.#options.log(
      `The function ended with code ${code}. The next request or change restarts it.`,
    );
  }

  /** A problem as in RFC 9457, in the form of the function's own problems. */
  #unavailable(): Response {
    const seconds = Math.max(1, Math.ceil((this.#retryAt - Date.now()) / 1000));
    const problem = {
      type: "about:blank",
      title: "Service Unavailable",
      status: 503,
      code: "function_unavailable",
      detail:
        "The function is not running. Its log on the stack's terminal shows why. Repeat the " +
        "request once it is mended.",
    };
    return new Response(JSON.stringify(problem), {
      status: 503,
      headers: { "content-type": "application/problem+json", "retry-after": String(seconds) },
    });
  }

  async #watch(directory: string): Promise<void> {
    this.#watcher = Deno.watchFs(directory);
    let timer: ReturnType<typeof setTimeout> | undefined;
    for await (const event of this.#watcher) {
      if (event.kind === "access") continue;
      clearTimeout(timer);
      timer = setTimeout(() => this.#reload(), DEBOUNCE_MILLISECONDS);
    }
    clearTimeout(timer);
  }

  async #reload(): Promise<void> {
    await this.#starting;
    if (this.#stopped) return;
    const previous = this.#process;
    this.#process = null;
    this.#crashes = 0;
    this.#retryAt = 0;
    this.#starting = (previous?.stop(3_000) ?? Promise.resolve())
      .then(() => this.#launch())
      .finally(() => this.#starting = null);
    await this.#starting;
    if (this.#process) this.#options.log("The function was reloaded.");
  }
}

/** The function's entry point in this repository. */
export const FUNCTION_ENTRYPOINT = fromFileUrl(
  new URL("../supabase/functions/api/index.ts", import.meta.url),
);

/** The directory whose changes restart the function. */
export const FUNCTION_DIRECTORY = fromFileUrl(new URL("../supabase/functions", import.meta.url));
