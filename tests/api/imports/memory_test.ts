/**
 * imports: how much memory they take. The platform gives a function 256 MB, and V8 grows with the
 * garbage that it finds, so the bytes that a row allocates are limited too. No test measures time.
 */
import inspector from "node:inspector";
import { fromFileUrl } from "@std/path";
import { assert, assertEquals } from "@std/assert";
import { type AppUnderTest, withApp } from "../../support/app.ts";
import { present } from "../../support/exactly.ts";
import { createWorkspace, test, type TestMember } from "../../support/workspace.ts";
import { createImport, ended } from "./importing.ts";

const ROWS = 2_000;

function people(from: number): string {
  const rows = Array.from({ length: ROWS }, (_, index) => {
    const row = from + index;
    return `Ada,Number ${row},ada.${row}@company-${row % 50}.example,+49 30 ${1_000_000 + row},` +
      `Company ${row % 50},Buyer,"Met at the fair, asked for ${row}"`;
  });
  return `First name,Last name,Email,Phone,Company,Job title,Notes\n${rows.join("\n")}\n`;
}

/** Runs an import in this process, and waits for its end. */
async function run(app: AppUnderTest, member: TestMember, content: string): Promise<void> {
  const { id } = await createImport(member, { content });
  const headers = { Authorization: `Bearer ${member.token}`, "Content-Type": "application/json" };
  await app.send(`/api/imports/${id}/run`, { method: "POST", headers, body: "{}" });
  const done = await ended(member, id);
  assertEquals([done.state, done.row_count, done.rejected_count], ["completed", ROWS, 0]);
}

interface Node {
  selfSize: number;
  children: Node[];
}

function sizeOf({ selfSize, children }: Node): number {
  return children.reduce((sum, child) => sum + sizeOf(child), selfSize);
}

/** Source: https://chromedevtools.github.io/devtools-protocol/v8/HeapProfiler/ */
function openProfiler() {
  const session = new inspector.Session();
  session.connect();
  const send = <Result>(method: string, parameters = {}) =>
    new Promise<Result>((resolve, reject) =>
      session.post(
        `HeapProfiler.${method}`,
        parameters,
        (error: Error | null, result?: object) => error ? reject(error) : resolve(result as Result),
      )
    );
  return { send, [Symbol.dispose]: () => session.disconnect() };
}

test("imports allocate at most 19 kB for a row, and keep nothing of it", async () => {
  const { admin } = await createWorkspace();
  using profiler = openProfiler();
  await withApp({}, async (app) => {
    const kept: number[] = [];
    for (const from of [0, 10_000, 20_000]) {
      await run(app, admin, people(from));
      await profiler.send("collectGarbage");
      kept.push(Deno.memoryUsage().heapUsed);
    }
    const first = present(kept.at(0), "size");
    const last = present(kept.at(-1), "size");
    assert(last < first * 1.1, `The heap grew from ${first} to ${last} bytes.`);
    await profiler.send("startSampling", {
      samplingInterval: 16_384,
      includeObjectsCollectedByMajorGC: true,
      includeObjectsCollectedByMinorGC: true,
    });
    await run(app, admin, people(0));
    const { profile } = await profiler.send<{ profile: { head: Node } }>("stopSampling");
    const bytes = sizeOf(profile.head) / ROWS;
    assert(bytes < 19_000, `A row allocates ${Math.round(bytes)} bytes.`);
  });
});

test("imports read a workbook of nearly 20 MB in a heap of 40 MB", async () => {
  const script = fromFileUrl(new URL("largeWorkbook.ts", import.meta.url));
  const command = (limit: number, ...args: string[]) =>
    new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--no-check",
        "--quiet",
        `--v8-flags=--max-heap-size=${limit}`,
        script,
        ...args,
      ],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  const writer = command(1_000, "write");
  await writer.stdin.close();
  const { stdout: bytes } = await writer.output();
  const reader = command(40);
  const input = reader.stdin.getWriter();
  await input.write(bytes);
  await input.close();
  const { stdout, stderr, success } = await reader.output();
  assert(success, new TextDecoder().decode(stderr).slice(-500));
  assert(Number(new TextDecoder().decode(stdout)) > 3_000_000);
});
