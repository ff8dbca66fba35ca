/** Errors of Postgres that a caller can cause: each is a problem of the request, not a 500. */
import { assert, assertEquals } from "@std/assert";
import { databaseProblem } from "../../supabase/functions/_shared/database/problems.ts";
import { Problem } from "../../supabase/functions/_shared/problem.ts";

/** SQLSTATE of each class that values of a caller can cause → the status of the answer. */
const CAUSED_BY_VALUES: [sqlstate: string, status: number][] = [
  ["21000", 422],
  ["22001", 422],
  ["22003", 422],
  ["22007", 422],
  ["22008", 422],
  ["22021", 422],
  ["22023", 422],
  ["2202E", 422],
  ["22030", 422],
  ["22032", 422],
  ["22P02", 422],
  ["22P05", 422],
  ["23001", 409],
  ["23502", 422],
  ["23503", 422],
  ["23505", 409],
  ["23514", 422],
  ["23P01", 422],
  ["40001", 409],
  ["40P01", 409],
  ["42501", 403],
  ["54000", 422],
  ["54001", 422],
  ["55P03", 409],
];

Deno.test("databaseProblem answers 4xx for every SQLSTATE that a caller can cause", () => {
  for (const [sqlstate, status] of CAUSED_BY_VALUES) {
    const problem = databaseProblem(postgresError(sqlstate));
    assertEquals(problem instanceof Problem && problem.status, status, sqlstate);
  }
});

Deno.test("databaseProblem shows no text of the database", () => {
  const problem = databaseProblem(postgresError("23514"));
  assert(problem instanceof Problem && !problem.message.includes("secret"));
});

function postgresError(code: string): Error {
  return Object.assign(new Error("secret"), { name: "PostgresError", code });
}
