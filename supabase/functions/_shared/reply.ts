/** Results that an operation may return instead of a plain value. */

/** A result with a status or headers of its own. */
export class Reply {
  constructor(
    readonly body: unknown,
    readonly options: {
      status?: 200 | 201 | 202 | 204 | 207;
      headers?: Record<string, string>;
      /** Number of records that the work wrote, when the body did not tell it. */
      records?: number;
    } = {},
  ) {}
}

/** An answer of bytes that are made while they are sent, such as a CSV file or server-sent events. */
export class StreamReply {
  constructor(
    readonly body: ReadableStream<Uint8Array>,
    readonly headers: Record<string, string>,
  ) {}
}

/** A body that Postgres has built as JSON, and that is sent unparsed. */
export class JsonText {
  constructor(readonly text: string) {}
}
