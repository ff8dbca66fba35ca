/** Filters of react-admin. */

/**
 * Returns the query of a filter. Its members are conditions of the API: `status`, `last_seen@gte`,
 * `q`, or `last_seen: { gte, lt }`. An array means one of its values; for a field with ids (`ids`),
 * all of them. Empty texts and arrays, which empty inputs leave behind, are no conditions.
 */
export function filterOf(
  filter: Record<string, unknown>,
  ids: readonly string[] = [],
): Record<string, unknown> {
  const conditions = Object.entries(filter).flatMap(([name, value]) => {
    const given = withoutEmpty(value);
    if (given === undefined) return [];
    const isChoice = Array.isArray(given) && !ids.includes(name) && !name.includes("@");
    return [[isChoice ? `${name}@in` : name, given]];
  });
  return Object.fromEntries(conditions);
}

function withoutEmpty(value: unknown): unknown {
  if (value === "" || (Array.isArray(value) && value.length === 0)) return undefined;
  const isConditions = typeof value === "object" && value !== null && !Array.isArray(value) &&
    !(value instanceof Date);
  if (!isConditions) return value;
  const given = Object.entries(value).filter(([, operand]) => withoutEmpty(operand) !== undefined);
  return given.length > 0 ? Object.fromEntries(given) : undefined;
}
