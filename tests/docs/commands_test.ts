/**
 * The commands of the README and the guides, run as written. A block of shell either calls the API, and
 * is run against the stack, or is a command for an operator, and must name something that exists.
 */
import { assert, assertEquals } from "@std/assert";
import * as z from "zod";
import { filesBelow, readFile } from "../support/sourceFiles.ts";
import { createWorkspace, PASSWORD, stack, test } from "../support/workspace.ts";

/** A block of shell, and the names in the answer that is shown below it. */
interface Block {
  commands: string;
  shownNames: string[];
}

const FENCE = /^( *)```(\w+)\n([^]*?)^ *```$/gm;
/** What a block that calls the API contains. */
const CALLS = /\bcall\b|\$API\b/;
/** Commands for operators. They need a platform, a clone of another project, or a free port. */
const OPERATOR =
  /^(deno task [a-z:-]+|supabase (link|db push|secrets set|functions deploy)|npm (install|run build)|npx (--yes deno|vite|jsr)|VITE_\w+=|SITE_URL=)/;
/** Programs that a system may lack. */
const PROGRAMS = ["curl", "jq"];
const NEXT = "=== next block ===";

const guides = (await filesBelow("docs", [".md"])).filter(({ path }) =>
  !path.startsWith("docs/reference/")
);

const installed = new Set<string>();
for (const program of PROGRAMS) {
  const found = await new Deno.Command("bash", { args: ["-c", `command -v ${program}`] }).output();
  if (found.success) installed.add(program);
}

function blocksOf(markdown: string): Block[] {
  const fences = [...markdown.matchAll(FENCE)].map(([, , language, text = ""]) => ({
    language,
    text,
  }));
  return fences.flatMap(({ language, text }, index) => {
    if (language !== "sh") return [];
    const next = fences[index + 1];
    const shown = next?.language === "json" ? next.text : "";
    return [{
      commands: text,
      shownNames: [...shown.matchAll(/"(\w+)":/g)].map(([, name]) => `${name}`),
    }];
  });
}

const readme = { path: "README.md", text: await readFile("README.md") };
const beginning = blocksOf(readme.text).filter(({ commands }) => CALLS.test(commands));

/** Runs blocks in one shell, which stops at the first failure, and returns the output of each. */
async function run(blocks: Block[], directory: string): Promise<string[]> {
  const { admin } = await createWorkspace();
  // Other tests use the same database, where an address belongs to one user.
  const domain = `${crypto.randomUUID()}.example.com`;
  const script = blocks.map(({ commands }) => commands).join(`\necho "${NEXT}"\n`)
    .replaceAll("@example.com", `@${domain}`);
  const { success, stdout, stderr } = await new Deno.Command("bash", {
    args: ["-euo", "pipefail", "-c", script],
    cwd: directory,
    env: {
      URL: stack.apiUrl,
      KEY: stack.publishableKey,
      EMAIL: admin.email,
      PASSWORD,
      SECRET_KEY: stack.secretKey,
    },
  }).output();
  const output = new TextDecoder().decode(stdout);
  assert(success, `${output}\n${new TextDecoder().decode(stderr)}`);
  return output.split(NEXT);
}

for (const { path, text } of [readme, ...guides]) {
  const further = path === readme.path ? [] : blocksOf(text);
  const calls = [...beginning, ...further.filter(({ commands }) => CALLS.test(commands))];
  if (path !== readme.path && calls.length === beginning.length) continue;
  const name = `${path}: its calls answer what it shows`;
  const needed = PROGRAMS.filter((program) =>
    calls.some(({ commands }) => commands.includes(program))
  );
  const missing = needed.filter((program) => !installed.has(program));
  if (missing.length > 0) {
    console.log(`${path}: its calls did NOT run. They need ${missing.join(", ")}.`);
    continue;
  }
  test(name, async () => {
    const directory = await Deno.makeTempDir();
    try {
      const outputs = await run(calls, directory);
      for (const [index, { commands, shownNames }] of calls.entries()) {
        const missing = shownNames.filter((name) => !outputs[index]?.includes(`"${name}"`));
        assertEquals(missing, [], commands);
      }
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  });
}

Deno.test("the other commands of the README and the guides exist", async () => {
  const { tasks } = z.object({ tasks: z.record(z.string(), z.unknown()) })
    .parse(JSON.parse(await readFile("deno.json")));
  for (const { commands } of [readme, ...guides].flatMap(({ text }) => blocksOf(text))) {
    if (CALLS.test(commands)) continue;
    for (const line of commands.replaceAll("\\\n", " ").split("\n").map((line) => line.trim())) {
      if (line === "" || line.startsWith("#")) continue;
      assert(OPERATOR.test(line), line);
      const [, task] = /deno task ([a-z:-]+)/.exec(line) ?? [];
      assert(task === undefined || task in tasks, line);
    }
  }
});
