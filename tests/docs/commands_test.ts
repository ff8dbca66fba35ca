/**
 * The commands of the README and the guides, run as written. A block of shell either calls the API, and
 * is run against the stack, or is a command for an operator, and must name something that exists. The
 * blocks of TypeScript of a guide are one program, and so are those of Python.
 */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import * as esbuild from "esbuild";
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
const CALLS = /\bcall\b|\$API\b|\$URL\b/;
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

/** Another test's user has the address, when several guides use the same. */
function withOwnAddresses(text: string): string {
  return text.replaceAll("@example.com", `@${crypto.randomUUID()}.example.com`);
}

/** The blocks of a language as one program. */
function programOf(markdown: string, language: string): string {
  return [...markdown.matchAll(FENCE)].filter(([, , name]) => name === language)
    .map(([, , , text]) => text).join("\n");
}

/** What the guides expect in the environment. */
async function environment(): Promise<Record<string, string>> {
  const { admin } = await createWorkspace();
  const key = await admin.api.post("/api_keys", { name: "A program", role: "rep" });
  return {
    URL: stack.apiUrl,
    KEY: stack.publishableKey,
    EMAIL: admin.email,
    PASSWORD,
    SECRET_KEY: stack.secretKey,
    PORTICO_KEY: key.body.secret,
  };
}

/** Runs a program with a command that reads it from a file. Throws with its output when it fails. */
async function runProgram(
  [command, ...options]: [string, ...string[]],
  ending: string,
  text: string,
): Promise<void> {
  // A directory of its own: Python looks for modules beside the program.
  const directory = await Deno.makeTempDir();
  const file = join(directory, `program${ending}`);
  try {
    await Deno.writeTextFile(file, withOwnAddresses(text));
    const { success, stdout, stderr } = await new Deno.Command(command, {
      args: [...options, file],
      env: await environment(),
    }).output();
    const decoder = new TextDecoder();
    assert(success, `${decoder.decode(stdout)}\n${decoder.decode(stderr)}`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/**
 * Before a guide's program: its values, and a `fetch` that remembers refused requests, because
 * supabase-js returns errors that nobody has to look at.
 */
const PRELUDE = `
const { URL: url, KEY: key, EMAIL: email, PASSWORD: password } = Deno.env.toObject();
const refused = [];
const send = globalThis.fetch;
globalThis.fetch = async (...request) => {
  const answer = await send(...request);
  if (!answer.ok) refused.push(answer.url + " " + answer.status + " " + await answer.clone().text());
  return answer;
};
`;
/** After it. supabase-js keeps a timer that refreshes the session. */
const END = `if (refused.length > 0) throw new Error(refused.join("\\n"));\nDeno.exit(0);`;

/**
 * The program of a guide with its packages in it. `url`, `key`, `email` and `password` are given. Only
 * a guide that handles a PorticoError may be refused something.
 */
async function bundled(program: string): Promise<string> {
  const end = program.includes("PorticoError") ? "Deno.exit(0);" : END;
  const { outputFiles } = await esbuild.build({
    stdin: {
      contents: [PRELUDE, program, end].join("\n"),
      resolveDir: Deno.cwd(),
      loader: "ts",
    },
    alias: { "@portico/client": "./client-sdk/src/mod.ts" },
    bundle: true,
    write: false,
    format: "esm",
    platform: "browser",
  });
  await esbuild.stop();
  return outputFiles.map(({ text }) => text).join("");
}

const readme = { path: "README.md", text: await readFile("README.md") };
const beginning = blocksOf(readme.text).filter(({ commands }) => CALLS.test(commands));

/** Runs blocks in one shell, which stops at the first failure, and returns the output of each. */
async function run(blocks: Block[], directory: string): Promise<string[]> {
  const script = blocks.map(({ commands }) => commands).join(`\necho "${NEXT}"\n`);
  const { success, stdout, stderr } = await new Deno.Command("bash", {
    args: ["-euo", "pipefail", "-c", withOwnAddresses(script)],
    cwd: directory,
    env: await environment(),
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

const python = (await new Deno.Command("python3", { args: ["-c", "import requests"] }).output()
  .catch(() => ({ success: false }))).success;

for (const { path, text } of guides) {
  const typescript = programOf(text, "ts");
  if (typescript !== "") {
    test(`${path}: its TypeScript runs`, async () => {
      const options = ["run", "--quiet", "--allow-all", "--no-config", "--no-check"];
      await runProgram([Deno.execPath(), ...options], ".mjs", await bundled(typescript));
    });
  }
  const script = programOf(text, "python");
  if (script === "") continue;
  if (!python) console.log(`${path}: its Python did NOT run. It needs python3 with requests.`);
  else test(`${path}: its Python runs`, () => runProgram(["python3"], ".py", script));
}

Deno.test("the table of errors has the codes and statuses of the API", async () => {
  const rows = [...(await readFile("docs/errors.md")).matchAll(/^\| `(\w+)` +\| (\d+)/gm)];
  const reference = await readFile("docs/reference/problems.md");
  assert(rows.length > 10);
  for (const [, code, status] of rows) {
    assert(new RegExp(`^\\| \`${code}\` +\\| ${status} `, "m").test(reference), code);
  }
});

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
