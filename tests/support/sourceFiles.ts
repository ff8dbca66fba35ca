/** Files of the repository, for tests about its layout. */

const ROOT = new URL("../../", import.meta.url);

/** A file's path from the root, and its text. */
export interface SourceFile {
  path: string;
  text: string;
}

/** The files below a folder that end in one of `endings`. */
export async function filesBelow(folder: string, endings: string[]): Promise<SourceFile[]> {
  const found: SourceFile[] = [];
  for await (const entry of Deno.readDir(new URL(folder, ROOT))) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory && entry.name !== "node_modules") {
      found.push(...await filesBelow(path, endings));
    } else if (entry.isFile && endings.some((ending) => entry.name.endsWith(ending))) {
      found.push({ path, text: await Deno.readTextFile(new URL(path, ROOT)) });
    }
  }
  return found.sort((one, other) => one.path < other.path ? -1 : 1);
}

/** One file of the repository. */
export async function readFile(path: string): Promise<string> {
  return await Deno.readTextFile(new URL(path, ROOT));
}
