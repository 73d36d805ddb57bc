/**
 * The kill ladder. From SIGTERM on it needs nothing from the shim, so a shim that is
 * stopped, wedged or dead cannot hinder it. It ends with a proof or with `driver/survivors`.
 */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { FactoryError } from "../../../core/model/error.ts";
import type { DeathProof } from "../../../core/model/instance.ts";
import { findMembers, isPopulated, killCgroup, type Target } from "../../../instance/containment.ts";
import { isRecord, readJson } from "../../../instance/files.ts";
import { freezeAgent } from "../../../instance/freeze.ts";
import { isAlive, type ProcessId, type ProcessRow, signalProcess } from "../../../instance/process-table.ts";
import type { StopLadder } from "../../../ports/driver.ts";
import { nextCensus } from "./census.ts";
import { callShim } from "./control-client.ts";
import { doubtAbout } from "./doubt.ts";
import { type Instance, targetOf } from "./layout.ts";

/** How long the shim may take to hear that it should stop. It answers at once or is not well. */
const ASK_MS = 1_000;
/** For a shim whose agent is gone: it records the exit and tries once to deliver it. */
const SHIM_EXIT_MS = 2_000;
/** Processes that were sent SIGKILL go within milliseconds; longer means a disk or a driver holds them. */
const KILL_WAIT_MS = 500;
const EMPTY_SCANS = 2;
const LOOK_MS_MIN = 1;
const LOOK_MS_MAX = 20;

export async function runKillLadder(
  instance: Instance,
  ladder: StopLadder,
  signal: AbortSignal,
): Promise<DeathProof> {
  const log = openRungs();
  const rung = await lowerRungs(instance, ladder, { log, signal });
  const last = await killAndSweep(instance, ladder.sweepMs, log);
  const unproven = doubtAbout(instance);
  return {
    containment: instance.intent.containment.kind,
    rung: rung ?? last.rung,
    emptyScans: last.emptyScans,
    durationMs: log.elapsedMs(),
    rungs: log.taken(),
    evidence: evidence(targetOf(instance)),
    ...(unproven === null ? {} : { unproven }),
  };
}

/** Ends what is left of an instance whose shim is dead; true when nothing lives. */
export async function endSurvivors(instance: Instance, sweepMs: number): Promise<boolean> {
  try {
    await killAndSweep(instance, sweepMs, openRungs());
    return true;
  } catch {
    return false;
  }
}

/** The rungs on which the agent may end by itself. Answers which one did it; null when force is needed. */
async function lowerRungs(
  instance: Instance,
  ladder: StopLadder,
  { log, signal }: { readonly log: Rungs; readonly signal: AbortSignal },
): Promise<string | null> {
  if ((await membersOf(instance)).length === 0) return "already";
  if (ladder.enter === "now") return null;
  if (ladder.enter === "cancel") {
    const hadAgent = !agentGone(targetOf(instance));
    log.take("cancel");
    const ended = (await ask(instance, ladder, signal)) && (await askedRungs(instance, ladder, log));
    if (ended) {
      await until(() => shimGone(instance), SHIM_EXIT_MS);
      return hadAgent ? (log.taken().at(-1)?.rung ?? "stdin") : "cancel";
    }
  }
  log.take("sigterm");
  terminate(targetOf(instance));
  if (!(await until(() => agentGone(targetOf(instance)), ladder.termGraceMs))) return null;
  await until(() => shimGone(instance), SHIM_EXIT_MS);
  return "sigterm";
}

/** The shim takes these two rungs, since the agent's input is its own; it says when in a file. */
async function askedRungs(instance: Instance, ladder: StopLadder, log: Rungs): Promise<boolean> {
  let deadline = performance.now() + (ladder.cancelGraceMs ?? 0) + ladder.stdinGraceMs;
  let closed = false;
  const look = (): boolean => {
    if (!closed && shimRungs(instance).includes("stdin")) {
      closed = true;
      log.take("stdin");
      deadline = Math.min(deadline, performance.now() + ladder.stdinGraceMs);
    }
    return agentGone(targetOf(instance));
  };
  return untilDeadline(look, () => deadline);
}

function shimRungs(instance: Instance): readonly unknown[] {
  try {
    const ending = readJson(join(instance.directory, "ending.json"));
    const rungs = isRecord(ending) && Array.isArray(ending["rungs"]) ? ending["rungs"] : [];
    return rungs.map((one: unknown) => (isRecord(one) ? one["rung"] : null));
  } catch {
    return []; // Half written, or of another time.
  }
}

async function ask(instance: Instance, ladder: StopLadder, signal: AbortSignal): Promise<boolean> {
  const { socket, nonce } = instance.intent;
  const params = {
    cancel_grace_ms: ladder.cancelGraceMs ?? 0,
    cancel_busy_grace_ms: ladder.cancelBusyGraceMs ?? 0,
    // The shim signals by itself as well, a little later, in case we do not live to do it.
    stdin_grace_ms: ladder.stdinGraceMs + SHIM_EXIT_MS,
    term_grace_ms: ladder.termGraceMs + SHIM_EXIT_MS,
  };
  try {
    await callShim({ socket, nonce, method: "stop", params, timeoutMs: ASK_MS, signal });
    return true;
  } catch {
    return false;
  }
}

/** SIGTERM to shim and agent. Frozen processes are thawed, for they could not hear it. */
function terminate(target: Target): void {
  if (target.shim !== null) signalProcess(target.shim, "SIGTERM");
  const outer = target.agent?.outer;
  if (outer !== undefined && isAlive(outer)) signalGroup(outer, "SIGTERM");
  freezeAgent(target, false);
}

/** SIGKILL and containment, then looking and killing until `EMPTY_SCANS` looks in a row find nothing. */
async function killAndSweep(
  instance: Instance,
  sweepMs: number,
  log: Rungs,
): Promise<{ readonly rung: string; readonly emptyScans: number }> {
  const deadline = performance.now() + sweepMs;
  const cgroup = instance.intent.containment.cgroup;
  let members = await membersOf(instance);
  let rung = "already";
  for (let round = 0; members.length > 0; round += 1) {
    if (round > 0 && performance.now() >= deadline) throw survivors(instance, members);
    rung = round === 0 ? (instance.intent.containment.kind === "group" ? "sigkill" : "containment") : "sweep";
    log.take(rung);
    if (cgroup !== null) killCgroup(cgroup);
    const outer = targetOf(instance).agent?.outer;
    if (outer !== undefined && isAlive(outer)) signalGroup(outer, "SIGKILL");
    for (const member of members) signalProcess(member, "SIGKILL");
    const killed = members;
    await until(
      () => killed.every((row) => !isAlive(row)) && (cgroup === null || isPopulated(cgroup) !== true),
      KILL_WAIT_MS,
    );
    members = await membersOf(instance);
  }
  for (let scans = 1; scans < EMPTY_SCANS; scans += 1) {
    await sleep(LOOK_MS_MIN);
    members = await membersOf(instance);
    // Whoever appears between two looks was forking all the time: begin again.
    if (members.length > 0) return killAndSweep(instance, Math.max(0, deadline - performance.now()), log);
  }
  if (cgroup !== null && isPopulated(cgroup) === true) throw survivors(instance, []);
  return { rung, emptyScans: EMPTY_SCANS };
}

/** By a look that begins after this call, and that all who ask for one at this moment share. */
async function membersOf(instance: Instance): Promise<readonly ProcessRow[]> {
  const census = await nextCensus();
  return findMembers(targetOf(instance), census);
}

function survivors(instance: Instance, members: readonly ProcessRow[]): FactoryError {
  const { clone, epoch } = instance.intent;
  const pids = members.slice(0, 20).map((row) => `${row.pid} (${row.state})`);
  return new FactoryError(
    "driver/survivors",
    "retry",
    `${members.length} processes of ${clone}, epoch ${epoch}, still live: ${pids.join(", ")}`,
  );
}

/** Cheap: by the recorded processes and the group. The proof looks at everything. */
function agentGone(target: Target): boolean {
  if (target.plan.cgroup !== null && isPopulated(join(target.plan.cgroup, "agent")) === true) return false;
  const agent = target.agent;
  if (agent === null) return true;
  return !isAlive(agent.outer) && (agent.init === null || !isAlive(agent.init));
}

function shimGone(instance: Instance): boolean {
  const { shim } = targetOf(instance);
  return shim === null || !isAlive(shim);
}

function signalGroup(leader: ProcessId, signal: NodeJS.Signals): void {
  try {
    process.kill(-leader.pid, signal);
  } catch {
    // It went between the look and the signal.
  }
}

async function until(holds: () => boolean, ms: number): Promise<boolean> {
  const deadline = performance.now() + ms;
  return untilDeadline(holds, () => deadline);
}

async function untilDeadline(holds: () => boolean, deadline: () => number): Promise<boolean> {
  for (let wait = LOOK_MS_MIN; ; wait = Math.min(wait * 2, LOOK_MS_MAX)) {
    if (holds()) return true;
    if (performance.now() >= deadline()) return false;
    await sleep(wait);
  }
}

/** What was tried, and when: part of the proof. */
interface Rungs {
  take(rung: string): void;
  taken(): readonly { readonly rung: string; readonly atMs: number }[];
  elapsedMs(): number;
}

/** A tree that forks on is swept many times; the proof names the first few. */
const RUNGS_MAX = 12;

function openRungs(): Rungs {
  const begun = performance.now();
  const taken: { rung: string; atMs: number }[] = [];
  const elapsedMs = (): number => Math.round(performance.now() - begun);
  return {
    take(rung) {
      if (taken.length < RUNGS_MAX) taken.push({ rung, atMs: elapsedMs() });
    },
    taken: () => taken,
    elapsedMs,
  };
}

function evidence(target: Target): string {
  const looked: string[] = [];
  if (target.shim !== null) looked.push(`shim ${target.shim.pid} is gone`);
  if (target.plan.cgroup !== null) looked.push(`cgroup ${target.plan.cgroup} is empty`);
  if (target.agent?.init != null)
    looked.push(`first process ${target.agent.init.pid} of the PID namespace is gone`);
  if (target.agent !== null) looked.push(`session ${target.agent.outer.pid} has no member`);
  looked.push(`no process carries the marker ${target.nonce.slice(0, 8)}…`);
  return `${looked.join("; ")}; ${EMPTY_SCANS} scans in a row`;
}
