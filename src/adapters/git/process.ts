/**
 * Runs git: with an argument array, in a process group of its own, for a
 * limited time and with limited output. How it ended is a fact to look at,
 * never an exception. Whatever the repository's configuration names, no hook, monitor or
 * filter of it runs.
 *
 * The group matters: git leaves its transport helpers behind when it is killed,
 * and a helper that waits for a silent server waits for ever, holding our pipes.
 */

import type { ChildProcess, ChildProcessWithoutNullStreams } from "node:child_process";
import { signalChild } from "../../instance/signal-child.ts";
import { startProgram } from "../../instance/start-program.ts";
import { harmless } from "./environment.ts";

export interface GitCall {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly input?: string | Uint8Array;
  readonly timeoutMs: number;
  /** Of standard output; more ends the call. */
  readonly outputBytesMax?: number;
  readonly signal?: AbortSignal | undefined;
  /** What a shell runs in place of `git` alone, with the call's arguments as its own: one process to start where several gits follow each other. */
  readonly script?: { readonly text: string; readonly outputs: number };
}

export interface GitOutcome {
  /** null when a signal ended it or it could not be started. */
  readonly exitCode: number | null;
  readonly stdout: Buffer;
  /** The end of it, at most `STDERR_BYTES_MAX`. */
  readonly stderr: string;
  readonly ended: "exit" | "timeout" | "aborted" | "overflow" | "spawn-failed";
  /** What a script wrote to its further outputs, descriptors 3 and up. */
  readonly outputs?: readonly Buffer[];
}

/** Nothing that we ask for in one go is larger; a listing of 200,000 files takes some 30 MB. */
export const OUTPUT_BYTES_MAX = 128 * 1024 * 1024;
const STDERR_BYTES_MAX = 64 * 1024;
const STDERR_CHUNKS_MAX = 1_000;
/** Between asking git to end and ending it. It removes its temporary files meanwhile. */
const TERM_GRACE_MS = 2_000;

/** Resolves in every case, also when git cannot be started. */
export function runGit(call: GitCall): Promise<GitOutcome> {
  return new Promise((resolve) => {
    const { script } = call;
    const [program, args] =
      script === undefined ? ["git", call.args] : ["sh", ["-c", script.text, "git", ...call.args]];
    const further = Array.from({ length: script?.outputs ?? 0 }, () => "pipe" as const);
    const { child, failure } = startProgram<ChildProcessWithoutNullStreams>(program, args, {
      cwd: call.cwd,
      env: harmless(call.env),
      detached: true,
      windowsHide: true,
      stdio: ["pipe", "pipe", "pipe", ...further],
    });
    if (child === null) {
      void failure.then(({ message }) => resolve(notStarted(message)));
      return;
    }
    const out: Buffer[] = [];
    const outputs = further.map((): Buffer[] => []);
    const err: Buffer[] = [];
    const leash = createLeash(call);
    leash.hold(child);
    leash.watch(child.stdout, child.stderr);
    for (const [index, chunks] of outputs.entries()) {
      const stream = child.stdio[index + 3] as NodeJS.ReadableStream;
      leash.watch(stream);
      stream.on("data", (chunk: Buffer) => leash.ended !== "overflow" && chunks.push(chunk));
      stream.on("error", () => {}); // Its exit says more.
    }
    child.stdout.on("data", (chunk: Buffer) => leash.ended !== "overflow" && out.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => {
      err.push(chunk);
      if (err.length > STDERR_CHUNKS_MAX) err.shift();
    });
    child.stdin.on("error", () => {}); // git may end without reading everything; its exit code says so
    child.on("close", (exitCode) => {
      leash.release();
      const { ended } = leash;
      resolve({
        exitCode: ended === "exit" ? exitCode : null,
        stdout: Buffer.concat(out),
        stderr: tail(Buffer.concat(err)),
        ended,
        ...(script === undefined ? {} : { outputs: outputs.map((chunks) => Buffer.concat(chunks)) }),
      });
    });
    child.stdin.end(call.input);
  });
}

export function notStarted(why: string): GitOutcome {
  return { exitCode: null, stdout: Buffer.alloc(0), stderr: why, ended: "spawn-failed" };
}

interface Leash {
  readonly ended: GitOutcome["ended"];
  hold(child: ChildProcess): void;
  /** Counts what comes out. Of the errors only the end is kept anyway. */
  watch(stdout: NodeJS.ReadableStream, stderr?: NodeJS.ReadableStream): void;
  release(): void;
}

/** Ends a call's process group when its time, its output or the caller's patience is over. */
export function createLeash(call: GitCall): Leash {
  let ended: GitOutcome["ended"] = "exit";
  let child: ChildProcess | null = null;
  let hard: NodeJS.Timeout | undefined;
  let bytes = 0;
  const timer = setTimeout(() => end("timeout"), call.timeoutMs);
  const abort = () => end("aborted");

  function end(how: GitOutcome["ended"]): void {
    if (ended !== "exit") return;
    ended = how;
    signalGroup(child, "SIGTERM");
    hard = setTimeout(() => signalGroup(child, "SIGKILL"), TERM_GRACE_MS);
  }

  call.signal?.addEventListener("abort", abort, { once: true });
  return {
    get ended() {
      return ended;
    },
    hold(next) {
      child = next;
      // The process has no number before it is spawned.
      child.once("spawn", () => {
        if (call.signal?.aborted === true) end("aborted");
        if (ended !== "exit") signalGroup(child, "SIGTERM");
      });
    },
    watch(stdout) {
      stdout.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > (call.outputBytesMax ?? OUTPUT_BYTES_MAX)) end("overflow");
      });
    },
    release() {
      clearTimeout(timer);
      clearTimeout(hard);
      call.signal?.removeEventListener("abort", abort);
      child = null;
    },
  };
}

function signalGroup(child: ChildProcess | null, signal: NodeJS.Signals): void {
  if (child?.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    signalChild(child, signal); // no group of that number: it has just been started, or has none of its own here
  }
}

export function tail(bytes: Buffer): string {
  return bytes
    .subarray(Math.max(0, bytes.length - STDERR_BYTES_MAX))
    .toString("utf8")
    .trim();
}
