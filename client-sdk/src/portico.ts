/** The client: the generated resources, and what is more than one operation. */
import { Attachments } from "./attachments.ts";
import type { Call } from "./call.ts";
import { Resources } from "./generated/client.ts";
import type { UndoInput, Undone } from "./generated/types.ts";
import { Imports } from "./imports.ts";
import type { CallOptions } from "./runtime.ts";

/** A client of the API. */
export class Portico extends Resources {
  override readonly attachments: Attachments = new Attachments(this.api);
  override readonly imports: Imports = new Imports(this.api);

  /**
   * Undoes a change. `changeId` comes from the answer of the write:
   * `await portico.contacts.delete(12).changeId`.
   */
  undo(changeId: string, input: UndoInput = {}, options?: CallOptions): Call<Undone> {
    return this.changes.undo(changeId, input, options);
  }
}
