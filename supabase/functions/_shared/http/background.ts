/** Work that goes on after the answer. */

/** The hosted runtime keeps a worker for work that it knows of; elsewhere the process goes on. */
export function keepAlive(working: Promise<void>): void {
  const { EdgeRuntime } = globalThis as {
    EdgeRuntime?: { waitUntil(working: Promise<void>): void };
  };
  EdgeRuntime?.waitUntil(working);
}
