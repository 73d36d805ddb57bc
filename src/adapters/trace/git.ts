/** Git, with nothing of anybody's configuration, no prompt, no lock, a time limit and an output limit. */
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { signalChild } from "../../instance/signal-child.ts";
import { startProgram } from "../../instance/start-program.ts";

const GIT_MS = 20_000;
const STDERR_CHARS_MAX = 500;

export interface GitAnswer {
  /** What it printed; null when there is a problem. */
  readonly text: string | null;
  readonly problem: string | null;
}

export interface GitStreams {
  /** A file that gets what it prints; `text` is empty then. */
  readonly into?: string;
  /** Its standard input. */
  readonly input?: string;
}

/** `bytesMax`: it is ended when it prints more; null: what it prints does not matter. */
export type Git = (
  args: readonly string[],
  bytesMax: number | null,
  streams?: GitStreams,
) => Promise<GitAnswer>;

export function gitIn(where: {
  readonly directory: string;
  readonly worktree: string;
  readonly signal: AbortSignal;
}): Git {
  return async (args, bytesMax, { into, input } = {}) => {
    const { child, failure } = startProgram<ChildProcessWithoutNullStreams>("git", [...QUIET, ...args], {
      cwd: where.directory,
      env: {
        PATH: process.env["PATH"] ?? "/usr/bin:/bin",
        HOME: "/nonexistent",
        LC_ALL: "C.UTF-8",
        GIT_CONFIG_NOSYSTEM: "1",
        GIT_CONFIG_GLOBAL: "/dev/null",
        GIT_TERMINAL_PROMPT: "0",
        GIT_OPTIONAL_LOCKS: "0",
        GIT_NO_LAZY_FETCH: "1",
        GIT_DIR: where.directory,
        GIT_WORK_TREE: where.worktree,
      },
      stdio: ["pipe", "pipe", "pipe"],
    });
    if (failure !== null) return { text: null, problem: (await failure).message };
    const over = AbortSignal.any([where.signal, AbortSignal.timeout(GIT_MS)]);
    const end = (): void => void signalChild(child, "SIGKILL");
    over.addEventListener("abort", end, { once: true });
    if (over.aborted) end();
    const exited = new Promise<string | null>((resolve) => {
      child.on("close", (code, by) => {
        over.removeEventListener("abort", end);
        const ended = over.aborted ? "git was ended: its time was over" : `git ended with ${by ?? code}`;
        resolve(code === 0 ? null : ended);
      });
    });
    child.stdin.on("error", () => {}); // It ended without reading it; its end says more.
    child.stdin.end(input ?? "");
    let stderr = "";
    child.stderr.on("data", (chunk: Buffer) => {
      stderr = (stderr + chunk.toString("utf8")).slice(-STDERR_CHARS_MAX);
    });
    const out: Buffer[] = [];
    let bytes = 0;
    let overflow = false;
    const counted = async function* (source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
      for await (const chunk of source) {
        bytes += chunk.length;
        if (bytesMax !== null && bytes > bytesMax) {
          overflow = true;
          signalChild(child, "SIGKILL");
          return;
        }
        yield chunk;
      }
    };
    try {
      if (into === undefined) for await (const chunk of counted(child.stdout)) out.push(chunk);
      else await pipeline(child.stdout, counted, createWriteStream(into, { mode: 0o600 }));
    } catch {
      // Its end says more.
    }
    const problem = await exited;
    if (overflow) return { text: null, problem: `more than ${bytesMax} bytes` };
    if (problem !== null) return { text: null, problem: `${problem}: ${stderr.trim()}` };
    return { text: Buffer.concat(out).toString("utf8"), problem: null };
  };
}

const QUIET = [
  "-c",
  "core.fsmonitor=false",
  "-c",
  "core.hooksPath=/dev/null",
  "-c",
  "core.untrackedCache=false",
];
