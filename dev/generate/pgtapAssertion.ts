/** An assertion of a pgTAP test. */

/** The expression of the actual value, the expected value, and a description. */
export interface Assertion {
  actual: string;
  expected: string;
  description: string;
}

/** Returns the assertion as a statement. */
export function assertionText({ actual, expected, description }: Assertion): string {
  return `select is(${actual}, ${literal(expected)}, ${literal(description)});`;
}

/** Returns a text as a literal of SQL. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
