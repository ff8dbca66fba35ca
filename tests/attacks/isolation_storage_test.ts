/**
 * The storage shows and changes no file of another workspace, in both buckets: every kind of caller, and
 * the same answer to a foreign path as to one that never existed.
 */
import { assertEquals } from "@std/assert";
import { bytesOf } from "../support/files.ts";
import { sql, stack, test } from "../support/workspace.ts";
import { createIntruders, type Intruder } from "./intruders.ts";
import { Leaks, type TextAnswer, textOf } from "./leaks.ts";
import { createVictim, type Victim } from "./victim.ts";

const PRIVATE = "portico-attachments";
const PUBLIC = "attachments";

/** A form or a file as it is, and anything else as JSON. */
type Content = FormData | Blob | object;

function send(
  { headers }: Intruder,
  method: string,
  path: string,
  body?: Content,
  more: Record<string, string> = {},
): Promise<TextAnswer> {
  const isRaw = body instanceof FormData || body instanceof Blob;
  const json = body && !isRaw ? { "Content-Type": "application/json" } : undefined;
  return textOf(fetch(`${stack.apiUrl}/storage/v1/${path}`, {
    method,
    headers: { ...headers, ...json, ...more },
    body: isRaw ? body : body && JSON.stringify(body),
  }));
}

function form(): FormData {
  const data = new FormData();
  data.append("file", new Blob([bytesOf("%PDF-changed")], { type: "application/pdf" }), "a.pdf");
  return data;
}

/** A request about a path of a bucket. */
type Attempt = [
  method: string,
  path: (bucket: string, path: string) => string,
  body?: (bucket: string, path: string) => Content,
  headers?: Record<string, string>,
];

const upsert = { "x-upsert": "true" };
const moved = (bucketId: string, sourceKey: string) => ({
  ...{ bucketId, sourceKey },
  destinationKey: `${crypto.randomUUID()}/moved.pdf`,
});
const moveOver = (bucketId: string, destinationKey: string) => ({
  ...{ bucketId, destinationKey },
  sourceKey: `${crypto.randomUUID()}/moved.pdf`,
});

/** Whoever knows a path of the public bucket may read the file, so its paths are no secrets. */
const READS: Attempt[] = [
  ["GET", (bucket, path) => `object/${bucket}/${path}`],
  ["HEAD", (bucket, path) => `object/${bucket}/${path}`],
  ["GET", (bucket, path) => `object/authenticated/${bucket}/${path}`],
  ["GET", (bucket, path) => `object/public/${bucket}/${path}`],
  ["GET", (bucket, path) => `object/info/${bucket}/${path}`],
  ["POST", (bucket, path) => `object/sign/${bucket}/${path}`, () => ({ expiresIn: 60 })],
  ["POST", (bucket) => `object/sign/${bucket}`, (_, path) => ({ expiresIn: 60, paths: [path] })],
  ["POST", (bucket, path) => `object/upload/sign/${bucket}/${path}`, () => ({})],
  ["POST", (bucket, path) => `object/upload/sign/${bucket}/${path}`, () => ({}), upsert],
  ["POST", (bucket, path) => `object/${bucket}/${path}`, form],
  ["POST", (bucket, path) => `object/${bucket}/${path}`, form, upsert],
];
/** A member may write a path of the public bucket that is free. */
const OVERWRITE: Attempt = [
  "PUT",
  (bucket, path) => `object/${bucket}/${path}`,
  () => new Blob(["%PDF-changed"], { type: "application/pdf" }),
];
const CHANGES: Attempt[] = [
  ["POST", () => "object/move", moved],
  ["POST", () => "object/move", moveOver],
  ["POST", () => "object/copy", moved],
  ["DELETE", (bucket, path) => `object/${bucket}/${path}`],
  ["DELETE", (bucket) => `object/${bucket}`, (_, path) => ({ prefixes: [path] })],
];

test("the storage tells no caller anything about a file of another workspace", async () => {
  const victim = await createVictim();
  const { callers } = await createIntruders(victim.workspace);
  const before = await filesOf(victim);
  const leaks = new Leaks(victim);
  for (const caller of callers) {
    for (const attempt of [...READS, OVERWRITE, ...CHANGES]) {
      await about(leaks, victim, PRIVATE, caller, attempt);
    }
    for (const attempt of CHANGES) await about(leaks, victim, PUBLIC, caller, attempt);
    const taken = `object/${PUBLIC}/${victim.files[PUBLIC]}`;
    leaks.refused(`${caller.name}: PUT`, await send(caller, "PUT", taken, OVERWRITE[2]?.("", "")));
    await list(leaks, victim, caller);
  }
  leaks.assertNone();
  assertEquals(await filesOf(victim), before);
});

async function about(
  leaks: Leaks,
  { files }: Victim,
  bucket: string,
  caller: Intruder,
  [method, address, body, headers]: Attempt,
): Promise<void> {
  const path = files[bucket] ?? "";
  const absent = path.replace(/[^/]+$/, `${crypto.randomUUID()}.pdf`);
  await leaks.compare(
    caller,
    `${method} ${address(bucket, "<path>")}`,
    path,
    absent,
    (value) => send(caller, method, address(bucket, value), body?.(bucket, value), headers),
  );
}

/** Lists by prefix and by search word, and requests about the buckets themselves. */
async function list(leaks: Leaks, victim: Victim, caller: Intruder): Promise<void> {
  const { workspace, marker, files } = victim;
  const folder = files[PRIVATE]?.split("/").slice(0, 2).join("/") ?? "";
  for (const bucket of [PRIVATE, PUBLIC]) {
    for (const prefix of ["", workspace.id, folder, `${folder}/../${folder}`]) {
      for (const search of ["", marker, "%"]) {
        const body = { prefix, search, limit: 1_000 };
        const answer = await send(caller, "POST", `object/list/${bucket}`, body);
        leaks.inspect(`${caller.name}: list ${bucket} ${prefix}`, answer, JSON.stringify(body));
      }
    }
    for (const [method, path, body] of BUCKET_CHANGES) {
      const answer = await send(caller, method, path.replace("?", bucket), body);
      leaks.refused(`${caller.name}: ${method} ${path} ${bucket}`, answer);
    }
  }
}

const BUCKET_CHANGES: [string, string, object?][] = [
  ["PUT", "bucket/?", { public: true }],
  ["POST", "bucket/?/empty", {}],
  ["DELETE", "bucket/?"],
];

async function filesOf({ workspace: { admin } }: Victim) {
  const rows = await sql`
    select bucket_id, name, owner_id, metadata ->> 'size' as size from storage.objects
    where owner_id = ${admin.user_id} or name like (
      select workspace_id || '/%' from public.sales where id = ${admin.id}
    )
    order by 1, 2`;
  const buckets = await sql`select id, public from storage.buckets where id like '%attachments'`;
  return [...rows, ...buckets].map((row) => ({ ...row }));
}
