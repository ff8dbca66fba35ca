/** Imports that are followed while they run. */
import { ImportsResource } from "./generated/client.ts";
import type { Import } from "./generated/types.ts";
import { type CallOptions, wait } from "./runtime.ts";

const WORKING: Import["state"][] = ["checking", "running", "undoing"];

/** Operations on `imports`. */
export class Imports extends ImportsResource {
  /**
   * Iterates over the states of an import until it has ended: `position` of `size` bytes are done.
   * Asks once per second, or every `intervalMs`.
   */
  async *progress(
    id: string,
    { intervalMs = 1_000, ...options }: CallOptions & { intervalMs?: number | undefined } = {},
  ): AsyncGenerator<Import, void, undefined> {
    while (true) {
      const state = await this.get(id, options);
      yield state;
      if (!WORKING.includes(state.state)) return;
      await wait(intervalMs, options.signal);
    }
  }
}
