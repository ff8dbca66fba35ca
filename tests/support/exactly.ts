/** Arrays whose length is known: what was asked for is there, or the test fails where it was asked. */

/** An array of `Count` items; of any length when `Count` is just a number. */
export type Tuple<Item, Count extends number, Items extends Item[] = []> = number extends Count
  ? Item[]
  : Items["length"] extends Count ? Items
  : Tuple<Item, Count, [...Items, Item]>;

/**
 * The items themselves, typed as so many. Throws when there are fewer or more.
 *
 *     const [winner, loser] = exactly(2, ids);
 */
export function exactly<Item, Count extends number>(
  count: Count,
  items: readonly Item[],
): Tuple<Item, Count> {
  const found = [...items];
  if (!hasLength(found, count)) {
    throw new Error(`${count} expected, ${found.length} found: ${JSON.stringify(found)}`);
  }
  return found;
}

/** The only item. Throws when there are none or several. */
export function only<Item>(items: readonly Item[]): Item {
  const [item] = exactly<Item, 1>(1, items);
  return item;
}

/** A value that must be there. Throws, naming it, when it is not. */
export function present<Value>(value: Value | null | undefined, name: string): Value {
  if (value === null || value === undefined) throw new Error(`There is no ${name}.`);
  return value;
}

function hasLength<Item, Count extends number>(
  items: Item[],
  count: Count,
): items is Item[] & Tuple<Item, Count> {
  return items.length === count;
}
