/**
 * Runs pgTAP tests on a PostgreSQL without the extension's files. pgTAP is SQL, and the package of
 * PGlite carries it. The functions exist only in the transaction of a test, which is rolled back.
 */
import { pgtap } from "@electric-sql/pglite/pgtap";
import postgres from "postgres";

const PGTAP = "share/postgresql/extension/pgtap.sql";
const BLOCK = 512;

/** The outcome of a test file. */
export interface TapResult {
  passed: number;
  /** Failed assertions with their diagnoses, and a plan that was not met. */
  failures: string[];
}

/**
 * Runs a test as `supabase test db` does: as the role `postgres`, in a transaction that the test
 * rolls back. `preparation` runs before it, as the superuser.
 */
export async function runPgtap(
  superuserUrl: string,
  text: string,
  preparation = "",
): Promise<TapResult> {
  const sql = postgres(superuserUrl, { max: 1, onnotice() {} });
  try {
    // The test's own `begin` joins this transaction, and its `rollback` ends it.
    const results = await sql.unsafe(
      `begin; set local search_path = extensions; ${await pgtapSource()};
       set local search_path = public, extensions; ${preparation};
       set local session authorization postgres; ${text}`,
    ).simple();
    return tapResult(linesOf(results));
  } finally {
    await sql.end();
  }
}

function linesOf(results: unknown): string[] {
  return [results].flat(2).flatMap((row) =>
    typeof row === "object" && row !== null ? Object.values(row) : []
  ).filter((value) => typeof value === "string");
}

function tapResult(lines: string[]): TapResult {
  return {
    passed: lines.filter((line) => line.startsWith("ok ")).length,
    failures: lines.filter((line) => /^(not ok|# Looks like) /.test(line)),
  };
}

/** The statements that make pgTAP's functions. */
async function pgtapSource(): Promise<string> {
  // PGlite asks for the place of its archive in the same way.
  const { bundlePath } = await pgtap.setup(undefined as never, {});
  if (!bundlePath) throw new Error("The package has no archive of pgTAP.");
  const archive = (await fetch(bundlePath)).body;
  if (!archive) throw new Error("The archive of pgTAP is empty.");
  const tar = await new Response(archive.pipeThrough(new DecompressionStream("gzip"))).bytes();
  return fileOf(tar, PGTAP);
}

/** A file of a tar archive. Source: POSIX, "ustar Interchange Format". */
function fileOf(tar: Uint8Array, path: string): string {
  const text = (from: number, length: number) =>
    new TextDecoder().decode(tar.subarray(from, from + length)).replace(/\0.*$/s, "");
  let at = 0;
  while (at < tar.length) {
    const size = parseInt(text(at + 124, 12), 8) || 0;
    if (text(at, 100) === path) return text(at + BLOCK, size);
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  throw new Error(`The archive has no ${path}.`);
}
