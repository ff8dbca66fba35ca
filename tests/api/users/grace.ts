/** A user to invite. */
import { freshEmail } from "../../support/workspace.ts";

/** The body of an invitation, with an address that no other test uses. */
export function grace() {
  return { email: freshEmail(), first_name: "Grace", last_name: "Hopper" };
}
