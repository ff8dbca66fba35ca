/** Generated text in the form that `deno fmt` gives it, so that its diffs are small. */

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
