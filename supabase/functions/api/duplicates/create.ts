/** Creating a record whose duplicates are found first: the parameter `on_duplicate`. */
import * as z from "zod";
import type { Sql } from "../../_shared/database/database.ts";
import { schemaName } from "../../_shared/fields.ts";
import type { Operation } from "../../_shared/operation.ts";
import { Problem } from "../../_shared/problem.ts";
import {
  create,
  createRecord,
  type RecordFields,
  type Resource,
} from "../../_shared/records/records.ts";
import type { DuplicateKind } from "./kinds.ts";
import { findCandidates, lockDuplicates } from "./queries.ts";
import { answersOf, OnDuplicateQuery } from "./schema.ts";

/** Returns the operation `POST /<table>`, with `on_duplicate`. */
export function createUnlessDuplicate<
  Row extends RecordFields,
  Create extends z.ZodType,
  Change extends z.ZodObject,
>(
  of: Resource<Row, Create, Change>,
  kind: DuplicateKind,
  example: z.input<Create>,
): Operation {
  const name = schemaName(of.name);
  const { candidate } = answersOf(kind);
  return create(of, {
    example,
    query: OnDuplicateQuery,
    output: kind.record.extend({
      duplicates: z.array(candidate).optional().describe("The similar records, with `warn`."),
    }).meta({ id: `Created${name}` }),
    problems: ["duplicate"],
    run: ({ sql }, { query, body }) =>
      createChecked(sql, of, kind, Object(body), OnDuplicateQuery.parse(query).on_duplicate),
  });
}

/** Creates a record. Throws `Problem` `duplicate` when it is rejected. */
async function createChecked<Row extends RecordFields>(
  sql: Sql,
  of: Resource<Row>,
  kind: DuplicateKind,
  values: object,
  onDuplicate: z.output<typeof OnDuplicateQuery>["on_duplicate"],
): Promise<Row> {
  const record = await createRecord(sql, of, values);
  if (onDuplicate === "allow") return record;
  if (onDuplicate === "reject") await lockDuplicates(sql, kind, record.id);
  const candidates = await findCandidates(sql, kind, record.id);
  const found = candidates.map((text) => JSON.parse(text));
  if (onDuplicate === "reject" && found.length > 0) throw duplicate(of.name, found);
  return { ...record, duplicates: found };
}

function duplicate(name: string, duplicates: { record: { id: number } }[]): Problem {
  const detail =
    `There is a similar ${name}: ${duplicates[0]?.record.id}. Use that ${name}, or send ` +
    "on_duplicate=allow to create another one.";
  return new Problem("duplicate", detail, { members: { duplicates } });
}
