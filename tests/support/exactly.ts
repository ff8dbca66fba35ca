/** Values that must exist: the functions throw when something is missing. */

/** An array of `Count` items; of any length when `Count` is just a number. */
export type Tuple<Item, Count extends number, Items extends Item[] = []> = number extends Count
  ? Item[]
  : Items["length"] extends Count ? Items
  : Tuple<Item, Count, [...Items, Item]>;

/**
 * Returns the items as a tuple of `count` items. Throws when there are fewer or more.
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

/** Returns the only item. Throws when there are none or several. */
export function only<Item>(items: readonly Item[]): Item {
  const [item] = exactly<Item, 1>(1, items);
  return item;
}

/** Returns a value. Throws with its name when it is null or undefined. */
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
