/** A part of a file that is no row. It becomes a rejected row, with its beginning and the reason. */
export class BrokenLine {
  readonly text: string;

  constructor(text: string, readonly reason: string) {
    this.text = text.slice(0, 1_000);
  }
}
