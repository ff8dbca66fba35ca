/** `time_zone` of tasks.list. */
import { assert, assertEquals } from "@std/assert";
import { dueFilters } from "../../supabase/functions/api/tasks/due.ts";
import { present } from "../support/exactly.ts";

const { schema } = present(dueFilters.time_zone, "filter by time zone");

Deno.test("time_zone accepts names of the IANA database", () => {
  for (const name of ["UTC", "Europe/Paris", "America/Argentina/Ushuaia", "Etc/GMT+8"]) {
    assert(schema.safeParse(name).success, name);
  }
});

Deno.test("time_zone refuses offsets, whose sign Postgres reads inversely, and other text", () => {
  for (
    const name of ["+02:00", "-8", "Mars/Olympus", "", "UTC;select", "Europe/Paris'", "../etc", "x"]
  ) {
    assertEquals(schema.safeParse(name).success, false, name);
  }
});
