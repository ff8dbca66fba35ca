/** Formats generated text with `deno fmt`, so that its diffs are small. */

/** Formats a text. Throws when it does not parse. */
export async function formatted(text: string, extension: "ts" | "json" | "md"): Promise<string> {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["fmt", `--ext=${extension}`, "--no-config", "--line-width=100", "-"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = process.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  const { success, stdout, stderr } = await process.output();
  if (success) return new TextDecoder().decode(stdout);
  throw new Error(`Generated text does not parse: ${new TextDecoder().decode(stderr)}\n${text}`);
}

const LINE_WIDTH = 100;

/** JSON with objects and arrays on one line where they fit. */
export function compactJson(value: unknown, indent = ""): string {
  const line = JSON.stringify(value, null, 1).replace(/\n\s*/g, " ");
  if (
    typeof value !== "object" || value === null || line.length + indent.length < LINE_WIDTH - 30
  ) {
    return line;
  }
  const inner = `${indent}  `;
  const items = Array.isArray(value)
    ? value.map((item) => inner + compactJson(item, inner))
    : Object.entries(value).map(([key, item]) =>
      `${inner}${JSON.stringify(key)}: ${compactJson(item, inner)}`
    );
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  return `${open}\n${items.join(",\n")}\n${indent}${close}`;
}
