/**
 * Stopping and continuing an agent's processes. A stop is believed only when it was looked at: nothing runs in several
 * looks in a row, and nothing new is among them.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findAgentMembers, findInit, isPopulated, type Target } from "./containment.ts";
import { cpuTicks, type ProcessId, type ProcessRow, signalProcess } from "./process-table.ts";
import { FREEZE_SIGNAL, THAW_SIGNAL } from "./sandbox.ts";
import { withSpare } from "./spare-descriptors.ts";

/** A stop takes effect within a look or two; more are needed only against a tree that forks. */
const LOOKS_MAX = 40;
/** In a row, without anything that runs and with the same processes. */
const STILL_LOOKS = 3;
const LOOK_MS = 2;
/** A group is frozen at once, unless one of its processes waits for a disk that does not answer. */
const GROUP_MS = 500;

/**
 * Stops or continues every process of the agent. False when some still ran after the last look, as those
 * of a tree that wakes itself up faster than we look; or when there is nothing by which that could be told.
 */
export function freezeAgent(target: Target, frozen: boolean): boolean {
  const { cgroup } = target.plan;
  if (cgroup !== null && freezeGroup(join(cgroup, "agent"), frozen)) return true;
  if (!frozen) return thaw(target);
  let before: string | null = null;
  let still = 0;
  for (let look = 0; look < LOOKS_MAX; look += 1) {
    const members = ofAgent(target);
    const restless = members.filter((row) => !isStill(row));
    const seen = members.map(identity).sort().join(" ");
    still = restless.length === 0 && seen === before ? still + 1 : restless.length === 0 ? 1 : 0;
    if (still >= STILL_LOOKS) return true;
    before = seen;
    if (restless.length > 0) strike(target, restless, true);
    pass(LOOK_MS);
  }
  return false;
}

/** Continues what was stopped by a signal, which a thawed cgroup alone does not. */
export function continueAgent(target: Target): void {
  freezeAgent(target, false);
  for (const row of findAgentMembers(target)) if (row.state === "T") signalProcess(row, "SIGCONT");
}

function thaw(target: Target): boolean {
  for (let look = 0; look < LOOKS_MAX; look += 1) {
    const stopped = findAgentMembers(target).filter((row) => row.state === "T");
    if (stopped.length === 0) return true;
    strike(target, stopped, false);
    pass(LOOK_MS);
  }
  return false;
}

/** Where there is a namespace its first process does it for all of them at one instant; each is told by itself as well. */
function strike(target: Target, rows: readonly ProcessRow[], frozen: boolean): void {
  const init = initOf(target);
  if (init !== null) signalProcess(init, frozen ? FREEZE_SIGNAL : THAW_SIGNAL);
  // The first process needs a moment for its own; those that it reaches are left to it.
  if (init !== null && frozen) pass(LOOK_MS);
  for (const row of rows) signalProcess(row, frozen ? "SIGSTOP" : "SIGCONT");
}

/** Without what holds them: that runs nothing of the agent's, and has to hear us. */
function ofAgent(target: Target): readonly ProcessRow[] {
  const members = findAgentMembers(target);
  if (target.plan.pidns === null) return members;
  const init = initOf(target);
  const outer = target.agent?.outer ?? null;
  return members.filter((row) => !isSame(row, init) && !isSame(row, outer));
}

function initOf({ agent, plan }: Target): ProcessId | null {
  if (agent === null || plan.pidns === null) return null;
  return agent.init ?? findInit(agent.outer)?.init ?? null;
}

/** One that waits for a child to begin another program cannot be stopped and does not run: it uses no time. */
function isStill(row: ProcessRow): boolean {
  if (row.state === "T" || row.state === "t") return true;
  if (row.state !== "D") return false;
  const used = cpuTicks(row);
  pass(LOOK_MS);
  return used !== null && used === cpuTicks(row);
}

function freezeGroup(path: string, frozen: boolean): boolean {
  try {
    withSpare(() => writeFileSync(join(path, "cgroup.freeze"), frozen ? "1" : "0"));
  } catch {
    return false;
  }
  for (let waited = 0; waited < GROUP_MS; waited += LOOK_MS) {
    if (isPopulated(path) !== true || isFrozen(path) === frozen) return true;
    pass(LOOK_MS);
  }
  return false;
}

function isFrozen(path: string): boolean {
  try {
    return /^frozen 1$/m.test(withSpare(() => readFileSync(join(path, "cgroup.events"), "latin1")));
  } catch {
    return false;
  }
}

function identity({ pid, startTicks }: ProcessId): string {
  return `${pid}.${startTicks}`;
}

function isSame(row: ProcessId, other: ProcessId | null): boolean {
  return other !== null && row.pid === other.pid && row.startTicks === other.startTicks;
}

/** A pause takes at most `LOOKS_MAX` of these; a caller that could do something else meanwhile would see it half done. */
function pass(ms: number): void {
  Atomics.wait(CELL, 0, 0, ms);
}

const CELL = new Int32Array(new SharedArrayBuffer(4));
