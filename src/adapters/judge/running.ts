import type { ChildProcess } from "node:child_process";
import type { Duplex } from "node:stream";
import { findInit } from "../../instance/containment.ts";
import { isAlive, type ProcessId, readProcess, signalProcess } from "../../instance/process-table.ts";
import { INIT_SCRIPT } from "../../instance/sandbox.ts";
import { refuseShortageOf, startProgram } from "../../instance/start-program.ts";
import type { Clock } from "../../ports/clock.ts";
import type { CheckContainment } from "./containment.ts";
import type { CheckLog } from "./log.ts";

/** How long output is still read after the check has ended: what it wrote is in the pipe already. */
const DRAIN_MS = 2_000;
/** A kill that the kernel has not carried out by then is reported and left behind. */
const KILL_MS = 5_000;
const LOOK_MS = 5;

/**
 * The first process in a sandbox says that everything around it is in place, and waits for us: nothing of a check runs before
 * we know whom to kill. It goes away when we do.
 */
export const UP_SCRIPT = `echo up >&3; read -r factory_go <&3 || exit 125; exec 3<&-; ${INIT_SCRIPT}`;

export interface Run {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly kind: CheckContainment["kind"];
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly log: CheckLog;
}

export interface CheckExit {
  readonly code: number | null;
  /** Why there is no exit code, or what else a reader of the log should know. */
  readonly note: string | null;
  readonly timedOut: boolean;
  /** Nothing of it lives: the kernel has taken its namespace down. */
  readonly proven: boolean;
  /** Whether the check's own program was ever started. */
  readonly began: boolean;
}

/**
 * Everything that was started is killed before this resolves; whether that is proven, it says. Rejects `machine/shortage`: nothing was
 * left to start it with, which says nothing about what is judged.
 */
export async function runToItsEnd(run: Run, signal: AbortSignal): Promise<CheckExit> {
  const { clock, log } = run;
  const [program = "", ...args] = run.argv;
  const shut = run.kind === "sandbox";
  // A group of its own, whose number is the child's: killing it cannot reach us.
  const { child, failure } = startProgram(program, args, {
    cwd: run.cwd,
    env: run.env,
    detached: true,
    stdio: ["ignore", "pipe", "pipe", shut ? "pipe" : "ignore"],
  });
  if (failure !== null) {
    const why = await failure;
    refuseShortageOf(why);
    return { code: null, note: `cannot start: ${why.message}`, timedOut: false, proven: true, began: !shut };
  }
  child.stdout?.on("data", (chunk: Buffer) => log.push(chunk));
  child.stderr?.on("data", (chunk: Buffer) => log.push(chunk));
  const exited = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.once("exit", (code, by) => resolve({ code, signal: by }));
  });
  const closed = new Promise<void>((resolve) => {
    child.once("close", () => resolve());
  });
  const gate = shut ? openGate(child) : null;

  const over = new AbortController();
  const until = AbortSignal.any([signal, over.signal]);
  const late = clock.sleep(run.timeoutMs, until).then(
    () => "late" as const,
    () => "aborted" as const,
  );
  const first = await Promise.race([exited, late]);
  // The first process of the namespace before the one that waits for it, whose exit then says that all of it is gone.
  const init = gate?.init() ?? null;
  if (init !== null) signalProcess(init, "SIGKILL");
  if (init === null || typeof first !== "string") killGroup(child);
  const exit = typeof first === "string" ? await within(exited, KILL_MS, clock) : first;
  // Also after an exit of its own accord: what it left in the background ends here.
  killGroup(child);
  const proven = await isProven(run, { init, exit });
  await within(closed, DRAIN_MS, clock);
  child.stdout?.destroy();
  child.stderr?.destroy();
  gate?.close();
  over.abort();

  const said = { proven, began: gate === null || init !== null };
  if (first === "late") {
    const seconds = run.timeoutMs / 1_000;
    const note = exit
      ? `ended after its time limit of ${seconds} s`
      : `does not end, ${KILL_MS / 1_000} s after a kill`;
    return { code: null, note, timedOut: true, ...said };
  }
  if (!exit) return { code: null, note: "aborted", timedOut: false, ...said };
  if (exit.signal) return { code: null, note: `ended by ${exit.signal}`, timedOut: false, ...said };
  return { code: exit.code, note: null, timedOut: false, ...said };
}

/** Hears the first process, looks it up and lets it go on. */
function openGate(child: ChildProcess): { init(): ProcessId | null; close(): void } {
  const stream = child.stdio[3] as Duplex | null;
  let init: ProcessId | null = null;
  stream?.on("error", () => {}); // It has gone away; its exit says so.
  stream?.once("data", () => {
    const row = child.pid === undefined ? null : readProcess(child.pid);
    init = row === null ? null : (findInit({ pid: row.pid, startTicks: row.startTicks })?.init ?? null);
    if (init === null) stream.destroy();
    else stream.write("go\n");
  });
  return { init: () => init, close: () => stream?.destroy() };
}

/**
 * A namespace's first process is not gone before everything else in it is; what waited for it says so by its own exit.
 * A process group proves nothing.
 */
async function isProven(
  { kind, clock }: Run,
  { init, exit }: { readonly init: ProcessId | null; readonly exit: object | null },
): Promise<boolean> {
  if (kind === "group") return false;
  if (kind === "pidns" || init === null) return exit !== null;
  const deadline = clock.now() + KILL_MS;
  while (isAlive(init)) {
    if (clock.now() > deadline) return false;
    await clock.sleep(LOOK_MS, new AbortController().signal);
  }
  return true;
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
