/** What an operation may return instead of a plain value. */

/** An answer that differs from the operation's `status`, or that has a body in JSON already. */
export class Reply {
  constructor(
    readonly body: unknown,
    readonly options: { status?: 200 | 201 | 202 | 204 | 207; headers?: Record<string, string> } =
      {},
  ) {}
}

/** JSON that Postgres has built, passed through unparsed. */
export class JsonText {
  constructor(readonly text: string) {}
}
