/** The migrations as text: each object is created once, in its final form. Needs no stack. */
import { assert, assertEquals } from "@std/assert";
import { filesBelow, type SourceFile } from "../support/sourceFiles.ts";

/** Kind of object → pattern of the statement that creates it, with its name. */
const CREATIONS: Record<string, RegExp> = {
  table: /^create (?:unlogged )?table (?:if not exists )?([\w."]+)/gm,
  view: /^create (?:or replace )?(?:materialized )?view ([\w."]+)/gm,
  index: /^create (?:unique )?index (?:concurrently )?(?:if not exists )?([\w."]+)/gm,
  function:
    /^create (?:or replace )?(?:function|procedure) ([\w."]+\([^$]*?\))\s+(?:returns|language)/gm,
  trigger: /^create (?:or replace )?(?:constraint )?trigger ("[^"]+"|\w+)\s[^;$]*?\son ([\w.]+)/gm,
  policy: /^create policy ("[^"]+"|\w+) on ([\w.]+)/gm,
};

/** Object → the places in the migrations that create it. */
function creations(migrations: SourceFile[]): Map<string, string[]> {
  const places = new Map<string, string[]>();
  for (const { path, text } of migrations) {
    for (const [kind, pattern] of Object.entries(CREATIONS)) {
      for (const { index, 1: name = "", 2: table } of text.matchAll(pattern)) {
        const object = `${kind} ${signature(name)}${table ? ` on ${table}` : ""}`;
        const line = text.slice(0, index).split("\n").length;
        places.set(object, [...places.get(object) ?? [], `${path}:${line}`]);
      }
    }
  }
  return places;
}

/** A function's name with the types of its parameters, so that overloads differ. */
function signature(name: string): string {
  const [, called = name, parameters] = /^([^(]+)\(([\s\S]*)\)$/.exec(name) ?? [];
  if (parameters === undefined) return called;
  const types = parameters.split(",").map((parameter) => parameter.trim().split(/\s+/))
    .filter(([mode]) => mode !== "out")
    .map((words) => words.slice(1).join(" "));
  return `${called}(${types.join(", ")})`;
}

/** Objects that are created more than once, with all their places. */
function createdTwice(migrations: SourceFile[]): string[] {
  return [...creations(migrations)].filter(([, places]) => places.length > 1)
    .map(([object, places]) => `${object}: ${places.join(", ")}`);
}

Deno.test("migrations: each object is created once", async () => {
  const migrations = await filesBelow("supabase/migrations", [".sql"]);
  const kinds = [...creations(migrations).keys()].map((object) => object.split(" ")[0]);
  assertEquals(new Set(kinds), new Set(Object.keys(CREATIONS)));
  assertEquals(
    createdTwice(migrations),
    [],
    "Until the first release, change the place where the object is created.",
  );
});

Deno.test("migrations: no column is added later, and nothing is dropped or renamed", async () => {
  const migrations = await filesBelow("supabase/migrations", [".sql"]);
  const found = migrations.flatMap(({ path, text }) =>
    text.split("\n").flatMap((line, index) =>
      /^\s*(create or replace|add column|drop (table|view|index|function|trigger|policy|constraint)|alter .* rename)\b/
          .test(line) || /^alter table .* (add|drop) column/.test(line)
        ? [`${path}:${index + 1}: ${line.trim()}`]
        : []
    )
  );
  assertEquals(found, [], "Until the first release, change the place where the object is created.");
});

Deno.test("migrations: createdTwice finds an object with both of its places", () => {
  const first = [
    "create table public.a (\n  id bigint\n);",
    "create function private.f(x bigint, y text)\nreturns text\nlanguage sql as $$ select 1 $$;",
    'create trigger "10_t"\n  before insert on public.a\n  for each row execute function private.g();',
    'create policy "p" on public.a for select using (true);',
    "create unique index i on public.a (id);",
    "create view public.v as select 1;",
  ].join("\n");
  const second = first.replaceAll("create function", "create or replace function");
  const overload =
    "create function private.f(x bigint)\nreturns text\nlanguage sql as $$ select 1 $$;";
  const found = createdTwice([
    { path: "1.sql", text: first },
    { path: "2.sql", text: `${overload}\n${second}` },
  ]);
  assertEquals(
    found.map((line) => line.replace(/:.*/, "")).sort(),
    [
      "function private.f(bigint, text)",
      'policy "p" on public.a',
      "index i",
      "table public.a",
      'trigger "10_t" on public.a',
      "view public.v",
    ].sort(),
  );
  assert(found.includes("table public.a: 1.sql:1, 2.sql:4"));
});
