/** Downloading a file: the operation returns a URL to download it from. */
import { saga, type SagaContext } from "../../_shared/operation.ts";
import { found } from "../../_shared/problem.ts";
import { BUCKET, fileNameOf } from "./files.ts";
import { Download, DownloadQuery } from "./schema.ts";

const DOWNLOAD_SECONDS = 60;

export const createDownload = saga({
  id: "attachments.url",
  method: "GET",
  path: "/attachments/url",
  summary: "Get a URL to download a file from",
  description:
    "The URL is valid for one minute. The browser saves the file and does not display it.",
  access: "member",
  query: DownloadQuery,
  queryExample: {
    path: "00000000-0000-4000-8000-000000000000/00000000-0000-4000-8000-000000000000/Offer.pdf",
  },
  output: Download,
  problems: ["not_found", "storage_unavailable"],
  run: (context, { query }) => signDownload(context, query.path),
});

/** Row-level security shows a member only the files of their workspace. */
async function signDownload(
  { storage, transaction }: SagaContext,
  path: string,
): Promise<Download> {
  const [file] = await transaction((sql) =>
    sql<{ name: string }[]>`
      select name from storage.objects where bucket_id = ${BUCKET} and name = ${path}`
  );
  const name = fileNameOf(found(file, "file").name) ?? "file";
  const url = await storage.signDownload({ bucket: BUCKET, path }, DOWNLOAD_SECONDS, name);
  return { url, expires_in: DOWNLOAD_SECONDS };
}
