/**
 * Runs git: with an argument array, in a process group of its own, for a
 * limited time and with limited output. How it ended is a fact to look at,
 * never an exception.
 *
 * The group matters: git leaves its transport helpers behind when it is killed,
 * and a helper that waits for a silent server waits for ever, holding our pipes.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { type ChildProcess, spawn } from "node:child_process";
import { subscribe } from "node:diagnostics_channel";
import { simpleGit } from "simple-git";

export interface GitCall {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly input?: string | Uint8Array;
  readonly timeoutMs: number;
  /** Of standard output; more ends the call. */
  readonly outputBytesMax?: number;
  readonly signal?: AbortSignal | undefined;
}

export interface GitOutcome {
  /** null when a signal ended it or it could not be started. */
  readonly exitCode: number | null;
  readonly stdout: Buffer;
  /** The end of it, at most `STDERR_BYTES_MAX`. */
  readonly stderr: string;
  readonly ended: "exit" | "timeout" | "aborted" | "overflow" | "spawn-failed";
}

/** Nothing that we ask for in one go is larger; a listing of 200,000 files takes some 30 MB. */
export const OUTPUT_BYTES_MAX = 128 * 1024 * 1024;
const STDERR_BYTES_MAX = 64 * 1024;
const STDERR_CHUNKS_MAX = 1_000;
/** Between asking git to end and ending it. It removes its temporary files meanwhile. */
const TERM_GRACE_MS = 2_000;

/** Runs a command that stays on this machine. */
export function runGit(call: GitCall): Promise<GitOutcome> {
  return new Promise((resolve) => {
    const child = spawn("git", call.args, {
      cwd: call.cwd,
      env: call.env,
      detached: true,
      windowsHide: true,
      stdio: ["pipe", "pipe", "pipe"],
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    const leash = createLeash(call);
    leash.hold(child);
    leash.watch(child.stdout, child.stderr);
    child.stdout.on("data", (chunk: Buffer) => leash.ended !== "overflow" && out.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => {
      err.push(chunk);
      if (err.length > STDERR_CHUNKS_MAX) err.shift();
    });
    child.stdin.on("error", () => {}); // git may end without reading everything; its exit code says so
    child.on("error", (error) => {
      leash.release();
      resolve({ exitCode: null, stdout: Buffer.alloc(0), stderr: error.message, ended: "spawn-failed" });
    });
    child.on("close", (exitCode) => {
      leash.release();
      resolve({ exitCode, stdout: Buffer.concat(out), stderr: tail(Buffer.concat(err)), ended: leash.ended });
    });
    child.stdin.end(call.input);
  });
}

/**
 * Runs a command that talks to the origin, through simple-git.
 *
 * simple-git refuses by default every variable and setting that could make git
 * run something. Ours are all made in `environment.ts` from the operator's
 * settings, none comes from a repository, so exactly those are let through.
 */
export async function runRemoteGit(call: GitCall): Promise<GitOutcome> {
  const leash = createLeash(call);
  let exitCode: number | null = null;
  let stderr: Buffer = Buffer.alloc(0);
  let stdout: Buffer = Buffer.alloc(0);
  const git = simpleGit({
    baseDir: call.cwd,
    // A group of its own; also, what interrupts us in a terminal does not interrupt a push.
    ...(process.platform === "linux" ? { binary: ["setsid", "git"] as [string, string] } : {}),
    allowEnvironment: Object.keys(call.env).filter((name) => name.toUpperCase().startsWith("GIT_")),
    unsafe: {
      allowUnsafeConfigPaths: true, // GIT_CONFIG_GLOBAL
      allowUnsafeConfigEnvCount: true, // GIT_CONFIG_COUNT: keeps settings out of the arguments
      allowUnsafeHooksPath: true, // core.hooksPath=/dev/null: no hooks
      allowUnsafeFsMonitor: true, // core.fsmonitor=false
      allowUnsafeSshCommand: true, // GIT_SSH_COMMAND
      allowUnsafeCredentialHelper: true, // the helper that hands over the token
    },
    errors(_error, result) {
      exitCode = result.exitCode;
      stdout = Buffer.concat(result.stdOut);
      stderr = Buffer.concat(result.stdErr);
      return undefined;
    },
  })
    .env({ ...call.env })
    .outputHandler((_command, out, err) => leash.watch(out, err));
  try {
    await spawned.run(leash.hold, async () => git.raw([...call.args]));
    return {
      exitCode: leash.ended === "exit" ? exitCode : null,
      stdout,
      stderr: tail(stderr),
      ended: leash.ended,
    };
  } catch (error) {
    // Only simple-git's own refusals and a git that cannot be started end here.
    return {
      exitCode: null,
      stdout,
      stderr: error instanceof Error ? error.message : "",
      ended: "spawn-failed",
    };
  } finally {
    leash.release();
  }
}

/** simple-git keeps its child to itself; Node announces every child, and the async context tells whose it is. */
const spawned = new AsyncLocalStorage<(child: ChildProcess) => void>();
subscribe("child_process", (message) => {
  const hold = spawned.getStore();
  if (hold !== undefined) hold((message as { process: ChildProcess }).process);
});

interface Leash {
  readonly ended: GitOutcome["ended"];
  hold(child: ChildProcess): void;
  watch(stdout: NodeJS.ReadableStream, stderr: NodeJS.ReadableStream): void;
  release(): void;
}

/** Ends a call's process group when its time, its output or the caller's patience is over. */
function createLeash(call: GitCall): Leash {
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
    child.kill(signal); // no group of that number: it has just been started, or has none of its own here
  }
}

function tail(bytes: Buffer): string {
  return bytes
    .subarray(Math.max(0, bytes.length - STDERR_BYTES_MAX))
    .toString("utf8")
    .trim();
}
