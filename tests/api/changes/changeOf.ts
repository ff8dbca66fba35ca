/** The change that an answer names. */
import { type Answer, headerOf } from "../../support/workspace.ts";

/** Returns the id of the change that a request made. */
export function changeOf(answer: Pick<Answer, "headers">): string {
  return headerOf(answer, "Portico-Change");
}
