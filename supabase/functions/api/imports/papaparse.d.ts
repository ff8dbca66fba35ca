/** The parts of Papa Parse that imports use. `@types/papaparse` would bring the types of Node. */

interface Result {
  data: string[][];
  /** `row` is the index in `data`. */
  errors: { type: string; row?: number }[];
  meta: {
    delimiter: string;
    /** Position in the text after the last row. */
    cursor: number;
  };
}

interface ParserOptions {
  delimiter: string;
  newline: string;
  preview: number;
  fastMode: boolean;
}

declare const Papa: {
  parse(
    text: string,
    options: { preview: number; delimitersToGuess: string[]; skipEmptyLines: boolean },
  ): Result;
  unparse(rows: unknown[][], options: { newline: string }): string;
  Parser: new (options: ParserOptions) => {
    parse(text: string, baseIndex: number, ignoreLastRow: boolean): Result;
  };
};
export default Papa;
