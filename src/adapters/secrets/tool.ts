/** Programs that know secrets: what they print is the secret, and nobody but the asker ever sees it. */
import type { ChildProcessByStdio } from "node:child_process";
import { tmpdir } from "node:os";
import type { Readable, Writable } from "node:stream";
import { startProgram } from "../../instance/start-program.ts";
import { type ReadSecret, SECRET_BYTES_MAX } from "./value.ts";

export interface ToolCall {
  readonly argv: readonly [string, ...string[]];
  /** The whole environment, besides PATH, HOME and the like. */
  readonly env: Readonly<Record<string, string>>;
  readonly input?: Uint8Array;
  readonly timeoutMs: number;
  /** How people know it. */
  readonly what: string;
}

/** Of the controller's environment: where programs and their settings are found, and no secret. */
const PASSED = ["PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "XDG_CONFIG_HOME"] as const;

/**
 * Runs it in a group of its own, which is ended with it, and answers with what it printed. What it says on standard
 * error goes nowhere: it may quote a secret. The problem names its end alone.
 */
export function runTool(
  { argv, env, input, timeoutMs, what }: ToolCall,
  signal: AbortSignal,
): Promise<ReadSecret> {
  const [program, ...args] = argv;
  const passed = PASSED.flatMap((name) =>
    process.env[name] === undefined ? [] : [[name, process.env[name]]],
  );
  return new Promise((resolve) => {
    const { child, failure } = startProgram<ChildProcessByStdio<Writable, Readable, null>>(program, args, {
      cwd: tmpdir(),
      env: { ...Object.fromEntries(passed), ...env },
      stdio: ["pipe", "pipe", "ignore"],
      detached: true,
    });
    if (child === null) {
      void failure.then(({ message }) => resolve({ problem: `${what} cannot be had: ${message}` }));
      return;
    }
    const chunks: Buffer[] = [];
    let bytes = 0;
    let over = false;
    const end = (read: ReadSecret): void => {
      if (over) return;
      over = true;
      clearTimeout(timer);
      signal.removeEventListener("abort", aborted);
      killGroup(child.pid);
      child.stdout.destroy();
      resolve(read);
    };
    const aborted = (): void => end({ problem: `${what} was not waited for` });
    const timer = setTimeout(() => end({ problem: `${what} took longer than ${timeoutMs} ms` }), timeoutMs);
    signal.addEventListener("abort", aborted);
    child.stdin.on("error", () => {}); // It did not want to read; its end says more.
    child.stdin.end(input);
    child.stdout.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > SECRET_BYTES_MAX)
        return end({ problem: `${what} printed more than ${SECRET_BYTES_MAX} bytes` });
      chunks.push(chunk);
    });
    child.once("close", (code, killed) => {
      if (code === 0) return end(textOf(Buffer.concat(chunks), what));
      end({ problem: `${what} failed: ${code === null ? `signal ${killed}` : `exit code ${code}`}` });
    });
  });
}

function textOf(bytes: Buffer, what: string): ReadSecret {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return { value: text.replace(/\r?\n$/, "") };
  } catch {
    return { problem: `${what} printed something that is not UTF-8 text` };
  }
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // Nobody is left in it.
  }
}
