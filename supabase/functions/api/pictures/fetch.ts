/**
 * The job that finds pictures for contacts and companies without one. A trigger queues a record when its
 * e-mail address or website changes. The job claims queued records in a short transaction, asks the sources
 * outside of any transaction, and stores what it found in another one.
 */
import * as z from "zod";
import type { Sql } from "../../_shared/database/database.ts";
import { createInternet, type Internet, NoPublicAnswer } from "../../_shared/internet/internet.ts";
import { job, type JobContext } from "../../_shared/operation.ts";
import { invariant, Problem } from "../../_shared/problem.ts";
import { runSteps } from "../jobs/steps.ts";
import type { Image } from "./images.ts";
import type { Picture } from "./schema.ts";
import { findGravatar, findIcon } from "./sources.ts";
import { picturePath, storePicture } from "./store.ts";

/** Number of records whose sources are asked at the same time. */
const STEP_SIZE = 10;

const PictureFetches = z.object({
  enabled: z.boolean().describe("`false` when the function has no `PICTURE_SOURCES`."),
  claimed: z.int().describe("Number of records whose sources were asked."),
  stored: z.int().describe("Number of records that got a picture."),
  complete: z.boolean().describe("Whether no record is left. `false`: run the job again."),
}).meta({ id: "PictureFetches" });
type PictureFetches = z.output<typeof PictureFetches>;

/** A queued record with the addresses and domains to look for. */
interface Claim {
  table_name: string;
  record_id: number;
  workspace_id: string;
  /** When it was queued. A later change of the record queues it again. */
  queued_at: string;
  emails: string[];
  domains: string[];
}

export const fetchPictures = job({
  id: "jobs.fetch_pictures",
  path: "/jobs/fetch_pictures",
  summary: "Look for pictures of contacts and companies without one",
  description:
    "A contact gets the gravatar of an e-mail address or the icon of its domain, a company the icon " +
    "of its website. It asks only the sources in `PICTURE_SOURCES`. A record is tried three times.",
  output: PictureFetches,
  run: async (context) => {
    const enabled = context.settings.pictureSources.length > 0;
    const result: PictureFetches = { enabled, claimed: 0, stored: 0, complete: true };
    if (!enabled) return result;
    const internet = createInternet(context.network);
    await runSteps(async () => {
      const { examined, claims } = await claim(context);
      const stored = await Promise.all(claims.map((item) => fetchPicture(context, internet, item)));
      result.claimed += claims.length;
      result.stored += stored.filter((isStored) => isStored).length;
      result.complete = examined === 0;
      return result.complete;
    });
    return result;
  },
});

async function claim(
  { transaction, settings }: JobContext,
): Promise<{ examined: number; claims: Claim[] }> {
  const [gravatar, favicons] = (["gravatar", "favicons"] as const)
    .map((source) => settings.pictureSources.includes(source));
  const [row] = await transaction((sql) =>
    sql<{ claimed: { examined: number; claims: Claim[] } }[]>`
      select gateway.claim_picture_fetches(
        ${STEP_SIZE}::integer, ${gravatar === true}, ${favicons === true}
      ) as claimed`
  );
  return invariant(row, "The claim returned no row").claimed;
}

/** Returns whether the record got a picture. */
async function fetchPicture(
  context: JobContext,
  internet: Internet,
  item: Claim,
): Promise<boolean> {
  try {
    const image = await findImage(internet, item);
    const picture = image && await store(context, item, image);
    return await finish(context, item, picture, false);
  } catch (error) {
    const isTemporary = error instanceof NoPublicAnswer
      ? error.isTemporary
      : error instanceof Problem && error.code === "storage_unavailable";
    if (!isTemporary && !(error instanceof NoPublicAnswer)) throw error;
    return await finish(context, item, undefined, isTemporary);
  }
}

async function findImage(
  internet: Internet,
  { emails, domains }: Claim,
): Promise<Image | undefined> {
  for (const email of emails) {
    const image = await findGravatar(internet, email);
    if (image) return image;
  }
  for (const domain of domains) {
    const image = await findIcon(internet, domain);
    if (image) return image;
  }
  return undefined;
}

async function store(
  { storage, transaction }: JobContext,
  { table_name, workspace_id }: Claim,
  image: Image,
): Promise<Picture> {
  const title = table_name === "companies" ? "Company favicon" : "Avatar";
  return await storePicture(storage, image, title, (fileName) => {
    const path = picturePath(workspace_id, fileName);
    return transaction(async (sql: Sql) => {
      await sql`select gateway.queue_picture(${workspace_id}::uuid, ${path})`;
      return path;
    });
  });
}

async function finish(
  { transaction, requestId }: JobContext,
  { table_name, record_id, queued_at }: Claim,
  picture: Picture | undefined,
  retry: boolean,
): Promise<boolean> {
  return await transaction(async (sql) => {
    await sql`select set_config('portico.request_id', ${requestId}, true)`;
    // As text, since the driver cuts the microseconds of a time.
    const [row] = await sql<{ stored: boolean }[]>`
      select gateway.finish_picture_fetch(
        ${table_name}, ${record_id}::bigint, ${queued_at}::text::timestamptz,
        ${picture ? JSON.stringify(picture) : null}::text::jsonb, ${retry}::boolean
      ) as stored`;
    return row?.stored ?? false;
  });
}
