/**
 * Finds out what this machine can hold processes together with, by doing it:
 * a group is made, filled, frozen and killed; a namespace is opened and its opener killed.
 */
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Containment } from "../../../core/model/instance.ts";
import { refuseShortage } from "../../../core/model/shortage.ts";
import type { ContainmentPlan } from "../../../instance/claim.ts";
import {
  containedCommand,
  isPopulated,
  joining,
  killCgroup,
  pidsOfCgroup,
  removeCgroup,
  removeGroupIfEmpty,
} from "../../../instance/containment.ts";
import { trySandbox } from "../../../instance/sandbox-trial.ts";
import { signalChild } from "../../../instance/signal-child.ts";
import { diesWithOpener, launch, succeeds, until } from "../../../instance/trials.ts";
import type { ContainmentChoice, DriverCapabilities } from "../../../ports/driver.ts";
import { cgroupFolders } from "./cgroup-mounts.ts";
import { doubtOf } from "./doubt.ts";

export interface Machine {
  readonly capabilities: DriverCapabilities;
  /** How an instance is contained here; `cgroup` is the parent of the instances' groups. */
  readonly plan: ContainmentPlan;
}

export async function probeMachine(tag: string, choice: ContainmentChoice): Promise<Machine> {
  const notes: string[] = [];
  const deathSignal = await succeeds(["setpriv", "--pdeathsig", "KILL", "--", "true"]);
  notes.push(deathSignal ? "setpriv ties an agent to its shim" : "setpriv --pdeathsig does not work here");
  const sandbox = choice === "group" ? null : await trySandbox(deathSignal, notes);
  const user = process.getuid?.() !== 0;
  const pidns =
    choice === "group"
      ? null
      : sandbox !== null
        ? { user: sandbox.user === null, mountProc: true }
        : await tryNamespaces({ deathSignal, user }, notes);
  const cgroup = choice === "auto" || choice === "cgroup" ? await tryCgroups(tag, notes) : null;
  if (choice === "cgroup" && cgroup === null) notes.push("a cgroup was asked for and cannot be had");
  const kind: Containment = cgroup !== null ? "cgroup" : pidns !== null ? "pidns" : "group";
  if (cgroup !== null && pidns !== null) notes.push("agents get a cgroup and a PID namespace of their own");
  const plan: ContainmentPlan = { kind, cgroup, pidns, sandbox, deathSignal };
  const unproven = doubtOf(plan);
  return {
    capabilities: {
      containment: kind,
      freezesAll: kind !== "group",
      sandboxed: sandbox !== null,
      notes,
      ...(unproven === null ? {} : { unproven }),
    },
    plan,
  };
}

async function tryNamespaces(
  { deathSignal, user }: { readonly deathSignal: boolean; readonly user: boolean },
  notes: string[],
): Promise<ContainmentPlan["pidns"]> {
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
    const plan: ContainmentPlan = { kind: "pidns", cgroup: null, pidns, deathSignal: false };
    const command = containedCommand(plan, ["sh", "-c", look], { workspace });
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

/** The folder for the instances' groups, or null. */
async function tryCgroups(tag: string, notes: string[]): Promise<string | null> {
  const candidates = cgroupFolders();
  if (candidates.length === 0) notes.push("no cgroup2 hierarchy is mounted");
  for (const base of candidates) {
    const parent = join(base, `factory-${tag}`);
    const trial = join(parent, `trial-${process.pid}`);
    let problem: string | null;
    try {
      mkdirSync(trial, { recursive: true });
      problem = await tryGroup(trial);
    } catch (error) {
      refuseShortage(error, "groups could not be tried");
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
  const child = await launch(joining(path, ["sleep", "30"]));
  if (child === null) return "there is no shell";
  const joined = await until(() => pidsOfCgroup(path).length > 0 || child.exitCode !== null);
  if (!joined || pidsOfCgroup(path).length === 0) {
    signalChild(child, "SIGKILL");
    return "a process could not be moved into the group";
  }
  killCgroup(path);
  if (await until(() => isPopulated(path) === false)) return null;
  signalChild(child, "SIGKILL");
  return "cgroup.kill did not empty the group";
}
