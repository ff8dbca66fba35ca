/** The records that rows of imports and of bulks become. */
import { assert, assertEquals } from "@std/assert";
import type { Draft } from "../../supabase/functions/api/imports/convert.ts";
import { assign } from "../../supabase/functions/api/imports/targets.ts";

const ROWS = 300;
const IDS_PER_ROW = 5;
const none = { byExternalId: new Map(), byEmail: new Map(), byName: new Map() };

function draftOf(number: number, values: Record<string, unknown>): Draft {
  const references = new Map([["id", "1"]]);
  return { number, cells: [], errors: [], values, references, tags: [] };
}

Deno.test("assign reads each element of a list a few times, however many rows are one record", () => {
  let reads = 0;
  const idOf = (number: number) => ({
    source: "hubspot",
    get id() {
      reads++;
      return String(number);
    },
  });
  const drafts = Array.from({ length: ROWS }, (_, row) =>
    draftOf(row, {
      external_ids: Array.from({ length: IDS_PER_ROW }, (_, i) => idOf(row * IDS_PER_ROW + i)),
    }));
  const record = { external_ids: [idOf(0)] };
  const stored = new Map([[1, { id: 1, sales_id: 1, manages: true, record }]]);
  const matching = {
    recordType: "contacts",
    policy: "update",
    matchOn: ["id", "external_id"],
  } as const;
  const { targets } = assign(drafts, { ...matching, matchOn: [...matching.matchOn] }, {
    ...none,
    stored,
  });
  assertEquals(targets.length, 1);
  assertEquals(
    targets[0]?.values.external_ids,
    Array.from({ length: ROWS * IDS_PER_ROW }, (_, i) => ({ source: "hubspot", id: String(i) })),
  );
  assertEquals(record.external_ids.length, 1);
  assert(reads < 20 * ROWS * IDS_PER_ROW, `${reads} reads`);
});
