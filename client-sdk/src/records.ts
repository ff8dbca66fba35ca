/** Types of records in requests and answers. */
import type { Page } from "./call.ts";

/** A record with the fields of `select`, and with the related records of `include`. */
export type Selected<Row, Select, Include> = Fields<Row, Select> & Included<Row, Include>;

/** An array whose items are not known when the program is compiled may select any of the fields. */
type Fields<Row, Select> = Select extends readonly (infer Field)[]
  ? number extends Select["length"] ? Partial<Row> : Pick<Row, Field & keyof Row>
  : Row;

type Included<Row, Include> = Include extends readonly (infer Name)[]
  ? number extends Include["length"] ? unknown : Required<Pick<Row, Name & keyof Row>>
  : unknown;

/** The page of a list with `count: "exact"`. */
export interface CountedPage<Item> extends Page<Item> {
  total: number;
}

/** The page of a list with this `count`. */
export type PageOf<Item, Count> = Count extends "exact" ? CountedPage<Item> : Page<Item>;

/** The value of `sort`: fields to sort by, with `-` for descending order. */
export type Sort<Field extends string> = Key<Field> | readonly Key<Field>[];
type Key<Field extends string> = Field | `-${Field}`;

/**
 * The body of a change. It may be the record as it was read: a field may have the value of the
 * record, whose other fields are not sent.
 */
export type Changed<Input, Row> = {
  [Field in keyof Input]: Input[Field] | (Field extends keyof Row ? Row[Field] : never);
};

/** Returns the body of a change without the fields that cannot be changed. */
export function withoutFields<Body extends object>(body: Body, fields: string): Partial<Body> {
  const left = new Set(fields.split(" "));
  return Object.fromEntries(
    Object.entries(body).filter(([field]) => !left.has(field)),
  ) as Partial<Body>;
}
