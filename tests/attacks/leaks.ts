/** Comparison of answers: about a foreign record, and about one that never existed. */
import { assertEquals } from "@std/assert";
import type { Intruder } from "./intruders.ts";
import type { Victim } from "./victim.ts";

/** An answer as text. */
export interface TextAnswer {
  status: number;
  headers: Headers;
  text: string;
}

/** Sends a request and reads its answer as text. */
export async function textOf(request: Promise<Response>): Promise<TextAnswer> {
  const response = await request;
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/** Headers that a difference of two records could show in. */
const COMPARED = ["Content-Range", "Content-Type", "ETag", "Location", "WWW-Authenticate"];

/** Collects what answers reveal about a workspace. */
export class Leaks {
  readonly found: string[] = [];
  /** The number of answers that were inspected. */
  inspected = 0;
  constructor(private readonly victim: Victim) {}

  /** Looks for values of the workspace. `sent` is what the request itself contained. */
  inspect(label: string, answer: TextAnswer, sent = ""): void {
    this.inspected += 1;
    const whole = `${answer.text}\n${[...answer.headers].join("\n")}`;
    for (const secret of this.victim.secrets) {
      if (whole.includes(secret) && !sent.includes(secret)) {
        this.found.push(`${label}: shows ${secret}: ${answer.text.slice(0, 300)}`);
      }
    }
    if (answer.status >= 500) {
      this.found.push(`${label}: ${answer.status} ${answer.text.slice(0, 300)}`);
    }
  }

  /**
   * Sends a request about each of two values. The answers may differ only in these values. Whoever has
   * no valid token is refused before either value is read, so one request is enough.
   */
  async compare(
    { name, kind }: Intruder,
    request: string,
    foreign: string,
    absent: string,
    send: (value: string) => Promise<TextAnswer>,
  ): Promise<void> {
    const label = `${name}: ${request}`;
    const about = await send(foreign);
    this.inspect(label, about, foreign);
    if (kind === "nobody") return this.refused(label, about);
    const without = await send(absent);
    const [one, other] = [summary(about, foreign), summary(without, absent)];
    if (one !== other) this.found.push(`${label}:\n  ${one}\n  ${other}`);
  }

  /** Notes an answer that is no refusal. */
  refused(label: string, { status, text }: TextAnswer): void {
    if (status < 400 && text !== "" && text !== "[]") {
      this.found.push(`${label}: ${status} ${text.slice(0, 300)}`);
    }
  }

  /** Throws with everything that was found. */
  assertNone(): void {
    assertEquals(this.found, []);
  }
}

function summary({ status, headers, text }: TextAnswer, value: string): string {
  const shown = COMPARED.map((name) => headers.get(name) ?? "-").join(" ");
  return `${status} ${shown} ${text}`
    .replace(new RegExp(`(?<![\\w.:-])${value}(?![\\w:-])`, "g"), "…")
    .replace(/"request_id":"[^"]*"/g, '"request_id":"…"')
    .replace(/"time":"[^"]*"/g, "");
}
