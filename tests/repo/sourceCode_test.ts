/** The tools of the layout rules: import cycles, lengths of functions, words of a source file. */
import { assertEquals } from "@std/assert";
import { functionsOf, importCycles, importsOf, wordsOf } from "../support/sourceCode.ts";

const file = (path: string, text: string) => ({ path, text });

Deno.test("importCycles returns the whole path, also of types and dynamic imports", () => {
  const files = [
    file("x/a.ts", 'import { b } from "./b.ts";'),
    file("x/b.ts", 'import type { C } from "../y/c.ts";'),
    file("y/c.ts", 'export const load = () => import("../x/a.ts");'),
    file("y/d.ts", 'export { a } from "../x/a.ts";'),
  ];
  assertEquals(importCycles(files), ["x/a.ts → x/b.ts → y/c.ts → x/a.ts"]);
});

Deno.test("importCycles returns each cycle once, and none without a cycle", () => {
  const files = [
    file("a.ts", 'import "./b.ts"; import "./c.ts";'),
    file("b.ts", 'import "./a.ts";'),
    file("c.ts", 'import "./a.ts"; import "./d.ts";'),
    file("d.ts", 'import "zod";'),
    file("e.ts", 'import "./e.ts";'),
  ];
  assertEquals(importCycles(files), ["a.ts → b.ts → a.ts", "a.ts → c.ts → a.ts", "e.ts → e.ts"]);
  assertEquals(importCycles(files.slice(3, 4)), []);
});

Deno.test("importsOf finds every form of import, and ignores text that only looks like one", () => {
  const text = `
    import one, { type Two } from "one";
    import { type Three } from "three";
    export * from "./four.ts";
    type Five = import("five").Five;
    const six = await import("six");
    // import "seven";
    const eight = 'import "eight"';`;
  assertEquals(
    importsOf(file("x/a.ts", text)).map(({ target, typeOnly }) => `${target} ${typeOnly}`),
    ["one false", "three true", "x/four.ts false", "five true", "six false"],
  );
});

Deno.test("functionsOf counts inner functions for the outer one, except members of objects", () => {
  const lines = (count: number) => "  work();\n".repeat(count);
  const text = `function outer() {
  const inner = () => {
${lines(3)}  };
  return {
    member() {
${lines(5)}    },
    other: () => {
${lines(7)}    },
  };
}`;
  assertEquals(
    functionsOf(file("a.ts", text)).map(({ place, lines }) => `${place} ${lines}`),
    ["a.ts:1 outer 11", "a.ts:2 inner 5", "a.ts:8 member 7", "a.ts:15 other 9"],
  );
});

Deno.test("wordsOf returns literals and names in snake_case, without comments and imports", () => {
  const text = [
    'import { tags } from "../contacts/deals.ts";',
    "// contacts",
    "const tags = row.sales_id;",
    'sql`select ${"deals"} from tasks`;',
  ].join("\n");
  assertEquals(wordsOf(file("a.ts", text)).map(({ word, line }) => `${line} ${word}`), [
    "3 sales_id",
    "4 select",
    "4 deals",
    "4 from",
    "4 tasks",
  ]);
});
