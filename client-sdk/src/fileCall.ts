/** Exports: files as streams. */
import { Call } from "./call.ts";

/** An export that has been requested: a promise of its bytes as a stream. */
export class FileCall extends Call<ReadableStream<Uint8Array>> {
  /** Returns the whole file. */
  async blob(): Promise<Blob> {
    const { data, response } = await this.withResponse();
    const type = response.headers.get("content-type") ?? "";
    return new Blob([await new Response(data).blob()], { type });
  }
}

/** The query of a list for an export, which has no pages. CSV has fixed columns. */
export type ExportQuery<Query> =
  | (Omit<Query, Paging | "select" | "include"> & { format?: "csv" | undefined })
  | (Omit<Query, Paging> & { format: "ndjson" });

type Paging = "limit" | "cursor" | "offset" | "count";
