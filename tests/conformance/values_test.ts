/** Create and update of every resource refuse every value that their schemas do not allow. */
import { assertEquals, assertGreater } from "@std/assert";
import type { Operation } from "../../supabase/functions/_shared/operation.ts";
import { operations } from "../support/registry.ts";
import { bodyOf, call, recordsOf } from "../support/operations.ts";
import { everythingIn } from "../support/records.ts";
import { bodySchema, wrongValues } from "../support/wrongValues.ts";
import { createWorkspace, test } from "../support/workspace.ts";

const READ_ONLY = ["id", "workspace_id", "created_at", "updated_at", "search", "nope"];

for (const update of operations) {
  const resource = /^(\w+)\.update$/.exec(update.id)?.[1];
  const create = operations.find(({ id }) => id === `${resource}.create`);
  if (resource && create) testValues(resource, create, update);
}

function testValues(resource: string, create: Operation, update: Operation): void {
  test(`${resource}: create and update answer 422 naming the field for every wrong value`, async () => {
    const workspace = await createWorkspace();
    const { token } = workspace.admin;
    const make = recordsOf(workspace);
    const id = await make(resource);
    const example = Object(await bodyOf(create, make));
    const before = await everythingIn(workspace.id);
    let refused = 0;
    for (const operation of [create, update]) {
      for (const [field, value] of wrongFields(operation)) {
        const body = operation === create ? { ...example, [field]: value } : { [field]: value };
        const answer = await call(operation, { token, id, body });
        const what = `${operation.id} ${field}: ${JSON.stringify(value).slice(0, 60)}`;
        assertEquals(answer.status, 422, `${what} ${JSON.stringify(answer.body)}`);
        const named = Object.keys(answer.body.errors ?? {}).map((name) => name.split(".")[0]);
        assertEquals([...new Set(named)], [field], what);
        refused += 1;
      }
    }
    assertGreater(refused, READ_ONLY.length * 2, String(refused));
    assertEquals(await everythingIn(workspace.id), before);
  });
}

function wrongFields(operation: Operation): [string, unknown][] {
  const fields = Object.entries(bodySchema(operation).properties ?? {});
  const known = fields.map(([field]) => field);
  return [
    ...fields.flatMap(([field, schema]) =>
      wrongValues(schema).map((value): [string, unknown] => [field, value])
    ),
    ...READ_ONLY.filter((field) => !known.includes(field)).map((field): [string, unknown] => [
      field,
      1,
    ]),
  ];
}
