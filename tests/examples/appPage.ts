/** A page of an app, used as a user does: by the texts that it shows. */
import { waitUntil } from "../../dev/process.ts";
import type { Tab } from "../support/browser.ts";

/** How long a page may take to show something, on a busy machine. */
const PATIENCE_MS = 60_000;

/** An app in a tab of the browser. */
export class AppPage {
  readonly #tab: Tab;

  constructor(tab: Tab) {
    this.#tab = tab;
  }

  /** Waits until the page shows a text. Throws with the text of the page when it never does. */
  async shows(text: string): Promise<void> {
    await this.#until(shown(text), `"${text}" is not shown`);
  }

  /** Waits until the page no longer shows a text. */
  async hides(text: string): Promise<void> {
    await this.#until(`!${shown(text)}`, `"${text}" is shown`);
  }

  /** Clicks the first element that matches a selector, and contains a text. */
  async click(selector: string, text = ""): Promise<void> {
    const element = found(selector, text);
    const clicked = `(() => { const element = ${element}; element?.click(); return !!element; })()`;
    await this.#until(clicked, `There is no ${selector} with "${text}"`);
  }

  /** Replaces the text of an input. */
  async fill(selector: string, text: string): Promise<void> {
    const input = found(selector, "");
    const focused = `(() => { ${input}?.focus(); ${input}?.select(); return !!${input}; })()`;
    const isFilled = async () => {
      if (!await this.#tab.run<boolean>(focused)) return false;
      await this.#tab.type(text);
      return await this.#tab.run<boolean>(`${input}?.value === ${JSON.stringify(text)}`);
    };
    if (!await waitUntil(isFilled, PATIENCE_MS)) throw new Error(`${selector} takes no text`);
  }

  /** Returns the number of elements that match a selector. */
  async count(selector: string): Promise<number> {
    return await this.#tab.run(`document.querySelectorAll(${JSON.stringify(selector)}).length`);
  }

  /** Returns a PNG of the page. */
  async picture(): Promise<Uint8Array<ArrayBuffer>> {
    return await this.#tab.picture();
  }

  async #until(expression: string, failure: string): Promise<void> {
    if (await waitUntil(() => this.#tab.run<boolean>(expression), PATIENCE_MS)) return;
    throw new Error(`${failure}. The page:\n${await this.#tab.run("document.body.innerText")}`);
  }
}

function shown(text: string): string {
  return `document.body.innerText.includes(${JSON.stringify(text)})`;
}

function found(selector: string, text: string): string {
  return `[...document.querySelectorAll(${JSON.stringify(selector)})]
    .find((element) => element.textContent.includes(${JSON.stringify(text)}) && !element.disabled)`;
}
