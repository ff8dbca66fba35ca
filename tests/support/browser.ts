/**
 * A headless Chromium under control of the test, by the Chrome DevTools Protocol. It asks no server
 * but those that the test names, and tells which it was asked for.
 */
import { waitUntil } from "../../dev/process.ts";
import { findCommand } from "../sdk/builtPackage.ts";

/** The browser of this machine, if it has one. */
export const chromium = await findCommand("chromium", "chromium-browser", "google-chrome");

/** What the reader's screen and system are like. */
export interface Screen {
  width: number;
  height: number;
  theme: "dark" | "light";
}

/** A tab of the browser. */
export interface Tab extends AsyncDisposable {
  /** Opens an address, and waits until it has loaded. */
  open(url: string): Promise<void>;
  show(screen: Screen): Promise<void>;
  /** Runs an expression in the page, and returns its value. Throws what it throws. */
  run<T>(expression: string): Promise<T>;
  /** Waits until an expression is true in the page. */
  until(expression: string): Promise<void>;
  /** Presses a key, such as "Tab", or types a text. */
  press(key: string): Promise<void>;
  type(text: string): Promise<void>;
  /** Returns a PNG of what is on the screen. */
  picture(): Promise<Uint8Array<ArrayBuffer>>;
  /** The addresses that pages have asked for, and what they have reported as errors. */
  requests: string[];
  errors: string[];
}

type Parameters = Record<string, unknown>;
type Listener = (parameters: Parameters) => void;

/** The connection to a tab: commands with their answers, and events. */
class Connection {
  readonly #socket: WebSocket;
  readonly #pending = new Map<number, PromiseWithResolvers<Parameters>>();
  readonly #listeners = new Map<string, Listener>();
  #next = 1;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#receive(JSON.parse(data));
  }

  static async open(url: string): Promise<Connection> {
    const socket = new WebSocket(url);
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = reject;
    });
    return new Connection(socket);
  }

  on(event: string, listener: Listener): void {
    this.#listeners.set(event, listener);
  }

  send(method: string, parameters: Parameters = {}): Promise<Parameters> {
    const id = this.#next++;
    const answer = Promise.withResolvers<Parameters>();
    this.#pending.set(id, answer);
    this.#socket.send(JSON.stringify({ id, method, params: parameters }));
    return answer.promise;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#socket.onclose = resolve);
    this.#socket.close();
    await closed;
  }

  #receive(message: Parameters): void {
    const { id, method, params, result, error } = message;
    if (typeof method === "string") this.#listeners.get(method)?.(Object(params));
    const answer = this.#pending.get(Number(id));
    this.#pending.delete(Number(id));
    if (error) answer?.reject(new Error(JSON.stringify(error)));
    else answer?.resolve(Object(result));
  }
}

/** Starts the browser with one tab. The disposal ends it. */
export async function openBrowser(): Promise<Tab> {
  const profile = await Deno.makeTempDir();
  const browser = new Deno.Command(chromium ?? "chromium", {
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-background-networking",
      "--hide-scrollbars",
      `--user-data-dir=${profile}`,
      "--remote-debugging-port=0",
      "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
      "about:blank",
    ],
    stdout: "null",
    stderr: "null",
  }).spawn();
  const connection = await Connection.open(await addressOfTab(profile));
  return {
    ...await controls(connection),
    async [Symbol.asyncDispose]() {
      await connection.close();
      browser.kill();
      await browser.status;
      await waitUntil(() => removed(profile), 30_000);
    },
  };
}

/** The browser writes its port to a file of its profile. */
async function addressOfTab(profile: string): Promise<string> {
  let address = "";
  await waitUntil(async () => {
    const file = await Deno.readTextFile(`${profile}/DevToolsActivePort`).catch(() => "");
    const port = file.split("\n")[0];
    if (!port) return false;
    const tabs = await fetch(`http://127.0.0.1:${port}/json/list`).then((answer) => answer.json());
    const tab = tabs.find(({ type }: { type: string }) => type === "page");
    address = tab?.webSocketDebuggerUrl ?? "";
    return address !== "";
  }, 60_000);
  return address;
}

async function controls(connection: Connection): Promise<Omit<Tab, typeof Symbol.asyncDispose>> {
  const requests: string[] = [];
  const errors: string[] = [];
  let loaded = Promise.withResolvers<void>();
  connection.on("Page.loadEventFired", () => loaded.resolve());
  connection.on("Network.requestWillBeSent", ({ request }) => {
    requests.push(String(Object(request).url));
  });
  connection.on("Runtime.exceptionThrown", ({ exceptionDetails }) => {
    errors.push(JSON.stringify(exceptionDetails));
  });
  for (const domain of ["Page", "Network", "Runtime"]) await connection.send(`${domain}.enable`);
  const run = <T>(expression: string) => evaluate<T>(connection, expression);
  return {
    requests,
    errors,
    run,
    async open(url) {
      loaded = Promise.withResolvers<void>();
      await connection.send("Page.navigate", { url });
      await loaded.promise;
    },
    async until(expression) {
      const isTrue = await waitUntil(() => run<boolean>(`Boolean(${expression})`), 60_000);
      if (!isTrue) throw new Error(`Not true in the page: ${expression}`);
    },
    async show({ width, height, theme }) {
      const size = { width, height, deviceScaleFactor: 1, mobile: width < 600 };
      await connection.send("Emulation.setDeviceMetricsOverride", size);
      const features = [{ name: "prefers-color-scheme", value: theme }];
      await connection.send("Emulation.setEmulatedMedia", { features });
    },
    async press(key) {
      const code = { Tab: 9, Enter: 13, Escape: 27, ArrowDown: 40, ArrowUp: 38 }[key];
      const text = key === "Enter" ? "\r" : undefined;
      const event = { key, code: key, windowsVirtualKeyCode: code, text };
      await connection.send("Input.dispatchKeyEvent", { type: "keyDown", ...event });
      await connection.send("Input.dispatchKeyEvent", { type: "keyUp", ...event });
    },
    async type(text) {
      await connection.send("Input.insertText", { text });
    },
    async picture() {
      const { data } = await connection.send("Page.captureScreenshot", { format: "png" });
      return Uint8Array.fromBase64(String(data));
    },
  };
}

async function evaluate<T>(connection: Connection, expression: string): Promise<T> {
  const options = { expression, awaitPromise: true, returnByValue: true };
  const { result, exceptionDetails } = await connection.send("Runtime.evaluate", options);
  if (exceptionDetails) throw new Error(JSON.stringify(exceptionDetails));
  return Object(result).value;
}

/** The processes of a browser that ends still write to its profile for a moment. */
async function removed(directory: string): Promise<boolean> {
  return await Deno.remove(directory, { recursive: true }).then(() => true, () => false);
}
