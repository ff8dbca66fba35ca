/** Small helpers for ports and processes. */

import { readIfExists } from "./files.ts";

/** A port that a part of the stack needs is in use. */
export class PortTakenError extends Error {
  constructor(port: number, part: string, option: string) {
    super(`Port ${port} (${part}) is in use. Choose another one with ${option} <port>.`);
  }
}

/** A port that no other process can take until it is released. */
export interface HeldPort {
  port: number;
  /** Call it just before the server listens on the port. Further calls do nothing. */
  release(): void;
}

/** Returns `port`, or a free port for 0. Throws PortTakenError when it is in use. */
export function claimPort(port: number, part: string, option: string): number {
  const held = holdPort(port, part, option);
  held.release();
  return held.port;
}

/** Holds `port`, or a free port for 0. Throws PortTakenError when it is in use. */
export function holdPort(port: number, part: string, option: string): HeldPort {
  try {
    const listener = Deno.listen({ hostname: "127.0.0.1", port });
    let held = true;
    return {
      port: listener.addr.port,
      release() {
        if (held) listener.close();
        held = false;
      },
    };
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) throw new PortTakenError(port, part, option);
    throw error;
  }
}

/** Whether a server accepts connections on a local port. */
export async function isListening(port: number): Promise<boolean> {
  try {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    connection.close();
    return true;
  } catch {
    return false;
  }
}

/** Waits until `condition` is true. Returns false when it is not after `milliseconds`. */
export async function waitUntil(
  condition: () => boolean | Promise<boolean>,
  milliseconds: number,
): Promise<boolean> {
  const end = Date.now() + milliseconds;
  while (!await condition()) {
    if (Date.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  return true;
}

/** Returns the command line of a running process; "" when there is no such process. */
export async function commandLine(pid: number): Promise<string> {
  if (!Number.isInteger(pid) || pid <= 0 || Deno.build.os === "windows") return "";
  if (Deno.build.os === "linux") {
    const line = await readIfExists(`/proc/${pid}/cmdline`).catch(() => null);
    return (line ?? "").replaceAll("\0", " ");
  }
  const ps = new Deno.Command("ps", { args: ["-o", "command=", "-p", String(pid)] });
  return new TextDecoder().decode((await ps.output()).stdout);
}
