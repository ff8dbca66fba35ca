/** contact_notes: list, trash, delete. */
import { testNotes } from "../../support/noteTests.ts";

testNotes({
  resource: "contact_notes",
  parent: "contacts",
  key: "contact_id",
  parentValues: { first_name: "Ada" },
});
