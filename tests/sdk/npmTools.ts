/** Command-line tools of npm, in pinned versions. npx keeps them after the first run. */

/** The tools that tests run: command → packages. */
const TOOLS = {
  npm: [],
  publint: ["publint@0.3.25"],
  attw: ["@arethetypeswrong/cli@0.18.5"],
  // The newest TypeScript. It has no API for programs, so that the others keep version 5.
  tsc: ["typescript@7.0.2"],
  "openapi-ts": ["@hey-api/openapi-ts@0.99.0", "typescript@5.9.3"],
  orval: ["orval@8.30.0"],
};

/** What a tool printed, and whether it succeeded. */
export interface ToolResult {
  success: boolean;
  output: string;
}

/** Runs a tool in a directory. */
export async function runTool(
  name: keyof typeof TOOLS,
  args: string[],
  directory: string,
): Promise<ToolResult> {
  const packages = TOOLS[name].map((specifier) => `--package=${specifier}`);
  const { success, stdout, stderr } = await new Deno.Command("npx", {
    args: ["--yes", ...packages, name, ...args],
    cwd: directory,
    env: { NO_COLOR: "1", FORCE_COLOR: "0", npm_config_update_notifier: "false" },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { success, output: decoder.decode(stdout) + decoder.decode(stderr) };
}
