/** Requests that every operation refuses, for every operation in the registry. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import type { Operation } from "../../supabase/functions/_shared/operation.ts";
import { operationForms } from "../support/registry.ts";
import { assertProblem } from "../support/answers.ts";
import {
  addressOf,
  bodyOf,
  call,
  creatableResources,
  exampleOf,
  idKeys,
  isForMembers,
  namesRecord,
  type RecordId,
  recordsOf,
  resourceOf,
} from "../support/operations.ts";
import { answerOf, createWorkspace, stack, test, type Workspace } from "../support/workspace.ts";
import { callers } from "./callers.ts";

const MALFORMED_IDS = [
  "abc",
  "0",
  "-1",
  "1.5",
  "1e3",
  "0x1",
  "99999999999999999999",
  "%00",
  "1'--",
];

for (const operation of operationForms) {
  testParameters(operation);
  if (isForMembers(operation)) testIdentity(operation);
  if (operation.access === "service") testSecretKey(operation);
  if (operation.path.includes(":")) testMalformedIds(operation);
  if (operation.body) testBodies(operation);
  if (isForMembers(operation) && namesRecord(operation)) testForeignRecords(operation);
}

function testIdentity(operation: Operation): void {
  test(`${operation.id} answers 401 without a token`, async () => {
    assertProblem(await call(operation, { body: operation.example }), 401, "token_missing");
  });

  test(`${operation.id} answers 401 to an API key as bearer`, async () => {
    for (const token of [stack.publishableKey, stack.secretKey]) {
      const answer = await call(operation, { token, body: operation.example });
      assertProblem(answer, 401, "api_key_not_allowed");
    }
  });

  test(`${operation.id} answers 403 to a disabled member`, async () => {
    const { disabled } = await callers();
    const answer = await call(operation, { token: disabled, body: operation.example });
    assertProblem(answer, 403, "member_disabled");
  });

  test(`${operation.id} answers 403 to a user who is no member`, async () => {
    const { outsider } = await callers();
    const answer = await call(operation, { token: outsider, body: operation.example });
    assertProblem(answer, 403, "not_a_member");
  });
}

function testSecretKey(operation: Operation): void {
  test(`${operation.id} answers 401 without the secret key`, async () => {
    assertProblem(await call(operation), 401, "secret_key_missing");
    const { admin } = await callers();
    for (const token of [admin, stack.publishableKey, `${stack.secretKey}x`]) {
      assertProblem(await call(operation, { token }), 401, "secret_key_invalid");
    }
  });
}

function testParameters(operation: Operation): void {
  test(`${operation.id} answers 400 to an unknown query parameter`, async () => {
    const token = await entitled(operation);
    for (const query of ["?no_such=1", "?constructor=1", "?__proto__=1", "?id@no_such=1"]) {
      const answer = await call(operation, { token, query, body: operation.example });
      assertProblem(answer, 400, "unknown_parameter");
      assertEquals(Object.keys(answer.body.errors), [query.slice(1, -2)]);
      assert(Array.isArray(answer.body.allowed));
    }
  });
}

/** A token that the operation accepts. */
async function entitled(operation: Operation): Promise<string> {
  return operation.access === "service" ? stack.secretKey : (await callers()).admin;
}

function testMalformedIds(operation: Operation): void {
  test(`${operation.id} answers 400 to a malformed id`, async () => {
    const { admin: token } = await callers();
    for (const id of MALFORMED_IDS) {
      const answer = await call(operation, { token, id, body: operation.example });
      assertProblem(answer, 400, "invalid_parameter");
      assertEquals(Object.keys(answer.body.errors), ["id"]);
    }
  });
}

function testBodies(operation: Operation): void {
  test(`${operation.id} has an example of its body that is valid`, () => {
    assertNotEquals(operation.example, undefined, `Give ${operation.id} an example.`);
    operation.body?.parse(operation.example);
    return Promise.resolve();
  });

  if (operation.surface === "atomic") {
    test(`${operation.id} drops unknown fields of its body, because Atomic CRM's clients send some`, () => {
      const parsed = operation.body?.parse({ ...exampleOf(operation), no_such_field: 1 });
      assertEquals(parsed, operation.body?.parse(operation.example));
      return Promise.resolve();
    });
  } else {
    test(`${operation.id} answers 422 to an unknown field`, async () => {
      const { admin: token } = await callers();
      const body = { ...exampleOf(operation), no_such_field: 1, workspace_id: crypto.randomUUID() };
      const answer = await call(operation, { token, body });
      assertProblem(answer, 422, "validation_failed");
      assertEquals(Object.keys(answer.body.errors).sort(), ["no_such_field", "workspace_id"]);
    });
  }

  test(`${operation.id} answers 400 to a body that is not JSON`, async () => {
    const { admin: token } = await callers();
    const answer = await call(operation, { token, body: '{"a": 1,\n  "b": nope}' });
    assertProblem(answer, 400, "invalid_json");
  });

  test(`${operation.id} answers 415 to a body of another type, or without a type`, async () => {
    const { admin: token } = await callers();
    const body = JSON.stringify(operation.example);
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/jsonp"]) {
      const answer = await call(operation, { token, body, headers: { "Content-Type": type } });
      assertProblem(answer, 415, "unsupported_media_type");
    }
    const untyped = await fetch(addressOf(operation), {
      method: operation.method,
      headers: { Authorization: `Bearer ${token}` },
      body: new TextEncoder().encode(body),
    });
    assertProblem(await answerOf(untyped), 415, "unsupported_media_type");
  });

  test(`${operation.id} answers 4xx to values of other types`, async () => {
    const { token } = (await createWorkspace()).admin;
    for (const body of ["null", "[]", "1", '"text"', '{"__proto__": 1}', ...oddBodies(operation)]) {
      const answer = await call(operation, { token, body });
      assert(answer.status < 500, `${body}: ${JSON.stringify(answer.body)}`);
      if (answer.status >= 400) assertProblem(answer, answer.status, answer.body.code);
    }
  });
}

/** The example with each value in turn replaced by one that Postgres cannot store. */
function oddBodies(operation: Operation): string[] {
  const example = exampleOf(operation);
  const odd = ['"\\u0000"', '"\\ud800"', "1e400", "-1", "9007199254740993", "{}", "[[]]", "true"];
  return Object.keys(example).flatMap((key) =>
    odd.map((value) => JSON.stringify({ ...example, [key]: "?" }).replace('"?"', value))
  );
}

function testForeignRecords(operation: Operation): void {
  test(`${operation.id} answers 404 to a record of another workspace and does not change it`, async () => {
    const { own, foreign, admin: token } = await callers();
    const make = recordsOf(foreign);
    const resource = resourceOf(operation) ?? "users";
    const id = await make(resource);
    const body = await bodyOf(operation, operation.path.includes(":") ? recordsOf(own) : make);
    const before = await readRecord(foreign, resource, id);
    const answer = await call(operation, { token, id, body });
    // A reference in the body to a record that the operation does not change is 422, not 404.
    const code = answer.status === 422 && creates(operation) ? "unknown_reference" : "not_found";
    assertProblem(answer, code === "not_found" ? 404 : 422, code);
    assertEquals(await readRecord(foreign, resource, id), before);
  });

  if (operation.path.includes(":") && idKeys(operation).length > 0) {
    test(`${operation.id} answers 404 when its body names another workspace's record`, async () => {
      const { own, foreign, admin: token } = await callers();
      const id = await recordsOf(own)(resourceOf(operation) ?? "users");
      const body = await bodyOf(operation, recordsOf(foreign));
      assertProblem(await call(operation, { token, id, body }), 404, "not_found");
    });
  }
}

function creates(operation: Operation): boolean {
  return operation.surface !== "atomic" && creatableResources.includes(operation.path.slice(1));
}

async function readRecord(workspace: Workspace, resource: string, id: RecordId): Promise<unknown> {
  const { status, body } = await workspace.admin.api.get(`/${resource}/${id}`);
  assertEquals(status, 200);
  return body;
}
