/**
 * Child processes that end with the stack, even when it is killed.
 *
 * Each child runs under a small shell that waits on its standard input, a pipe whose other end this
 * process holds. When this process stops the child, dies or is killed, the pipe closes and the shell
 * signals the child.
 */

const GUARD = `
signal=$1; shift
exec 3<&0
"$@" </dev/null & child=$!
(read -r _ <&3; kill -s "$signal" "$child") 2>/dev/null & watcher=$!
exec 3<&- 2>/dev/null
wait "$child"; status=$?
kill "$watcher" 2>/dev/null
exit "$status"
`;

/** The program to run, and its user. */
export interface GuardedProcessOptions {
  command: string;
  args: string[];
  /** The signal that asks the program to end. */
  stopSignal: "INT" | "TERM";
  env?: Record<string, string>;
  clearEnv?: boolean;
  cwd?: string;
  uid?: number;
  gid?: number;
  /** Receives each line of the program's standard output and standard error. */
  onLine(line: string): void;
}

/** A running child process. */
export class GuardedProcess {
  /** Resolves to the exit code when the program has ended and its output has been read. */
  readonly ended: Promise<number>;
  #child: Deno.ChildProcess;
  #stopping = false;

  private constructor(child: Deno.ChildProcess, onLine: (line: string) => void) {
    this.#child = child;
    const output = Promise.all([
      forEachLine(child.stdout, onLine),
      forEachLine(child.stderr, onLine),
    ]);
    this.ended = child.status.then(async (status) => {
      await output;
      return status.code;
    });
  }

  /** Starts a program. Throws `Deno.errors.NotFound` when there is no such command. */
  static start(options: GuardedProcessOptions): GuardedProcess {
    const windows = Deno.build.os === "windows";
    const guarded = ["-c", GUARD, "sh", options.stopSignal, options.command, ...options.args];
    const command = new Deno.Command(windows ? options.command : "/bin/sh", {
      args: windows ? options.args : guarded,
      env: options.env,
      clearEnv: options.clearEnv,
      cwd: options.cwd,
      uid: options.uid,
      gid: options.gid,
      // A separate process group: Ctrl-C reaches only the stack, which stops its parts in order.
      detached: !windows,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    });
    return new GuardedProcess(command.spawn(), options.onLine);
  }

  /** Asks the program to end and waits. Kills it after `graceMilliseconds`. */
  async stop(graceMilliseconds = 10_000): Promise<void> {
    if (!this.#stopping) {
      this.#stopping = true;
      await this.#child.stdin.close().catch(() => {});
      if (Deno.build.os === "windows") this.#kill();
    }
    const timer = setTimeout(() => this.#kill(), graceMilliseconds);
    await this.ended;
    clearTimeout(timer);
  }

  #kill(): void {
    try {
      const group = Deno.build.os === "windows" ? this.#child.pid : -this.#child.pid;
      Deno.kill(group, "SIGKILL");
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}

async function forEachLine(
  stream: ReadableStream<Uint8Array>,
  onLine: (line: string) => void,
): Promise<void> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split(/\r?\n/);
    rest = lines.pop() ?? "";
    lines.forEach(onLine);
  }
  if (rest !== "") onLine(rest);
}
