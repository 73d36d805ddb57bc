/**
 * Finds out what this machine can hold processes together with, by doing it:
 * a group is made, filled, frozen and killed; a namespace is opened and its opener killed.
 */
import { type ChildProcess, spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, posix } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Containment } from "../../../core/model/instance.ts";
import type { ContainmentPlan } from "../../../instance/claim.ts";
import {
  containedCommand,
  findInit,
  isPopulated,
  joining,
  killCgroup,
  pidsOfCgroup,
  removeCgroup,
  removeGroupIfEmpty,
} from "../../../instance/containment.ts";
import { isAlive, type ProcessId, readProcess } from "../../../instance/process-table.ts";
import type { ContainmentChoice, DriverCapabilities } from "../../../ports/driver.ts";

export interface Machine {
  readonly capabilities: DriverCapabilities;
  /** How an instance is contained here; `cgroup` is the parent of the instances' groups. */
  readonly plan: ContainmentPlan;
}

const TRIAL_MS = 5_000;
const LOOK_MS = 5;

export async function probeMachine(tag: string, choice: ContainmentChoice): Promise<Machine> {
  const notes: string[] = [];
  const deathSignal = await succeeds(["setpriv", "--pdeathsig", "KILL", "--", "true"]);
  notes.push(deathSignal ? "setpriv ties an agent to its shim" : "setpriv --pdeathsig does not work here");
  const pidns = choice === "group" ? null : await tryNamespaces(deathSignal, notes);
  const cgroup = choice === "auto" || choice === "cgroup" ? await tryCgroups(tag, notes) : null;
  if (choice === "cgroup" && cgroup === null) notes.push("a cgroup was asked for and cannot be had");
  const kind: Containment = cgroup !== null ? "cgroup" : pidns !== null ? "pidns" : "group";
  if (cgroup !== null && pidns !== null) notes.push("agents get a cgroup and a PID namespace of their own");
  return {
    capabilities: { containment: kind, freezesAll: kind !== "group", notes },
    plan: { kind, cgroup, pidns, deathSignal },
  };
}

async function tryNamespaces(deathSignal: boolean, notes: string[]): Promise<ContainmentPlan["pidns"]> {
  const user = process.getuid?.() !== 0;
  const veiled = await tryVeil(user, notes);
  for (const mountProc of [true, false]) {
    const pidns = { user, mountProc, ...(veiled ? { hides: [] } : {}) };
    const kind = `PID namespace${user ? " in a user namespace" : ""}${mountProc ? " with its own /proc" : ""}`;
    if (await diesWithOpener({ kind: "pidns", cgroup: null, pidns, deathSignal })) {
      notes.push(`${kind}: opened, and its process died with the opener`);
      return pidns;
    }
    notes.push(`${kind}: does not work here`);
  }
  return null;
}

/** Whether a folder can be made empty for an agent, and whether the agent can do nothing about that. */
async function tryVeil(user: boolean, notes: string[]): Promise<boolean> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "factory-veil-")));
  try {
    const workspace = join(folder, "workspace");
    mkdirSync(workspace);
    writeFileSync(join(folder, "secret"), "");
    const pidns = { user, mountProc: false, hides: [folder] };
    const look = `test -d ${workspace} && touch seen && umount ${folder} 2>/dev/null; test ! -e ${folder}/secret`;
    const command = containedCommand({ kind: "pidns", cgroup: null, pidns, deathSignal: false }, [
      "sh",
      "-c",
      look,
    ]);
    const held = (await succeeds(command, workspace)) && existsSync(join(workspace, "seen"));
    notes.push(
      held
        ? "the record, the keys and other clones' folders are out of an agent's sight"
        : "an agent can read what its user can, the record and the keys included: mounts cannot be made here",
    );
    return held;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Opens a namespace, kills what opened it and sees whether the inside dies. */
async function diesWithOpener(plan: ContainmentPlan): Promise<boolean> {
  const [command, ...args] = containedCommand(plan, ["sleep", "30"]);
  const child = launch([command, ...args]);
  if (child.pid === undefined) return false;
  const row = readProcess(child.pid);
  if (row === null) return false;
  const outer: ProcessId = { pid: row.pid, startTicks: row.startTicks };
  let init: ProcessId | null = null;
  await until(() => {
    init = findInit(outer)?.init ?? null;
    return init !== null || child.exitCode !== null;
  });
  child.kill("SIGKILL");
  if (init === null) return false;
  const found: ProcessId = init;
  return until(() => !isAlive(found));
}

/** The folder for the instances' groups, or null. */
async function tryCgroups(tag: string, notes: string[]): Promise<string | null> {
  const candidates = cgroupCandidates();
  if (candidates.length === 0) notes.push("no cgroup2 hierarchy is mounted");
  for (const base of candidates) {
    const parent = join(base, `factory-${tag}`);
    const trial = join(parent, `trial-${process.pid}`);
    let problem: string | null;
    try {
      mkdirSync(trial, { recursive: true });
      problem = await tryGroup(trial);
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error);
    }
    removeCgroup(trial);
    removeGroupIfEmpty(parent);
    if (problem === null) {
      notes.push(`cgroup ${parent}: made a group, moved a process into it and killed it as a whole`);
      return parent;
    }
    notes.push(`cgroup ${parent}: ${problem}`);
  }
  return null;
}

async function tryGroup(path: string): Promise<string | null> {
  if (!existsSync(join(path, "cgroup.kill"))) return "the kernel has no cgroup.kill";
  if (!existsSync(join(path, "cgroup.freeze"))) return "the kernel has no cgroup.freeze";
  const child = launch(joining(path, ["sleep", "30"]));
  const joined = await until(() => pidsOfCgroup(path).length > 0 || child.exitCode !== null);
  if (!joined || pidsOfCgroup(path).length === 0) {
    child.kill("SIGKILL");
    return "a process could not be moved into the group";
  }
  killCgroup(path);
  if (await until(() => isPopulated(path) === false)) return null;
  child.kill("SIGKILL");
  return "cgroup.kill did not empty the group";
}

/** Our own group first: there an ordinary user may have been given the right to make more. */
function cgroupCandidates(): readonly string[] {
  const candidates: string[] = [];
  const own = /^0::(.*)$/m.exec(readOr("/proc/self/cgroup"))?.[1];
  for (const line of readOr("/proc/self/mountinfo").split("\n")) {
    const [before, after] = line.split(" - ");
    if (before === undefined || !after?.startsWith("cgroup2 ")) continue;
    const fields = before.split(" ");
    const root = fields[3] ?? "/";
    const point = fields[4];
    if (point === undefined) continue;
    const inside = own === undefined ? ".." : posix.relative(root, own);
    if (!inside.startsWith("..")) candidates.push(posix.join(point, inside));
    candidates.push(point);
  }
  return [...new Set(candidates)];
}

function launch(argv: readonly string[], cwd?: string): ChildProcess {
  const child = spawn(argv[0] ?? "true", argv.slice(1), {
    stdio: "ignore",
    ...(cwd === undefined ? {} : { cwd }),
  });
  child.on("error", () => {});
  return child;
}

async function succeeds(argv: readonly string[], cwd?: string): Promise<boolean> {
  const child = launch(argv, cwd);
  await until(() => child.exitCode !== null || child.signalCode !== null || child.pid === undefined);
  child.kill("SIGKILL");
  return child.exitCode === 0;
}

async function until(holds: () => boolean): Promise<boolean> {
  const deadline = performance.now() + TRIAL_MS;
  while (performance.now() < deadline) {
    if (holds()) return true;
    await sleep(LOOK_MS);
  }
  return false;
}

function readOr(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
