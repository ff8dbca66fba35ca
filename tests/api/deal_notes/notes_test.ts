/** deal_notes: list, trash, delete. */
import { testNotes } from "../../support/noteTests.ts";

testNotes({
  resource: "deal_notes",
  parent: "deals",
  key: "deal_id",
  parentValues: { name: "Engine", stage: "opportunity" },
});
