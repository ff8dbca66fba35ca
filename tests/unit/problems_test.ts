/** Compares the problem codes with the sources and the migrations. */
import { assert, assertEquals } from "@std/assert";
import { problemTypes } from "../../supabase/functions/_shared/problem.ts";
import "../../supabase/functions/api/problems.ts";
import { filesBelow } from "../support/sourceFiles.ts";

Deno.test("every problem's title is a phrase, and its status an error", () => {
  for (const [code, [status, title]] of Object.entries(problemTypes())) {
    assert(/^[a-z]+(_[a-z]+)*$/.test(code), code);
    assert(status >= 400, `${code}: ${status}`);
    assert(status < 600, `${code}: ${status}`);
    assert(/^[A-Z].*[^.]$/.test(title), title);
  }
});

Deno.test("every declared code is raised somewhere, in the source or by the database", async () => {
  const files = await filesBelow("supabase", [".ts", ".sql"]);
  const prefixes = files.flatMap(({ text }) => raisedBySql(text)).filter(({ open }) => open);
  const unused = Object.keys(problemTypes()).filter((code) => {
    if (prefixes.some(({ detail }) => code.startsWith(detail))) return false;
    const thrown = new RegExp(`Problem\\(\\s*"${code}"`);
    const quoted = new RegExp(`["']${code}["']`);
    return !files.some(({ path, text }) =>
      /(_shared|api)\/problems?\.ts$/.test(path)
        ? thrown.test(text)
        : quoted.test(withoutDocumentation(text))
    );
  });
  assertEquals(unused, [], "Raise these codes, or declare them no longer.");
});

/** Atomic CRM's clients sign out at 403 of the Data API, so triggers raise these in its place. */
const IN_PLACE_OF_403 = [409, 422];

Deno.test("every code that the migrations raise is declared, with the same status", async () => {
  const wrong: string[] = [];
  let raised = 0;
  for (const { path, text } of await filesBelow("supabase/migrations", [".sql"])) {
    for (const { status, detail, open } of raisedBySql(text)) {
      raised++;
      const known = Object.entries(problemTypes())
        .filter(([code]) => open ? code.startsWith(detail) : code === detail);
      const fits = known.some(([, [expected]]) =>
        expected === 403 ? IN_PLACE_OF_403.includes(status) : expected === status
      );
      if (!fits) wrong.push(`${path}: ${detail} ${status}`);
    }
  }
  assert(raised >= 10, "The migrations raise problems in a way that this test does not see.");
  assertEquals(wrong, [], "The gateway answers 500 for a code that it does not know.");
});

interface Raised {
  status: number;
  detail: string;
  /** Whether the detail is only the beginning of a code, whose end is computed. */
  open: boolean;
}

function raisedBySql(text: string): Raised[] {
  const statements = text.matchAll(/raise exception[^;]*?errcode = 'PT(\d+)'[^;]*/gi);
  return [...statements].map(([statement, status]) => {
    const found = /detail = '(\w+)'(\s*\|\|)?/.exec(statement);
    return { status: Number(status), detail: found?.[1] ?? "", open: found?.[2] !== undefined };
  });
}

/** Declarations list problems for the documents, but raise none. */
function withoutDocumentation(text: string): string {
  return text.replaceAll(/problems: \[[^\]]*\]/g, "");
}
