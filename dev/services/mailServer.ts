/**
 * The mail catcher: keeps the mails of the auth server in memory and shows them over HTTP.
 *
 *     GET    /                    HTML list (?to= one address)
 *     GET    /messages            JSON list, newest first (?to= one address)
 *     GET    /messages/<id>       HTML of one; /messages/<id>.json its JSON
 *     DELETE /messages            empties the list (?to= one address)
 *     POST   /refuse              {"count": n, "to"?: address}: the next n mails are refused
 */

import { Hono } from "hono";
import * as z from "zod";
import { type CaughtMail, type Mail, MailRefused } from "./mail.ts";
import { listPage, messagePage } from "./mailPage.ts";

const KEPT = 1000;
const FROM = "Portico <no-reply@portico.localhost>";
/** Key of the refusals for every address. */
const ANY_ADDRESS = "*";

const refuseSchema = z.strictObject({
  count: z.int().min(0).max(KEPT),
  to: z.email().optional(),
});

/** Receives mails, and serves them on a local port. Throws AddrInUse when the port is in use. */
export class MailServer {
  #mails: CaughtMail[] = [];
  #refusals = new Map<string, number>();
  #server: Deno.HttpServer;
  #log: (line: string) => void;

  constructor(port: number, log: (line: string) => void) {
    this.#log = log;
    const options = { hostname: "127.0.0.1", port, onListen: () => {} };
    this.#server = Deno.serve(options, this.#routes().fetch);
  }

  /** Keeps and logs a mail. Throws MailRefused when a refusal was asked for. */
  send(mail: Mail): void {
    const to = mail.to.toLowerCase();
    if (this.#refuses(to) || this.#refuses(ANY_ADDRESS)) {
      this.#log(`mail refused: to ${to}, "${mail.subject}"`);
      throw new MailRefused(`The mail server refused the mail to ${to}.`);
    }
    const id = crypto.randomUUID();
    this.#mails.unshift({ ...mail, to, id, from: FROM, sent_at: new Date().toISOString() });
    this.#mails.length = Math.min(this.#mails.length, KEPT);
    this.#log(`mail to ${to}: ${mail.subject}`);
    this.#log(`  ${mail.link ?? mail.text.replaceAll("\n\n", " ")}`);
  }

  /** Closes the port. */
  async stop(): Promise<void> {
    await this.#server.shutdown();
  }

  #refuses(to: string): boolean {
    const left = this.#refusals.get(to) ?? 0;
    if (left > 1) this.#refusals.set(to, left - 1);
    else this.#refusals.delete(to);
    return left > 0;
  }

  #to(address: string | undefined): CaughtMail[] {
    const to = address?.toLowerCase();
    return to ? this.#mails.filter((mail) => mail.to === to) : this.#mails;
  }

  #routes(): Hono {
    const routes = new Hono();
    routes.get("/", (c) => c.html(listPage(this.#to(c.req.query("to")))));
    routes.get("/messages", (c) => c.json(this.#to(c.req.query("to"))));
    routes.delete("/messages", (c) => {
      const removed = new Set(this.#to(c.req.query("to")));
      this.#mails = this.#mails.filter((mail) => !removed.has(mail));
      return c.body(null, 204);
    });
    routes.get("/messages/:id", (c) => {
      const [id, extension] = c.req.param("id").split(".");
      const mail = this.#mails.find((mail) => mail.id === id);
      if (!mail) return c.json({ message: "There is no mail with this id." }, 404);
      return extension === "json" ? c.json(mail) : c.html(messagePage(mail));
    });
    routes.post("/refuse", async (c) => {
      const input = refuseSchema.safeParse(await c.req.json().catch(() => null));
      if (!input.success) return c.json({ message: z.prettifyError(input.error) }, 400);
      this.#refusals.set(input.data.to?.toLowerCase() ?? ANY_ADDRESS, input.data.count);
      return c.body(null, 204);
    });
    return routes;
  }
}
