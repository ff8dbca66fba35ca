/**
 * Measures 500 new contacts with addresses by one bulk, and by one request each, one after the other.
 * Each round has its own contacts. `deno task bench-bulk [contacts]`
 */
import postgres from "postgres";
import { startStack } from "../dev/stack.ts";
import { removeStackData, temporaryDirectory } from "../dev/stackData.ts";
import { createTenant } from "./seed.ts";

const CONTACTS = 500;
const ROUNDS = 5;

type Post = (path: string, body: unknown) => Promise<void>;

/** Seconds of one round. */
interface Round {
  single: number;
  bulk: number;
  again: number;
}

async function measureBulk(contacts: number): Promise<Round[]> {
  const directory = await temporaryDirectory();
  await using parts = new AsyncDisposableStack();
  parts.defer(async () => {
    await removeStackData(directory);
    await Deno.remove(directory, { recursive: true });
  });
  const environment = { RATE_LIMIT_PER_MINUTE: "1200000" };
  const stack = await startStack({
    directory,
    durable: false,
    environment,
    log: console.error,
    functionLog: () => {},
  });
  parts.defer(() => stack.stop());
  const sql = postgres(stack.superuserUrl, { max: 1, onnotice: () => {} });
  parts.defer(() => sql.end());
  const post = postTo(stack.apiUrl, (await createTenant(sql, stack)).token);
  await round(post, 10, "warm");
  const rounds: Round[] = [];
  for (let number = 0; number < ROUNDS; number++) {
    rounds.push(await round(post, contacts, String(number)));
  }
  return rounds;
}

async function round(post: Post, contacts: number, name: string): Promise<Round> {
  const contact = (index: number, kind: string) => ({
    first_name: "Ada",
    last_name: `Lovelace ${index}`,
    email_jsonb: [{ email: `${kind}-${name}-${index}@example.com`, type: "Work" }],
  });
  const records = Array.from({ length: contacts }, (_, index) => contact(index, "bulk"));
  return {
    single: await seconds(async () => {
      for (let index = 0; index < contacts; index++) await post("/contacts", contact(index, "one"));
    }),
    bulk: await seconds(() => post("/contacts/bulk", { records })),
    again: await seconds(() => post("/contacts/bulk", { records, on_conflict: "update" })),
  };
}

async function seconds(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1_000;
}

function postTo(address: string, token: string): Post {
  return async (path, body) => {
    const response = await fetch(`${address}/functions/v1/api${path}`, {
      method: "POST",
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    const answer = await response.text();
    if (!response.ok) throw new Error(answer);
  };
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

if (import.meta.main) {
  const contacts = Number(Deno.args[0] ?? CONTACTS);
  const rounds = await measureBulk(contacts);
  const single = median(rounds.map((each) => each.single));
  const bulk = median(rounds.map((each) => each.bulk));
  const again = median(rounds.map((each) => each.again));
  console.log(`${contacts} requests       ${single.toFixed(2)} s`);
  console.log(`one bulk           ${bulk.toFixed(2)} s, ${(single / bulk).toFixed(0)} × faster`);
  console.log(`the same again     ${again.toFixed(2)} s`);
}
