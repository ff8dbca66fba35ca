/**
 * Queries with Drizzle under a user's rights: row-level security applies, as for a request to the API.
 *
 *     const database = connect(Deno.env.get("DATABASE_URL") ?? "");
 *     const deals = await asCaller(database, claims, (tx) => openDealsByCompany(tx));
 *
 * `schema.ts` beside this file is generated from the migrations by `deno task generate`.
 */
import { and, count, desc, eq, isNull, sql, sum } from "drizzle-orm";
import { drizzle } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import * as schema from "./schema.ts";

export type Database = ReturnType<typeof connect>;
export type Transaction = Parameters<Parameters<Database["transaction"]>[0]>[0];

/** The claims of a verified access token; `sub` is the user's id in `auth.users`. */
export interface Claims {
  sub: string;
  role: "authenticated";
}

/** Connects to a database, e.g. that of `deno task start`. `$client.end()` closes the connection. */
export function connect(url: string) {
  return drizzle(postgres(url, { max: 1, onnotice: () => {} }), { schema });
}

/**
 * Runs queries in one transaction as the user of these claims. Returns the result of `work`. When
 * `work` throws, it rolls back and throws the same error.
 */
export async function asCaller<Value>(
  database: Database,
  claims: Claims,
  work: (transaction: Transaction) => Promise<Value>,
): Promise<Value> {
  return await database.transaction(async (transaction) => {
    await transaction.execute(sql`
      select
        set_config('request.jwt.claims', ${JSON.stringify(claims)}, true),
        set_config('role', ${claims.role}, true)`);
    return await work(transaction);
  });
}

/** The companies with open deals, their number and the sum of their amounts, the largest sum first. */
export async function openDealsByCompany(transaction: Transaction) {
  const { companies, deals } = schema;
  const amount = sum(deals.amount).mapWith(Number);
  return await transaction
    .select({ company: companies.name, deals: count(), amount })
    .from(deals)
    .innerJoin(companies, eq(companies.id, deals.company_id))
    .where(and(isNull(deals.archived_at), isNull(deals.closed_at)))
    .groupBy(companies.id, companies.name)
    .orderBy(desc(amount));
}
