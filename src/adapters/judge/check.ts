import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { access, constants, stat } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import type { Clock } from "../../ports/clock.ts";
import type { CriterionEvidence } from "../../ports/judge.ts";
import type { CheckContainment } from "./containment.ts";
import { CheckLog } from "./log.ts";

/** How long output is still read after the check has ended: what it wrote is in the pipe already. */
const DRAIN_MS = 2_000;
/** A kill that the kernel has not carried out by then is reported and left behind. */
const KILL_MS = 5_000;

export interface CheckRequest {
  readonly command: readonly [string, ...string[]];
  /** Working folder: the clean checkout with the outputs in it. */
  readonly checkout: string;
  readonly home: string;
  readonly timeoutMs: number;
  readonly containment: CheckContainment;
  readonly clock: Clock;
}

export interface CheckResult {
  readonly ok: boolean;
  readonly evidence: NonNullable<CriterionEvidence["check"]>;
  /** What the digest in the evidence is over. */
  readonly log: string;
}

/**
 * Runs one check to its end, or to its time limit, and ends everything that
 * it started. Nothing of our environment reaches it but the way to programs.
 *
 * A check that cannot start, is killed or takes too long is not ok, with the
 * reason in its log. Rejects only when `signal` aborts, after the processes are gone.
 */
export async function runCheck(request: CheckRequest, signal: AbortSignal): Promise<CheckResult> {
  const log = new CheckLog();
  const startedAt = request.clock.now();
  const env = checkEnvironment(request.home);
  const missing = await whyNotRunnable(request.command[0], request.checkout, env["PATH"] ?? "");
  const ending = missing
    ? { code: null, note: missing, timedOut: false }
    : await run(request, { env, log }, signal);
  signal.throwIfAborted();
  if (ending.note) log.note(ending.note);
  const text = log.text();
  return {
    ok: ending.code === 0 && !ending.timedOut,
    log: text,
    evidence: {
      command: request.command,
      exitCode: ending.code,
      timedOut: ending.timedOut,
      durationMs: request.clock.now() - startedAt,
      logSha256: createHash("sha256").update(text).digest("hex"),
      tail: log.tail(),
    },
  };
}

interface CheckExit {
  readonly code: number | null;
  /** Why there is no exit code, or what else a reader of the log should know. */
  readonly note: string | null;
  readonly timedOut: boolean;
}

async function run(
  request: CheckRequest,
  io: { readonly env: NodeJS.ProcessEnv; readonly log: CheckLog },
  signal: AbortSignal,
): Promise<CheckExit> {
  const [program = "", ...args] = [...request.containment.prefix, ...request.command];
  // A group of its own, whose number is the child's: killing it cannot reach us.
  const child = spawn(program, args, {
    cwd: request.checkout,
    env: io.env,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  child.stdout.on("data", (chunk: Buffer) => io.log.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => io.log.push(chunk));
  const exited = new Promise<{ code: number | null; signal: string | null; error?: Error }>((resolve) => {
    child.once("error", (error) => resolve({ code: null, signal: null, error }));
    child.once("exit", (code, by) => resolve({ code, signal: by }));
  });
  const closed = new Promise<void>((resolve) => {
    child.once("close", () => resolve());
    child.once("error", () => resolve());
  });

  const over = new AbortController();
  const until = AbortSignal.any([signal, over.signal]);
  const late = request.clock.sleep(request.timeoutMs, until).then(
    () => "late" as const,
    () => "aborted" as const,
  );
  const first = await Promise.race([exited, late]);
  // Also after an exit of its own accord: what it left in the background ends here.
  killGroup(child);
  const exit = typeof first === "string" ? await within(exited, KILL_MS, request.clock) : first;
  await within(closed, DRAIN_MS, request.clock);
  child.stdout.destroy();
  child.stderr.destroy();
  over.abort();

  if (first === "late") {
    const seconds = request.timeoutMs / 1_000;
    const note = exit
      ? `ended after its time limit of ${seconds} s`
      : `does not end, ${KILL_MS / 1_000} s after a kill`;
    return { code: null, note, timedOut: true };
  }
  if (!exit) return { code: null, note: "aborted", timedOut: false };
  if (exit.error) return { code: null, note: `cannot start: ${exit.error.message}`, timedOut: false };
  if (exit.signal) return { code: null, note: `ended by ${exit.signal}`, timedOut: false };
  return { code: exit.code, note: null, timedOut: false };
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // Nothing of the group is left.
  }
}

/** The value, or null when it did not come in time. */
async function within<T>(promise: Promise<T>, ms: number, clock: Clock): Promise<T | null> {
  const over = new AbortController();
  const timeout = clock.sleep(ms, over.signal).then(
    () => null,
    () => null,
  );
  const result = await Promise.race([promise, timeout]);
  over.abort();
  return result;
}

/** The running Node first, so that `node` in a check is the version that the project asks for. */
export function checkEnvironment(home: string): NodeJS.ProcessEnv {
  return {
    PATH: [dirname(process.execPath), "/usr/local/bin", "/usr/bin", "/bin"].join(delimiter),
    HOME: home,
    TMPDIR: home,
    LANG: "C.UTF-8",
    TZ: "UTC",
    CI: "true",
    NO_COLOR: "1",
  };
}

/** Looked up here, because a launcher in front would turn a missing program into an exit code like any other. */
async function whyNotRunnable(program: string, checkout: string, path: string): Promise<string | null> {
  const places = program.includes("/")
    ? [join(checkout, program)]
    : path.split(delimiter).map((dir) => join(dir, program));
  if (program.startsWith("/")) places.splice(0, places.length, program);
  for (const place of places) {
    const runnable = await access(place, constants.X_OK).then(
      async () => (await stat(place)).isFile(),
      () => false,
    );
    if (runnable) return null;
  }
  const where = program.includes("/") ? "no executable file of that name" : `not found in ${path}`;
  return `cannot start: ${program}: ${where}`;
}
