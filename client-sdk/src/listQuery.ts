/** Queries of lists, typed by what each field may be asked. */

type Single = string | number | boolean | Date;
type List = readonly (string | number)[];

/** What a condition with this operator takes. */
export type FilterValue<Operator> = Operator extends "in" ? List
  : Operator extends "cs" | "cd" | "ov" ? List | string | number
  : Operator extends "is" ? null | boolean | "null" | "not.null"
  : Single;

/** `field: value`: equality, or for an array that it contains the value. */
type Plain<Operators> = Operators extends "cs" ? FilterValue<"cs"> : never;

/** `field@operator`, for every operator of every field. */
type Key<Operators> = {
  [Field in keyof Operators & string]: `${Field}@${Operators[Field] & string}`;
}[keyof Operators & string];

type Conditions<Operators> = {
  [Name in Key<Operators>]?: Name extends `${string}@${infer Operator}` ? FilterValue<Operator>
    : never;
};

/**
 * A list's query. `Operators` maps each field to the operators it takes, `Field` are the fields of a
 * record, `Include` what may come with it.
 */
export type ListQuery<Operators, Field extends string, Include extends string> =
  & { [Name in keyof Operators]?: Single | Plain<Operators[Name]> }
  & Conditions<Operators>
  & {
    /** Words that must all occur, each as a prefix. */
    q?: string;
    /** `-last_seen`, or several of them; `-` is descending. */
    sort?: Sort<Field> | readonly Sort<Field>[];
    /** Records of one page: 25 unless said, at most 200. */
    limit?: number;
    /** `next_cursor` of the page before. */
    cursor?: string;
    /** Count all that match, all of them, or up to 10,000. */
    count?: "exact" | "estimated";
    /** Only these fields. */
    select?: readonly Field[];
    /** Related records, too. */
    include?: readonly Include[];
  };

type Sort<Field extends string> = Field | `-${Field}`;
