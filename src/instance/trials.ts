/** Trying things out on this machine, each with an end. What could not be tried for want of descriptors or processes throws `machine/shortage`. */
import type { ChildProcess } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import type { ContainmentPlan } from "./claim.ts";
import { childrenOf, containedCommand, findInit } from "./containment.ts";
import { isAlive, type ProcessId, readProcess } from "./process-table.ts";
import { signalChild } from "./signal-child.ts";
import { refuseShortageOf, startProgram } from "./start-program.ts";

const TRIAL_MS = 5_000;
const LOOK_MS = 5;

/** Opens a namespace, kills what opened it and sees whether the inside dies. */
export async function diesWithOpener(plan: ContainmentPlan, workspace = "/"): Promise<boolean> {
  const [command, ...args] = containedCommand(plan, ["sleep", "30"], { workspace });
  const child = await launch([command, ...args]);
  if (child?.pid === undefined) return false;
  const row = readProcess(child.pid);
  if (row === null) return false;
  const outer: ProcessId = { pid: row.pid, startTicks: row.startTicks };
  let init: ProcessId | null = null;
  await until(() => {
    init = findInit(outer)?.init ?? null;
    // Until it has begun its program it is not tied to anybody: what is started here waits at a gate for that.
    return (init !== null && childrenOf(init).length > 0) || child.exitCode !== null;
  });
  signalChild(child, "SIGKILL");
  if (init === null) return false;
  const found: ProcessId = init;
  return until(() => !isAlive(found));
}

/** Null: there is no such program. */
export async function launch(argv: readonly string[], cwd?: string): Promise<ChildProcess | null> {
  const { child, failure } = startProgram(argv[0] ?? "true", argv.slice(1), {
    stdio: "ignore",
    // What is tried out is nobody's business: not one of the controller's variables, its tokens among them.
    env: { PATH: process.env["PATH"] ?? "", LC_ALL: "C" },
    ...(cwd === undefined ? {} : { cwd }),
  });
  if (failure !== null) refuseShortageOf(await failure);
  return child;
}

export async function succeeds(argv: readonly string[], cwd?: string): Promise<boolean> {
  return (await exitOf(argv, cwd)) === 0;
}

/** Null: it could not be started, did not end in time, or ended by a signal. */
export async function exitOf(argv: readonly string[], cwd?: string): Promise<number | null> {
  const child = await launch(argv, cwd);
  if (child === null) return null;
  await until(() => child.exitCode !== null || child.signalCode !== null);
  signalChild(child, "SIGKILL");
  return child.exitCode;
}

export async function until(holds: () => boolean): Promise<boolean> {
  const deadline = performance.now() + TRIAL_MS;
  while (performance.now() < deadline) {
    if (holds()) return true;
    await sleep(LOOK_MS);
  }
  return false;
}
