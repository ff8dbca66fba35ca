/**
 * Random requests to random operations: never a failure, and no internals in an answer. The seed is
 * printed; FUZZ_SEED repeats a run, FUZZ_REQUESTS makes it longer.
 */
import { assert, assertGreater } from "@std/assert";
import type { Operation } from "../../supabase/functions/_shared/operation.ts";
import { parameterNames } from "../../supabase/functions/_shared/facts.ts";
import { type AppUnderTest, withApp } from "../support/app.ts";
import { bodyOf, recordsOf, resourceOf } from "../support/operations.ts";
import { pick, seeded } from "../support/random.ts";
import { operationForms } from "../support/registry.ts";
import { createWorkspace, test, type Workspace } from "../support/workspace.ts";
import { bodySchema, wrongValues } from "../support/wrongValues.ts";
import { assertHarmless, type Attack, attack } from "./harmless.ts";

const SEED = Number(Deno.env.get("FUZZ_SEED") ?? Math.floor(Math.random() * 2 ** 32));
const ASKED = Deno.env.get("FUZZ_REQUESTS");
const REQUESTS = Number(ASKED ?? 3_000);
/** On a busy machine fewer requests are sent, unless a number is asked for. */
const MOST_MILLISECONDS = ASKED ? Infinity : 20_000;

type Random = () => number;

const ODD_TEXTS = [
  ...["", " ", "0", "-1", "1", "1e9", "999999999999", "9223372036854775808", "NaN", "null", "true"],
  ...[
    "\0",
    "\ud800",
    "\u202e",
    "😀",
    "'",
    '"',
    "\\",
    "%",
    "%00",
    "*",
    "?",
    "(",
    ")",
    "{",
    "}",
    ",",
  ],
  ...["{1,2}", "(1,2)", "a,b", "-id", "id", "--", "/*", "$1", ":1", "@", "=", "&", "__proto__"],
  ...[
    "2026-02-30",
    "2026-01-01",
    "2026-01-01T00:00:00Z",
    "infinity",
    "00000000-0000-0000-0000-000000000000",
  ],
  ...["ada@example.com", "https://example.com", "javascript:alert(1)", "../..", "x".repeat(3_000)],
];
const OPERATORS = ["eq", "neq", "gt", "lt", "like", "ilike", "in", "is", "cs", "cd", "ov", "zz"];
const HEADER_NAMES = [
  "If-Match",
  "Idempotency-Key",
  "Prefer",
  "Accept",
  "X-Forwarded-For",
  "Range",
];

test("random requests are no failure, and reveal no internals", async () => {
  console.log(`FUZZ_SEED=${SEED}`);
  const random = seeded(SEED);
  const workspace = await createWorkspace();
  const known = await knownRequests(workspace);
  const end = Date.now() + MOST_MILLISECONDS;
  let sent = 0;
  await withApp({ rateLimit: 0 }, async (app) => {
    while (sent < REQUESTS && Date.now() < end) {
      const { operation, id, body } = pick(random, known);
      await fuzz(app, workspace, operation, randomAttack(random, operation, id, body), sent);
      sent += 1;
    }
  });
  console.log(`${sent} requests`);
  assertGreater(sent, 100);
});

async function fuzz(
  app: AppUnderTest,
  { admin }: Workspace,
  operation: Operation,
  request: Attack,
  number: number,
): Promise<void> {
  const answer = await attack(app, operation, admin.token, request);
  const label = `FUZZ_SEED=${SEED}, request ${number}: ${operation.id}`;
  assertHarmless(`${label} ${JSON.stringify(request).slice(0, 1_000)}`, answer);
  assert(answer.headers.get("X-Request-Id"), label);
}

/** A valid request to each operation. Changes of the only admin would end the test. */
async function knownRequests(workspace: Workspace) {
  const make = recordsOf(workspace);
  const called = operationForms.filter(({ id, access }) =>
    access === "member" && !/^(users|atomic)\.|^trash\.(empty|purge)/.test(id)
  );
  const known: { operation: Operation; id: string; body: Record<string, unknown> | undefined }[] =
    [];
  for (const operation of called) {
    const resource = resourceOf(operation);
    const id = String(resource ? await make(resource) : 1);
    const body = operation.body && Object(await bodyOf(operation, make));
    known.push({ operation, id, body });
  }
  return known;
}

/** A valid request with some of its parts made odd. */
function randomAttack(
  random: Random,
  operation: Operation,
  id: string,
  body: Record<string, unknown> | undefined,
): Attack {
  const chance = (share: number) => random() < share;
  const headers: Record<string, string> = {};
  if (chance(0.2)) headers[pick(random, HEADER_NAMES)] = headerText(pick(random, ODD_TEXTS));
  return {
    id: chance(0.15) ? encodeURIComponent(safe(pick(random, ODD_TEXTS))) : id,
    query: chance(0.7) ? randomQuery(random, operation) : "",
    headers,
    body: body && randomBody(random, operation, body),
  };
}

function safe(text: string): string {
  return text.toWellFormed();
}

/** Headers hold neither NUL nor characters beyond Latin-1. */
function headerText(text: string): string {
  return text.replace(/[^\x20-\xff]/g, "?");
}

function randomQuery(random: Random, operation: Operation): string {
  const columns = operation.kind === "list" ? Object.keys(operation.of.parameters.columns) : [];
  const names = [...parameterNames(operation), ...columns, "zz"];
  const count = 1 + Math.floor(random() * 3);
  const pairs = Array.from({ length: count }, () => {
    const name = pick(random, names);
    const suffix = columns.includes(name) && random() < 0.7 ? `@${pick(random, OPERATORS)}` : "";
    const value = random() < 0.3 ? pick(random, names) : pick(random, ODD_TEXTS);
    return `${encodeURIComponent(name + suffix)}=${encodeURIComponent(safe(value))}`;
  });
  return `?${pairs.join("&")}`;
}

function randomBody(
  random: Random,
  operation: Operation,
  body: Record<string, unknown>,
): string {
  const changed = { ...body };
  const fields = Object.entries(bodySchema(operation).properties ?? {});
  for (let count = Math.floor(random() * 3); count > 0 && fields.length > 0; count--) {
    const [field, schema] = pick(random, fields);
    const wrong = [...wrongValues(schema), ...ODD_TEXTS, -1, 1.5, null, [], {}];
    if (random() < 0.2) delete changed[field];
    else changed[field] = pick(random, wrong.map((value) => ({ value }))).value;
  }
  const text = JSON.stringify(changed);
  return random() < 0.05 ? text.slice(0, Math.floor(random() * text.length)) : text;
}
