/** Types of the queries of lists. */

type Single = string | number | boolean | Date;
type List = readonly (string | number)[];

/** The value of a condition with this operator. */
type FilterValue<Operator> = Operator extends "in" ? List
  : Operator extends "cs" | "cd" | "ov" ? List | string | number
  : Operator extends "is" ? null | boolean | "null" | "not.null"
  : Single;

/** `field: value`: the field equals the value, or an array contains it. */
type Contained<Operators> = Operators extends "cs" ? FilterValue<"cs"> : never;

/** `field@operator`, for every operator of every field. */
type Key<Operators> = {
  [Field in keyof Operators & string]: `${Field}@${Operators[Field] & string}`;
}[keyof Operators & string];

type Conditions<Operators> = {
  [Name in Key<Operators>]?: Name extends `${string}@${infer Operator}` ? FilterValue<Operator>
    : never;
};

/**
 * The query of a list. `Operators` maps each field to its operators. `Field` is a field of the
 * record. `Include` is the name of related records.
 */
export type ListQuery<Operators, Field extends string, Include extends string> =
  & { [Name in keyof Operators]?: Single | Contained<Operators[Name]> }
  & Conditions<Operators>
  & {
    /** Words to search for. A record matches when it contains all of them, each as a prefix. */
    q?: string;
    /** Fields to sort by, with `-` for descending order: `-last_seen`. */
    sort?: Sort<Field> | readonly Sort<Field>[];
    /** Maximum number of records on a page. */
    limit?: number;
    /** `next_cursor` of the previous page. */
    cursor?: string;
    /** Adds `total`, the number of matching records. `estimated` counts up to 10,000. */
    count?: "exact" | "estimated";
    /** Fields to return. Default: all. */
    select?: readonly Field[];
    /** Related records to return with each record. */
    include?: readonly Include[];
  };

type Sort<Field extends string> = Field | `-${Field}`;
